"""The wheel: built with meson-python from a copy of this tree, installed by pip of another Python, and at work from there.

Skipped where pip, venv, or meson-python and ninja are not to be had: neither installed for a Python of this machine nor from
the index that pip uses. PYCOMPILED_WHEEL names a wheel that is there already."""
import functools
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import e2e_support as e2e

TOP = os.path.dirname(e2e.SOURCE)
FILES = 12  # of the standard library, for each way
TIMEOUT = 1200
PROGRAMS = {"pycompiled", "pycompile-client", "pycompileall-client", "pycompilectl", "pycompile-lsp"}


def run(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT, **options)


def has_pip_with_index(python):
    """Whether this Python has pip, and pip an index that offers meson-python."""
    return run([python, "-c", "import pip"]).returncode == 0 and "No matching distribution" not in run(
        [python, "-m", "pip", "download", "--no-deps", "--retries=0", "--timeout=10", "-d", os.devnull + "/x", "meson-python"]).stdout


def ways_to_build():
    """Commands of pip that build a wheel; the next one counts where one lacks what it needs."""
    for python in dict.fromkeys([sys.executable, "/usr/bin/python3", *e2e.pythons().values()]):
        if run([python, "-c", "import mesonpy, pip"]).returncode == 0:
            yield [python, "-m", "pip", "wheel", "--no-build-isolation"]
    if has_pip_with_index(sys.executable):
        yield [sys.executable, "-m", "pip", "wheel"]


@functools.lru_cache(None)
def wheel():
    """The wheel's path, and the folder that it was built in."""
    given = os.environ.get("PYCOMPILED_WHEEL")
    if given:
        return given, None
    scratch = tempfile.mkdtemp(prefix="pycompiled-test-wheel-")
    unittest.addModuleCleanup(shutil.rmtree, scratch, ignore_errors=True)
    source = os.path.join(scratch, "source")
    e2e.copy_sources(source)
    said = "neither is meson-python installed, nor has pip an index that offers it"
    for command in ways_to_build():
        done = run([*command, "--no-deps", "-w", scratch, source], cwd=scratch)
        found = glob.glob(os.path.join(scratch, "*.whl"))
        if done.returncode == 0 and found:
            return found[0], scratch
        raise AssertionError("%s: %s" % (" ".join(command), done.stdout[-4000:]))
    raise unittest.SkipTest(said)


def members():
    """The wheel's files, by their path in the environment: {"bin/pycompiled": bytes}."""
    schemes = {"scripts": "bin", "data": ".", "purelib": "lib", "platlib": "lib"}
    found = {}
    with zipfile.ZipFile(wheel()[0]) as archive:
        for name in archive.namelist():
            match = re.match(r"[^/]+\.data/([^/]+)/(.+)", name)
            path = os.path.normpath(os.path.join(schemes[match[1]], match[2])) if match else name
            found[path] = archive.read(name)
    return found


class TestContents(unittest.TestCase):
    def test_files(self):
        names = set(members())
        self.assertLessEqual({"bin/" + name for name in PROGRAMS}, names)
        self.assertLessEqual({"libexec/pycompiled/pycompile-host", "libexec/pycompiled/pycompile-preload.so",
                              "share/pycompiled/openrpc.json", "share/man/man8/pycompiled.8",
                              "share/man/man1/pycompile-client.1"}, names)
        self.assertTrue([name for name in names if name.endswith("pycompiled/__init__.py")])
        self.assertTrue([name for name in names if name.endswith("pycompiled/py.typed")])
        objects = {name[len("libexec/pycompiled/pycompile-host-"):-len(".so")] for name in names
                   if re.match(r"libexec/pycompiled/pycompile-host-[\d.]+\.so$", name)}
        self.assertLessEqual(set(e2e.pythons()), objects)
        self.assertFalse([name for name in names if re.search(r"pycompile-host-\d\.\d+$|\.service$", name)])

    def test_facts(self):
        """A file beside each object tells clients what every interpreter of that version writes, and no path."""
        for name, content in members().items():
            match = re.match(r"libexec/pycompiled/pycompile-host-([\d.]+)\.so$", name)
            if match:
                facts = json.loads(members()[name[:-len(".so")] + ".json"])
                self.assertEqual((facts["python"], facts["version"], facts["interpreter"], facts["cache_tag"]),
                                 (match[1], None, None, "cpython-" + match[1].replace(".", "")))
                self.assertEqual(facts["magic"] >> 16, 0x0a0d)

    def test_tag(self):
        self.assertRegex(os.path.basename(wheel()[0]), r"^pycompiled-[\d.]+-py3-none-(manylinux|linux)_\w+\.whl$")

    def test_no_path_of_the_builder(self):
        """Neither of the tree that it was built from, nor of the interpreters that were there."""
        foreign = {os.path.dirname(os.path.dirname(python)) for python in e2e.pythons().values()} - {"/usr"}
        foreign |= {TOP, os.path.expanduser("~") + "/", wheel()[1] or TOP}
        for name, content in members().items():
            for path in foreign:
                self.assertNotIn(os.fsencode(path), content, name)


class TestHeaders(unittest.TestCase):
    def test_fields(self):
        """The headers of a Python tell what the interpreter itself tells."""
        for python in e2e.pythons().values():
            find = [os.path.join(TOP, "tools", "find-pythons"), "--libpython", "none"]
            asked = run([*find, python])
            if asked.returncode != 0:
                continue  # of another architecture's or of no headers
            version, release, _, includes, *_, tag, magic = asked.stdout.rstrip("\n").split("\t")
            headers = includes.split()[0]
            other = next((path for path in e2e.pythons().values() if path != python), None)
            if other is None:
                self.skipTest("one Python alone")
            lines = run([*find, "--headers", headers, other]).stdout.splitlines()
            (line,) = [line for line in lines if line.startswith(version + "\t")]
            self.assertEqual(line.split("\t"), [version, release, headers, headers, "", "", "none", tag, magic])
            self.assertEqual(len(lines), 2)

    def test_no_headers(self):
        done = run([os.path.join(TOP, "tools", "find-pythons"), "--libpython", "none", "--headers", e2e.SOURCE, sys.executable])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("is no folder of CPython's headers", done.stdout)


class TestPortable(unittest.TestCase):
    def test_needs_libc_alone(self):
        """What tools/build-wheel makes installs on every machine with a glibc as new as its name says."""
        scratch = tempfile.mkdtemp(prefix="pycompiled-test-wheel-")
        self.addCleanup(shutil.rmtree, scratch, ignore_errors=True)
        for program in "apt-get", "dpkg-source", "autoreconf", "libtoolize", "cmake", "readelf":
            if shutil.which(program) is None:
                self.skipTest("no " + program)
        source = os.path.join(scratch, "source")
        e2e.copy_sources(source)
        done = run([os.path.join(source, "tools", "build-wheel"), "--work", os.path.join(scratch, "work"), "--out", scratch,
                    *e2e.pythons().values()])
        if re.search("apt-get .* fails|meson-python", done.stdout):
            self.skipTest(done.stdout[-300:])
        self.assertEqual(done.returncode, 0, done.stdout)
        (path,) = glob.glob(os.path.join(scratch, "*.whl"))
        floor = tuple(map(int, re.search(r"-py3-none-manylinux_(\d+)_(\d+)_\w+\.whl$", path).groups()))
        with zipfile.ZipFile(path) as archive:
            archive.extractall(os.path.join(scratch, "content"))
        judged = [self.judge(program, floor) for program in glob.glob(os.path.join(scratch, "content", "*", "*", "**"),
                                                                      recursive=True) if os.path.isfile(program)]
        self.assertGreaterEqual(judged.count(True), len(PROGRAMS) + 2 + len(e2e.pythons()))
        scripts = glob.glob(os.path.join(scratch, "content", "*.data", "scripts"))[0]
        self.assertIn("pycompile-worker", os.listdir(scripts))

    def judge(self, path, floor):
        """Whether it is a program; then it must need nothing but a libc that is old enough, and no folder of the builder."""
        with open(path, "rb") as file:
            content = file.read()
        if not content.startswith(b"\x7fELF"):
            return False
        shown = run(["readelf", "-d", "-V", "-W", path]).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", shown))
        self.assertLessEqual({name for name in needed if not name.startswith("ld-linux")}, {"libc.so.6", "libm.so.6"}, path)
        self.assertNotRegex(shown, r"\((RPATH|RUNPATH)\)")
        for version in re.findall(r"Name: GLIBC_(\d+\.\d+)", shown):
            self.assertLessEqual(e2e.version_tuple(version), floor, path)
        self.assertNotIn(b"pycompiled-test-wheel-", content)
        return True


class TestInstalled(unittest.TestCase):
    """In an environment of each Python for which there are hosts here, by the wheel of one of them."""

    def install(self, python):
        scratch = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, scratch, ignore_errors=True)
        venv = os.path.join(scratch, "venv")
        made = run([python, "-m", "venv", venv])
        if made.returncode != 0:
            self.skipTest("no venv with pip: " + made.stdout[-200:])
        done = run([os.path.join(venv, "bin", "pip"), "install", "--no-index", wheel()[0]])
        self.assertEqual(done.returncode, 0, done.stdout)
        os.mkdir(os.path.join(scratch, "run"), 0o700)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYCOMPILE"))}
        self.environment.update(PYCOMPILED_SOCKET=os.path.join(scratch, "run", "socket"), VIRTUAL_ENV=venv,
                                PYCOMPILED_CACHE_DIR=os.path.join(scratch, "cache"), TMPDIR=scratch)
        self.addCleanup(run, [os.path.join(venv, "bin", "pycompilectl"), "stop"], env=self.environment)
        self.scratch, self.venv, self.python = scratch, venv, python

    def run_program(self, name, *arguments, status=None):
        done = run([os.path.join(self.venv, "bin", name), *arguments], cwd=self.scratch, env=self.environment)
        if status is not None:
            self.assertEqual((done.returncode, done.stdout), (status, ""))
        return done

    def sources(self, name, start):
        """A folder with some files of the library, and the same for the interpreter's own py_compile, side by side."""
        folder = os.path.join(self.scratch, name)
        os.mkdir(folder)
        library = [path for path in e2e.sources_below(e2e.library_folder(self.python), ("test", "tests", "lib2to3",
                                                                                       "site-packages", "dist-packages"))]
        for path in library[start::len(library) // FILES][:FILES]:
            shutil.copy(path, os.path.join(folder, "m%d_%s" % (len(os.listdir(folder)), os.path.basename(path))))
        return folder, sorted(os.path.join(folder, file) for file in os.listdir(folder))

    def own_bytes(self, version, files):
        """What py_compile of the interpreter itself makes of each, a fresh process a file."""
        bare = e2e.bare_python(version, self.python, tempfile.mkdtemp(dir=self.scratch))
        expected = {}
        for file in files:
            pyc = os.path.join(self.scratch, "own.pyc")
            subprocess.run([bare, "-c", "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)", file,
                            pyc], check=True, env=dict(self.environment, PYTHONHASHSEED="0"), stderr=subprocess.DEVNULL)
            with open(pyc, "rb") as opened:
                expected[file] = opened.read()
        return expected

    def judge(self, version, files):
        tag = version.replace(".", "")
        for file, expected in self.own_bytes(version, files).items():
            folder, name = os.path.split(file)
            with open(os.path.join(folder, "__pycache__", "%s.cpython-%s.pyc" % (name[:-3], tag)), "rb") as opened:
                written = opened.read()
            if written != expected and e2e.version_tuple(version) < (3, 11):  # see e2e.bare_python()
                written, expected = (e2e.code_of(self.python, content) for content in (written, expected))
            self.assertEqual(written, expected, file)

    def requests(self):
        """The compiles that the daemon was asked for."""
        counters = json.loads(self.run_program("pycompilectl", "status", "--json").stdout)["counters"]
        return sum(counters[name] for name in ("compiled", "cached", "up_to_date"))

    def check(self, version, python):
        self.install(python)
        folder, files = self.sources("client", 1)
        self.run_program("pycompile-client", *files, status=0)
        self.judge(version, files)
        folder, files = self.sources("compileall", 2)
        self.run_program("pycompileall-client", "-q", folder, status=0)
        self.judge(version, files)
        requests = self.requests()
        self.run_program("pycompileall-client", "-q", folder, status=0)
        self.assertEqual(self.requests(), requests)  # the client itself sees that all is up to date
        folder, files = self.sources("module", 3)
        done = run([os.path.join(self.venv, "bin", "python"), "-c", "import pycompiled, sys\n"
                    "for result in pycompiled.compile_many(sys.argv[1:]): assert not result.error, result", *files],
                   cwd=self.scratch, env=self.environment)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.judge(version, files)

    def other_version(self, version, python):
        """A version is named that is not the environment's: one of its interpreters is found."""
        self.environment["PATH"] = os.path.dirname(python) + os.pathsep + self.environment["PATH"]
        (file,) = self.sources("other" + version, 4)[1][:1]
        for program, options in ("pycompile-client", ()), ("pycompileall-client", ("-q", "-f")):
            self.run_program(program, "--python", version, *options, file, status=0)
            done = self.run_program(program, "--python", version, "--which-python", file)
            self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "reason: --python asks for " + version))
        self.python = python
        self.judge(version, [file])

    def test_each_python(self):
        for version, python in e2e.pythons().items():
            with self.subTest(version=version):
                self.check(version, python)
                self.doCleanups()

    def test_other_versions(self):
        version, python = list(e2e.pythons().items())[-1]
        self.install(python)
        for other, named in e2e.pythons().items():
            with self.subTest(version=other):
                self.other_version(other, named)
        done = self.run_program("pycompilectl", "python", "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertLessEqual(set(e2e.pythons()), {item["python"] for item in json.loads(done.stdout) if item["interpreter"]})

    def test_specifier(self):
        """Of the versions that requires-python allows the newest that is found; without a daemon, too."""
        version, python = list(e2e.pythons().items())[-1]
        self.install(python)
        del self.environment["VIRTUAL_ENV"]
        self.environment["PATH"] = os.path.dirname(python) + os.pathsep + self.environment["PATH"]
        with open(os.path.join(self.scratch, "pyproject.toml"), "w", encoding="ascii") as file:
            file.write('[project]\nname = "x"\nrequires-python = "==%s.*"\n' % version)
        files = self.sources("specifier", 5)[1][:2]
        for _ in range(2):
            done = self.run_program("pycompile-client", "--which-python")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("allows \"==%s.*\"" % version, done.stdout)
            self.run_program("pycompile-client", *files, status=0)
        self.judge(version, files)

    def test_no_such_version(self):
        self.install(next(iter(e2e.pythons().values())))
        done = self.run_program("pycompile-client", "--python", "3.7", self.sources("none", 6)[1][0])
        self.assertEqual(done.returncode, 1)
        self.assertIn("no host for Python 3.7; there is one for 3.", done.stdout)


if __name__ == "__main__":
    e2e.main()
