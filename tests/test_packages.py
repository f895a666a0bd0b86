"""Debian's packages of this tree: their files, lintian's judgement, and the main job with what they hold; and whether the
spec of the RPM packages names the same files. tools/release makes the packages.

Skipped where dpkg-buildpackage, debhelper or what debian/control wants are not installed. Installing and purging in fresh
roots is not here: docs/install.md tells how that is done. PYCOMPILED_DEBS names a folder with packages that are there already."""
import functools
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e

TOP = os.path.dirname(e2e.SOURCE)
RELEASE = os.path.join(TOP, "tools", "release")
SPEC = os.path.join(TOP, "packaging", "rpm", "pycompiled.spec")
PACKAGES = ("pycompiled", "pycompiled-hosts", "python3-pycompiled")
PROGRAMS = ("pycompiled", "pycompile-client", "pycompileall-client", "pycompilectl", "pycompile-lsp", "pycompile-worker")
# Debian 12 and 13 take the same package as sid, whose policy is newer; and an override may be for another lintian.
POLICY = re.compile("standards-version|old-debhelper-compat|redundant-(priority|rules)|unused-override")
FILES = "20"  # of the library, for each way of compiling
TIMEOUT = 1200


def run(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT, check=False, **options)


def missing():
    """What stands in the way of building the packages here; None if nothing does."""
    if not os.path.isdir(os.path.join(TOP, "debian")):
        return "no debian/, as in a source archive"
    for program in "dpkg-buildpackage", "dpkg-checkbuilddeps", "dh":
        if shutil.which(program) is None:
            return "no " + program
    done = run(["dpkg-checkbuilddeps", "-Pnocheck"], cwd=TOP)
    return done.stdout.strip() if done.returncode != 0 else None


@functools.lru_cache(None)
def folder():
    """The folder that holds the packages."""
    given = os.environ.get("PYCOMPILED_DEBS")
    if given:
        return given
    reason = missing()
    if reason:
        raise unittest.SkipTest(reason)
    out = tempfile.mkdtemp(prefix="pycompiled-test-packages-")
    unittest.addModuleCleanup(shutil.rmtree, out, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("PYCOMPILE", "MESON")) and name not in ("CC", "CFLAGS", "LDFLAGS", "VIRTUAL_ENV")}
    environment.update(DEB_BUILD_OPTIONS="nocheck noautodbgsym", DEB_BUILD_PROFILES="nocheck")
    done = run([RELEASE, "--dirty", "--only", "debs", "--out", out], env=environment)
    if done.returncode != 0:
        raise AssertionError(done.stdout)
    return out


def deb(package):
    (path,) = glob.glob(os.path.join(folder(), package + "_*.deb"))
    return path


def field(package, name):
    return run(["dpkg-deb", "-f", deb(package), name]).stdout.strip()


@functools.lru_cache(None)
def files(package):
    """Mode by path, {"usr/bin/pycompiled": "-rwxr-xr-x"}; not folders."""
    lines = [line.split(None, 5) for line in run(["dpkg-deb", "-c", deb(package)]).stdout.splitlines()]
    return {path[2:]: mode for mode, _, _, _, _, path in lines if not mode.startswith("d")}


class TestContents(unittest.TestCase):
    def test_programs(self):
        names = files("pycompiled")
        for program in PROGRAMS:
            self.assertEqual(names.get("usr/bin/" + program), "-rwxr-xr-x", program)
        self.assertEqual({name for name in names if name.startswith("usr/bin/")}, {"usr/bin/" + program for program in PROGRAMS})

    def test_man_pages(self):
        names = set(files("pycompiled"))
        for page in glob.glob(os.path.join(TOP, "docs", "man", "*.[1-8]")):
            self.assertIn("usr/share/man/man%s/%s.gz" % (page[-1], os.path.basename(page)), names)

    def test_units(self):
        names = files("pycompiled")
        for unit in glob.glob(os.path.join(TOP, "systemd", "pycompiled*")):
            name = os.path.basename(unit)[:-len(".in")] if unit.endswith(".in") else os.path.basename(unit)
            self.assertEqual(names.get("usr/lib/systemd/%s/%s" % ("system" if "@" in name else "user", name)), "-rw-r--r--")

    def test_hosts(self):
        names, place = files("pycompiled-hosts"), "usr/libexec/pycompiled/"
        supported = re.findall(r"python(\S+)", run(["py3versions", "-s"]).stdout)
        default = run(["py3versions", "-d"]).stdout.strip()
        for name in ["pycompile-preload.so", *("pycompile-host-%s.so" % version for version in supported)]:
            self.assertEqual(names.get(place + name), "-rw-r--r--", name)
        for name in "pycompile-host", default.replace("python", "pycompile-host-"):
            self.assertEqual(names.get(place + name), "-rwxr-xr-x", name)
        self.assertIn(default, re.split(r",\s*", field("pycompiled-hosts", "Depends")))

    def test_module(self):
        self.assertIn("usr/lib/python3/dist-packages/pycompiled/__init__.py", files("python3-pycompiled"))
        self.assertEqual(field("python3-pycompiled", "Architecture"), "all")

    def test_documents(self):
        names = {re.sub(r"\.gz$", "", name) for name in files("pycompiled")}
        for path in ["README.md", *glob.glob(os.path.join(TOP, "docs", "*.md"))]:
            self.assertIn("usr/share/doc/pycompiled/" + os.path.basename(path), names)
        self.assertIn("usr/share/doc/pycompiled/examples/bazel/defs.bzl", names)

    def test_nothing_twice(self):
        seen = {}
        for package in PACKAGES:
            for name in files(package):
                self.assertNotIn(name, seen)
                seen[name] = package

    def test_same_build(self):
        """Server and hosts must be of one build."""
        self.assertIn("pycompiled-hosts (= %s)" % field("pycompiled", "Version"), field("pycompiled", "Depends"))

    def test_lintian(self):
        if shutil.which("lintian") is None:
            self.skipTest("no lintian")
        (changes,) = glob.glob(os.path.join(folder(), "*.changes"))
        said = run(["lintian", "-iI", "--pedantic", "--allow-root", changes]).stdout
        found = [line for line in re.findall(r"(?m)^[EWIP]: .*", said) if not POLICY.search(line)]
        self.assertFalse(found, said)


class TestWork(unittest.TestCase):
    def test_main_job(self):
        """debian/tests/compile-library with the packages' files in a folder: they find each other from their own places."""
        scratch = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, scratch, ignore_errors=True)
        root = os.path.join(scratch, "root")
        for package in PACKAGES:
            self.assertEqual(run(["dpkg-deb", "-x", deb(package), root]).returncode, 0)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYCOMPILE")}
        for name in "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV":
            environment.pop(name, None)
        environment.update(PATH=os.path.join(root, "usr", "bin") + ":/usr/bin:/bin", TMPDIR=scratch, FILES=FILES,
                           PYTHONPATH=os.path.join(root, "usr", "lib", "python3", "dist-packages"))
        done = run(["sh", os.path.join(TOP, "debian", "tests", "compile-library")], env=environment, cwd=scratch)
        self.assertEqual(done.returncode, 0, done.stdout)
        counts = re.findall(r": (\d+) files, 0 differ", done.stdout)
        self.assertEqual(set(counts), {FILES}, done.stdout)
        self.assertEqual(len(counts) % 3, 0, done.stdout)


class TestSpec(unittest.TestCase):
    """packaging/rpm/pycompiled.spec."""

    def test_names_each_file(self):
        with open(SPEC, encoding="utf-8") as file:
            listed = file.read()
        for program in PROGRAMS:
            self.assertIn("%%{_bindir}/%s\n" % program, listed)
        for unit in glob.glob(os.path.join(TOP, "systemd", "pycompiled*")):
            self.assertRegex(listed, r"(?m)^%%\{_(user)?unitdir\}/%s$" % re.escape(re.sub(r"\.in$", "", os.path.basename(unit))))

    def test_rpm_reads_it(self):
        if shutil.which("rpmspec") is None:
            self.skipTest("no rpmspec")
        done = run(["rpmspec", "--load", os.path.join(os.path.dirname(SPEC), "debian.macros"), "-q", "--qf", "%{NAME}\n", SPEC])
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertLessEqual(set(PACKAGES), set(done.stdout.split()))

    def test_rpmlint(self):
        if shutil.which("rpmlint") is None:
            self.skipTest("no rpmlint")
        said = run(["rpmlint", SPEC]).stdout
        self.assertFalse(re.findall(r"(?m)^.*: E: .*", said), said)


if __name__ == "__main__":
    e2e.main()
