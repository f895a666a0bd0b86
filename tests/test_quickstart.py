"""tools/quickstart where a wheel fits: it installs and builds nothing. The wheel is of the programs of this build."""
import glob
import os
import platform
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile

import e2e_support as e2e

TOP = os.path.dirname(e2e.SOURCE)
BUILDERS = ("cc", "gcc", "clang", "meson", "ninja", "apt-get", "dnf", "sudo")


def version():
    with open(os.path.join(TOP, "meson.build"), encoding="utf-8") as file:
        return re.search(r"version: '([^']+)'", file.read())[1]


class TestQuickstart(unittest.TestCase):
    def setUp(self):
        if not os.path.exists(os.path.join(e2e.HOSTS, "pycompile-host")):
            self.skipTest("this build has no hosts for interpreters that are named at run time")
        self.scratch = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.tree = os.path.join(self.scratch, "tree")
        shutil.copytree(os.path.join(TOP, "tools"), os.path.join(self.tree, "tools"))
        shutil.copy(os.path.join(TOP, "meson.build"), self.tree)
        self.called = os.path.join(self.scratch, "called")
        for name in BUILDERS:
            os.chmod(e2e.write_file(self.scratch, "path/" + name, '#!/bin/sh\necho "$0" >>"%s"\nexit 1\n' % self.called), 0o755)
        self.python_version, self.python = next(iter(e2e.pythons().items()))
        os.symlink(self.python, os.path.join(self.scratch, "path", "python3"))
        os.symlink(self.python, os.path.join(self.scratch, "path", "python" + self.python_version))
        e2e.write_file(self.scratch, "source/one.py", "x = 1\n")

    def wheel(self, tag, folder="dist"):
        path = os.path.join(self.tree, folder, "pycompiled-%s-py3-none-%s.whl" % (version(), tag))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        programs = {"scripts/" + os.path.basename(program): program for program in
                    [e2e.DAEMON, *glob.glob(os.path.join(e2e.BUILD, "client", "pycompile*")),
                     os.path.join(e2e.BUILD, "client", "pycompilectl")] if os.path.isfile(program)}
        programs.update({"data/libexec/pycompiled/" + name: os.path.join(e2e.HOSTS, name) for name in
                         ("pycompile-host", "pycompile-preload.so", "pycompile-host-%s.so" % self.python_version)})
        with zipfile.ZipFile(path, "w") as archive:
            for name, program in programs.items():
                archive.write(program, "pycompiled-%s.data/%s" % (version(), name))
        return path

    def run_tool(self, name, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYCOMPILE", "PYTHON"))}
        environment.update(PATH=os.path.join(self.scratch, "path") + ":/usr/bin:/bin", TMPDIR=self.scratch,
                           XDG_CACHE_HOME=os.path.join(self.scratch, "cache"))
        return subprocess.run([os.path.join(self.tree, "tools", name), *arguments], stdin=subprocess.DEVNULL, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=e2e.DEADLINE, check=False)

    def judge(self, done):
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("pycompiled took", done.stdout)
        self.assertTrue(glob.glob(os.path.join(self.scratch, "source", "__pycache__", "one.*.pyc")))
        self.assertFalse(os.path.exists(self.called), "a compiler, or a package manager, was called")
        self.assertFalse(glob.glob(os.path.join(self.tree, "build-release*")))

    def test_wheel_in_dist(self):
        self.wheel("linux_" + platform.machine())
        self.judge(self.run_tool("quickstart", os.path.join(self.scratch, "source")))

    def test_named_wheel(self):
        path = self.wheel("manylinux_2_17_" + platform.machine(), folder="elsewhere")
        self.judge(self.run_tool("quickstart", "--from", path, "--python", self.python_version,
                                 os.path.join(self.scratch, "source")))

    def test_refused(self):
        for tag, reason in (("linux_pdp11", "it is for pdp11"), ("manylinux_9_1_" + platform.machine(), "it needs glibc 9.1"),
                            ("win_amd64", "no wheel for Linux")):
            with self.subTest(tag=tag):
                done = self.run_tool("quickstart", "--from", self.wheel(tag, "other"), os.path.join(self.scratch, "source"))
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(reason, done.stdout)

    def test_file_outside_of_the_folder(self):
        """A wheel that has one is refused, and nothing of it is unpacked."""
        if platform.libc_ver()[0] != "glibc":
            self.skipTest("no glibc, which each wheel needs")
        folder, outside = os.path.join(self.scratch, "unpacked"), os.path.join(self.scratch, "outside")
        path = os.path.join(self.scratch, "pycompiled-%s-py3-none-linux_%s.whl" % (version(), platform.machine()))
        for place in ("scripts/" + outside, "data/" + outside, "scripts/../../outside", "data/../outside",
                      "purelib/x/../../../outside", "scripts//outside", "scripts/x//outside"):
            with self.subTest(place=place):
                with zipfile.ZipFile(path, "w") as archive:
                    archive.writestr("x.data/data/good", "x")
                    archive.writestr("x.data/" + place, "x")
                done = self.run_tool("unpack-release", "--from", path, folder)
                self.assertEqual(done.returncode, 77, done.stdout)
                self.assertIn("outside of the folder: 'x.data/%s'" % place, done.stdout)
                for left in outside, folder, folder + ".new":
                    self.assertFalse(os.path.exists(left), left)

    def test_nothing_fits(self):
        """Of dist/: then quickstart builds."""
        folder = os.path.join(self.scratch, "unpacked")
        self.assertEqual(self.run_tool("unpack-release", folder).returncode, 77)
        self.wheel("linux_pdp11")
        done = self.run_tool("unpack-release", folder)
        self.assertEqual(done.returncode, 77)
        self.assertIn("it is for pdp11", done.stdout)
        self.assertFalse(os.path.exists(folder) or os.path.exists(folder + ".new"))


if __name__ == "__main__":
    e2e.main()
