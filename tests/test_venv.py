"""pycompileall-client --venv and --stdlib: what is installed, by its RECORD, and nothing that has not changed."""
import json
import os
import re
import shutil

import e2e_support as e2e
from compileall_support import ANY_VERSION as VERSION, GOOD, Case
from venv_support import Environment

PYC = "__pycache__/%s.cpython-" + VERSION.replace(".", "") + ".pyc"


class Venv(Case):
    version = VERSION

    def setUp(self):
        super().setUp()
        self.env = Environment(self.python, self.path("env"))
        self.env.install("one", {"one/__init__.py": b"", "one/sub/mod.py": GOOD, "one/data.txt": b""})
        self.env.install("two", {"two.py": GOOD})

    def run_venv(self, *options, **environment):
        """The names of the files that are compiled, relative to site-packages."""
        done = self.run_one([e2e.COMPILEALL, "--venv"], ["--json", *options, "env"], **environment)
        self.status, self.said = done.returncode, done.stderr.decode()
        site = os.path.relpath(self.env.site, self.work)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        return sorted(os.path.relpath(answer["file"], site) for answer in answers
                      if "error" in answer or answer["result"]["outcome"] != "up-to-date")

    def check_nothing_to_do(self, files):
        """The next run asks nobody."""
        done = self.run_one([e2e.COMPILEALL, "--venv"], ["-v", "env"], PYCOMPILED_SOCKET=self.path("none"), PYCOMPILED_AUTOSTART="0")
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertRegex(done.stderr, rb"^%d files: 0 compiled, %d up to date, 0 failed; " % (files, files))

    def test_first_and_next(self):
        self.assertEqual(self.run_venv(), ["one/__init__.py", "one/sub/mod.py", "two.py"])
        self.assertEqual((self.status, self.said), (0, ""))
        self.assertTrue(os.path.exists(self.env.path(PYC % "two")))
        self.check_nothing_to_do(3)
        self.assertEqual(self.run_venv("-f"), ["one/__init__.py", "one/sub/mod.py", "two.py"])

    def test_which_environment(self):
        for options, environment in (((), {}), (("env",), {}), ((), {"VIRTUAL_ENV": self.path("env")})):
            shutil.rmtree(self.env.path("__pycache__"), ignore_errors=True)
            if not options and not environment:
                os.symlink("env", self.path(".venv"))
            done = self.run_one([e2e.COMPILEALL, "--venv", *options], [], **environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(os.path.exists(self.env.path(PYC % "two")))
            if not options and not environment:
                os.unlink(self.path(".venv"))

    def test_its_own_python(self):
        other = next((v for v in e2e.pythons() if v != VERSION), None)
        if other is None:
            self.skipTest("one Python only")
        self.run_venv(PYCOMPILE_PYTHON=other)
        self.assertEqual(os.listdir(self.env.path("__pycache__")), [os.path.basename(PYC % "two")])

    def test_added_upgraded_removed(self):
        self.run_venv()
        self.env.install("three", {"three/__init__.py": GOOD})
        self.assertEqual(self.run_venv(), ["three/__init__.py"])
        shutil.rmtree(self.env.path("one-1.0.dist-info"))
        shutil.rmtree(self.env.path("one"))
        self.env.install("one", {"one/new.py": GOOD}, version="2.0")
        self.assertEqual(self.run_venv(), ["one/new.py"])
        for name in ("three", "three-1.0.dist-info"):
            shutil.rmtree(self.env.path(name))
        self.assertEqual(self.run_venv(), [])
        self.check_nothing_to_do(2)

    def test_installed_anew(self):
        """Of the same version, with other contents."""
        self.run_venv()
        self.env.install("one", {"one/__init__.py": b"x = 1\n", "one/sub/mod.py": GOOD})
        os.utime(self.env.path("one/__init__.py"), (1700000000, 1700000000))
        self.assertIn("one/__init__.py", self.run_venv())

    def test_removed_pyc(self):
        self.run_venv()
        os.unlink(self.env.path("one/sub", PYC % "mod"))
        self.assertEqual(self.run_venv(), ["one/sub/mod.py"])
        shutil.rmtree(self.env.path("one/__pycache__"))
        self.assertEqual(self.run_venv(), ["one/__init__.py"])
        self.check_nothing_to_do(3)

    def test_other_options(self):
        self.run_venv()
        self.assertEqual(len(self.run_venv("-o1")), 3)
        self.assertEqual(len(self.run_venv("--invalidation-mode", "checked-hash")), 3)

    def test_broken_source(self):
        """Its distribution is looked at each time, the others are not."""
        self.env.install("bad", {"bad/a.py": GOOD, "bad/b.py": b"def f(:\n"})
        self.assertEqual(len(self.run_venv()), 5)
        for _ in range(2):
            self.assertEqual(self.run_venv(), ["bad/b.py"])
            self.assertEqual(self.status, 1)

    def test_broken_source_beside_a_broken_library(self):
        self.env.install("bad", {"bad/b.py": b"def f(:\n"})
        library = re.escape(os.path.realpath(e2e.library_folder(self.python)))
        for _ in range(3):
            self.assertIn("bad/b.py", self.run_venv("--stdlib", "-x", "^%s/(?!.*badsyntax)" % library))

    def test_check(self):
        self.assertEqual(len(self.run_venv("--check")), 3)
        self.assertFalse(os.path.exists(self.env.path("__pycache__")))
        self.assertEqual(len(self.run_venv()), 3)

    def test_records_that_are_none(self):
        for name, rows in (("quote", b'"open,sha256=,1\n'), ("nul", b"a\0b.py,,\n"), ("text", b'"a.py"x,,\n')):
            self.env.record(name, "1", rows)
        os.mkdir(self.env.path("gone-1.dist-info"))
        os.makedirs(self.env.path("folder-1.dist-info/RECORD"))
        os.mkdir(self.env.path("fifo-1.dist-info"))
        os.mkfifo(self.env.path("fifo-1.dist-info/RECORD"))
        self.env.record("empty", "1", b"")
        self.assertEqual(len(self.run_venv()), 3)
        self.assertEqual(self.status, 0)
        for name in ("quote", "nul", "text", "gone", "folder"):
            self.assertRegex(self.said, "%s-1.dist-info has (no RECORD|a RECORD that cannot be read)" % name)
        self.assertNotIn("empty", self.said)
        self.run_venv("--strict")
        self.assertEqual(self.status, 1)

    def test_hostile_names(self):
        """Nothing outside of site-packages is touched."""
        outside = self.write("outside/mod.py", GOOD)
        climb = os.path.relpath(outside, self.env.site)
        rows = [outside, climb, "one/../" + climb, "./..//" + climb, "../site-packages/two.py", "missing.py", "one", ".py", "two.py/x.py"]
        self.env.record("evil", "1", "".join("%s,,\n" % row for row in rows).encode())
        self.assertEqual(len(self.run_venv()), 3)
        self.assertEqual(os.listdir(self.path("outside")), ["mod.py"])

    def test_odd_names(self):
        names = {'odd/com,ma.py': GOOD, 'odd/quo"te.py': GOOD, "odd/new\nline.py": GOOD, os.fsdecode(b"odd/byte\xff.py"): GOOD}
        self.env.install("odd", names)
        self.assertEqual([name for name in self.run_venv() if name.startswith("odd/")], sorted(names))
        self.assertEqual(self.run_venv(), [])
        self.env.install("line\nfeed", {"feed\nline/a.py": GOOD})
        for _ in range(2):
            self.run_venv()
            self.assertEqual(self.status, 0)

    def test_editable_and_namespace(self):
        """The sources of an editable install are elsewhere, and are not an installed distribution's files."""
        source = self.write("project/src/pkg/mod.py", GOOD)
        self.env.install("editable", {"__editable__.editable.pth": os.fsencode(os.path.dirname(source)),
                                      "__editable___finder.py": GOOD})
        self.env.install("ns.a", {"ns/a/mod.py": GOOD})
        self.env.install("ns.b", {"ns/b/mod.py": GOOD})
        found = self.run_venv()
        for name in ("__editable___finder.py", "ns/a/mod.py", "ns/b/mod.py"):
            self.assertIn(name, found)
        self.assertFalse(os.path.exists(os.path.dirname(source) + "/__pycache__"))

    def test_both_libraries(self):
        """lib64 is a link to lib, or a folder of its own."""
        lib64 = self.path("env/lib64")
        if not os.path.islink(lib64):
            os.symlink("lib", lib64)
        self.assertEqual(len(self.run_venv()), 3)
        os.unlink(lib64)
        site = os.path.join(lib64, os.path.relpath(self.env.site, self.path("env/lib")))
        os.makedirs(site + "/plat-1.dist-info")
        for name, data in (("plat.py", GOOD), ("plat-1.dist-info/RECORD", b"plat.py,,\n")):
            with open(os.path.join(site, name), "wb") as file:
                file.write(data)
        self.assertEqual([os.path.basename(name) for name in self.run_venv()], ["plat.py"])
        self.check_nothing_to_do(4)

    def test_stamp_that_is_damaged(self):
        self.run_venv()
        folder = self.daemon.environment.get("PYCOMPILED_CACHE_DIR") or e2e.SHARED_CACHE
        stamps = [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("venv-")]
        self.assertTrue(stamps)
        for path in stamps:
            with open(path, "rb") as file:
                whole = file.read()
            for text in (b"", whole[:-1], whole[:len(whole) // 2], whole.replace(b" ", b"\0"), whole.replace(b"F ", b"F x"), b"\xff" * 500):
                with open(path, "wb") as file:
                    file.write(text)
                os.unlink(self.env.path(PYC % "two")) if os.path.exists(self.env.path(PYC % "two")) else None
                self.assertEqual(self.run_venv(), ["two.py"])

    def test_stamps_are_removed(self):
        """That of an environment that is gone, one that is old, and all of them when the cache is cleared."""
        cache = {"PYCOMPILED_CACHE_DIR": self.path("cache")}

        def stamps():
            return {name for name in os.listdir(self.path("cache")) if name.startswith("venv-")}

        os.mkdir(self.path("cache"), 0o700)
        other = Environment(self.python, self.path("other"))
        other.install("three", {"three.py": GOOD})
        self.run_one([e2e.COMPILEALL, "--venv", "other"], [], **cache)
        of_other = stamps()
        self.assertEqual(len(of_other), 1)
        self.run_venv(**cache)
        self.assertEqual(len(stamps()), 2)
        shutil.rmtree(self.path("other"))
        self.env.install("four", {"four.py": GOOD})
        self.run_venv(**cache)
        (own,) = stamps()
        self.assertNotIn(own, of_other)
        old = self.write("cache/venv-0123456789abcdef", b"pycompiled venv 0\n")
        new = self.write("cache/venv-fedcba9876543210", b"pycompiled venv 0\n")
        os.utime(new)
        self.env.install("five", {"five.py": GOOD})
        self.run_venv(**cache)
        self.assertEqual(stamps(), {own, os.path.basename(new)})
        self.assertFalse(os.path.exists(old))
        self.run_one([e2e.CTL, "cache", "clear"], [], **cache)
        self.assertEqual(stamps(), set())

    def test_config_that_is_a_pipe(self):
        os.makedirs(self.path("pipe"))
        os.mkfifo(self.path("pipe/pyvenv.cfg"))
        done = self.run_one([e2e.COMPILEALL, "--venv", "pipe"], [])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"pipe is no virtual environment", done.stderr)

    def test_no_site_packages(self):
        for version in (VERSION, "3.%d" % (e2e.version_tuple(VERSION)[1] + 1)):
            shutil.rmtree(self.path("bare"), ignore_errors=True)
            self.write("bare/pyvenv.cfg", b"version = %s.0\n" % version.encode())
            os.makedirs(self.path("bare/lib/python%s0/site-packages" % version))
            done = self.run_one([e2e.COMPILEALL, "--venv", "bare"], [])
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"bare has no lib/python%s/site-packages" % version.encode(), done.stderr)

    def test_library_of_another_build(self):
        """python3.13t is not python3.13, and counts where there is no other."""
        site = self.env.site.replace("python" + VERSION, "python" + VERSION + "t")
        os.makedirs(os.path.dirname(site))
        shutil.copytree(self.env.site, site)
        self.assertEqual(self.run_venv(), ["one/__init__.py", "one/sub/mod.py", "two.py"])
        self.assertFalse(os.path.exists(site + "/__pycache__"))
        shutil.rmtree(os.path.dirname(self.env.site))
        self.assertEqual(len(self.run_venv()), 3)
        self.assertTrue(os.path.exists(site + "/__pycache__"))

    def test_egg_info(self):
        """It is named, and an error with --strict."""
        os.mkdir(self.env.path("old-1.egg-info"))
        self.env.write("older.egg-info", b"Name: older\n")
        for options, status in (((), 0), (("--strict",), 1)):
            self.run_venv(*options)
            self.assertEqual(self.status, status)
            for name in ("old-1", "older"):
                self.assertIn("%s.egg-info has no RECORD: its files are left out\n" % name, self.said)

    def test_which_python(self):
        other = next((v for v in e2e.pythons() if v != VERSION), None)
        if other is None:
            self.skipTest("one Python only")
        done = self.run_one([e2e.COMPILEALL, "--venv", "env", "--which-python"], [], PYCOMPILE_PYTHON="", UV_PYTHON=other)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.splitlines()[0].decode(), VERSION)
        done = self.run_one([e2e.COMPILEALL, "--venv", "nowhere", "--which-python"], [])
        self.assertEqual((done.returncode, done.stdout), (1, b""))

    def test_no_environment(self):
        for name, words in (("nowhere", b"No such file"), ("outside", b"pyvenv.cfg")):
            self.write("outside/mod.py", GOOD)
            for more, status in (((), 1), (("--exit-codes",), 4)):
                done = self.run_one([e2e.COMPILEALL, *more, "--venv", name], [])
                self.assertEqual(done.returncode, status)
                self.assertIn(words, done.stderr)


class Stdlib(Case):
    version = VERSION

    def test_library(self):
        """A part of it, written to another place."""
        library = os.path.realpath(e2e.library_folder(self.python))
        most = "^(?!%s/(os|json/[a-z_]+|site-packages/.*)[.]py$)" % re.escape(library)
        done = self.run_one([e2e.COMPILEALL, "--python", VERSION, "--stdlib", "--output-format", "json", "-x", most], [],
                            PYTHONPYCACHEPREFIX=self.path("prefix"))
        *answers, last = [json.loads(line) for line in done.stdout.splitlines()]
        files = sorted(os.path.relpath(answer["file"], library) for answer in answers)
        expected = ["json/" + name for name in os.listdir(library + "/json") if name.endswith(".py")]
        self.assertEqual((done.returncode, files), (0, sorted([*expected, "os.py"])))
        self.assertEqual(last["summary"]["files"], len(files))


if __name__ == "__main__":
    e2e.main()
