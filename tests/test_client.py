"""pycompile-client and pycompilectl end to end, against `python -m py_compile` of each Python there is a host for."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import e2e_support as e2e

SOURCES = {
    "plain.py": b"x = 1\ndef f(a):\n    return a + x\nprint(f(x))\n",
    "empty.py": b"",
    "no_newline.py": b"x = 1",
    "crlf.py": b"if True:\r\n    x = 1\r\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "bom.py": b"\xef\xbb\xbfx = 1\n",
    "unicode.py": "é = 'é'\nπ = 3\n".encode(),
    "sets.py": b"def f(x):\n    return x in {'a', 'b', 'c'}\ndef g(x):\n    return x in {'c', 'b', 'a'}\n",
    "assert.py": b'"""doc"""\nassert x\nif __debug__:\n    y = 1\n',
    "warn.py": b"x = 1 is 1\ny = '\\d'\n",
    "name.with.dots.py": b"x = 1\n",
    "noext": b"x = 1\n",
    os.fsdecode(b"bytes-\xff.py"): b"x = 1\n",
    "sp ace.py": b"x = 1\n",
}
BAD = {
    "syntax.py": b"def f(:\n    pass\n",
    "indent.py": b"if True:\nx = 1\n",
    "tab.py": b"if True:\n        x = 1\n\ty = 2\n",
    "nul.py": b"x = 1\n\x00y = 2\n",
    "cookie.py": b"# coding: no-such-codec\nx = 1\n",
    "utf8.py": b"x = '\xff'\n",
    "late.py": b"def f():\n    x = 1\n    nonlocal y\n",
    "return.py": "é = 1; return é\n".encode(),
    "deep.py": b"x = " + b"(" * 300 + b")" * 300 + b"\n",
    os.fsdecode(b"bad-\xff.py"): b"x = (\n",
}


def write(folder, files):
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def tree(folder):
    """Every file below a folder: its bytes and mode."""
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            if os.path.islink(path):
                found[os.path.relpath(path, folder)] = os.readlink(path)
            elif "/lib/python3" not in path:  # with PYTHONPYCACHEPREFIX the real one caches its own modules too
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = (file.read(), os.lstat(path).st_mode)
    return found


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = e2e.Daemon("--workers", "2")
        cls.daemon.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None)

    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_program(self, *command, cwd=None, stdin="", environment=None, **options):
        return subprocess.run(command, cwd=cwd or self.folder, input=os.fsencode(stdin), capture_output=True,
                              timeout=e2e.DEADLINE, env=dict(self.daemon.environment, **(environment or {})), **options)

    def client(self, *args, **options):
        return self.run_program(e2e.CLIENT, *args, **options)

    def compare(self, version, python, files, *args, environment=None, prepare=None, stdin="", umask=0o022, options=()):
        """Both programs in equal folders: they must behave alike and leave equal files. Before 3.11 the bytes of a
        frozenset vary from run to run; pycompiled's are those of one hash seed. `options` are options of `python`."""
        environment = dict(environment or {}, PYTHONHASHSEED="0")
        results = []
        for command in ([python, *options, "-m", "py_compile"], [e2e.CLIENT, "--python", version, *options]):
            folder = os.path.join(self.folder, "work")
            os.makedirs(folder)
            write(folder, files)
            for name in files:
                os.utime(os.path.join(folder, name), (1600000000, 1600000000))
            if prepare:
                prepare(folder)
            run = self.run_program(*command, *args, cwd=folder, stdin=stdin, environment=environment, umask=umask)
            results.append((run.returncode, run.stdout, run.stderr, tree(folder)))
            shutil.rmtree(folder)
        for part, real, ours in zip(("status", "stdout", "stderr", "files"), *results):
            self.assertEqual(real, ours, (version, part, args, environment))


class LikePyCompile(Case):
    def each(self):
        """The versions to compare with: 3.9 had another command line."""
        return [(v, python) for v, python in e2e.pythons().items() if tuple(map(int, v.split("."))) >= (3, 10)]

    def test_good_sources(self):
        for version, python in self.each():
            for name, data in SOURCES.items():
                self.compare(version, python, {name: data}, name)

    def test_bad_sources(self):
        for version, python in self.each():
            for name, data in BAD.items():
                self.compare(version, python, {name: data}, name)
                self.compare(version, python, {name: data}, "-q", name)
                self.compare(version, python, {name: data}, os.path.join(".", name))

    def test_absolute_names(self):
        for version, python in self.each():
            for name, data in [*BAD.items(), *SOURCES.items()]:
                self.compare(version, python, {name: data}, os.path.join(self.folder, "work", name))

    def test_os_errors(self):
        def symlink(folder):
            os.mkdir(os.path.join(folder, "__pycache__"))
            for tag in ("39", *("3%d" % minor for minor in range(10, 20))):
                os.symlink("x", os.path.join(folder, "__pycache__", "a.cpython-%s.pyc" % tag))

        for version, python in self.each():
            self.compare(version, python, {}, "missing.py")
            self.compare(version, python, {}, "missing.py", "also-missing.py")
            self.compare(version, python, {}, "")
            self.compare(version, python, {}, ".")
            self.compare(version, python, {"a.py": b""}, "a.py/b.py")
            self.compare(version, python, {}, os.fsdecode(b"m\xff.py"))
            self.compare(version, python, {}, "it's.py")
            self.compare(version, python, {}, "a" * 300 + ".py")
            self.compare(version, python, {"a.py": b"x=1\n"}, "a.py", prepare=symlink)

    def test_stops_at_the_first_error_in_order(self):
        files = {"%d.py" % i: b"x = %d\n" % i for i in range(20)}
        files["7.py"] = b"(\n"
        for version, python in self.each():
            results = []
            for command in ([python, "-m", "py_compile"], [e2e.CLIENT, "--python", version]):
                write(self.folder, files)
                run = self.run_program(*command, "0.py", "7.py", "missing.py", "1.py")
                results.append((run.returncode, run.stdout, run.stderr))
            self.assertEqual(*results)

    def test_names_from_standard_input(self):
        for version, python in self.each():
            self.compare(version, python, {"a.py": b"x=1\n", "sp ace.py": b"y=2\n"}, "-", stdin="a.py\nsp ace.py\n")
            self.compare(version, python, {"a.py": b"x=1\n"}, "-", stdin="a.py")
            self.compare(version, python, {}, "-", stdin="")

    def test_environment_and_modes(self):
        def private(folder):
            os.chmod(os.path.join(folder, "assert.py"), 0o400)

        files = {"assert.py": SOURCES["assert.py"]}
        for version, python in self.each():
            for environment in ({"PYTHONOPTIMIZE": "1"}, {"PYTHONOPTIMIZE": "2"}, {"PYTHONOPTIMIZE": "x"},
                                {"PYTHONOPTIMIZE": "3"}, {"PYTHONOPTIMIZE": "-2"}, {"PYTHONOPTIMIZE": "0"},
                                {"SOURCE_DATE_EPOCH": "1"}, {"SOURCE_DATE_EPOCH": ""},
                                {"PYTHONPYCACHEPREFIX": "cache"}, {"PYTHONPYCACHEPREFIX": self.folder + "/work/c/"}):
                self.compare(version, python, files, "assert.py", environment=environment)
            for umask in (0, 0o077):
                self.compare(version, python, files, "assert.py", umask=umask)
            self.compare(version, python, files, "assert.py", prepare=private)

    def test_options_of_python(self):
        files = {"assert.py": SOURCES["assert.py"], "warn.py": SOURCES["warn.py"]}
        for version, python in self.each():
            for options in (["-O"], ["-OO"], ["-OOO"], ["-O", "-O"], ["-Wignore"], ["-W", "error::SyntaxWarning"],
                            ["-O", "-Wno::such", "-W", "ignore"]):
                for environment in ({}, {"PYTHONOPTIMIZE": "2"}, {"PYTHONWARNINGS": "always,bad"}):
                    self.compare(version, python, files, "assert.py", "warn.py", options=options, environment=environment)

    def test_invalid_warning_options(self):
        """It is said once, before everything else, whatever the outcome of the files."""
        for version, python in self.each():
            for value in ("bad", "error,bad,no::such", "a:b:c:d:e:f", "error::No", "error::no.such.Category",
                          "error::int", "error:::m:x", "error:::m:-1", "é", "always::warnings.Nope", " ", "::::", "i", ""):
                self.compare(version, python, {"warn.py": SOURCES["warn.py"], "a.py": b"", "bad.py": b"("}, "a.py", "warn.py",
                             "bad.py", environment={"PYTHONWARNINGS": value})
                self.compare(version, python, {}, "-q", "missing.py", environment={"PYTHONWARNINGS": value})
            self.compare(version, python, {"a.py": b""}, "a.py", environment={"PYTHONWARNINGS": os.fsdecode(b"x\xff")})

    def test_once(self):
        """The action "once" is for the process: a warning that one file has shown is not shown for the next."""
        files = {name: SOURCES["warn.py"] for name in ("a.py", "b.py", "c.py")}
        files["c.py"] += b"z = 2 is 1 is '\\d' or '\\e'\n"
        for version, python in self.each():
            for value in ("once", "once::SyntaxWarning,default::DeprecationWarning", "always,once::DeprecationWarning",
                          "once:invalid", "module", "default"):
                if value not in ("once:invalid", "module", "default") or e2e.warns_of_each_file(python):
                    self.compare(version, python, files, "a.py", "b.py", "a.py", "c.py", environment={"PYTHONWARNINGS": value})
                self.compare(version, python, files, "c.py", environment={"PYTHONWARNINGS": value})

    def test_warnings_of_a_codec(self):
        """Showing a line reads the source again, which may warn: before the line, and not in the answer to the next request."""
        files = {"a.py": b"# coding: unicode_escape\nx = '\\q' is 1\n", "b.py": b"x = 1 is 1\n"}
        for version, python in self.each():
            for value in ("", "always", "once", "error"):
                if value != "once" or e2e.warns_of_each_file(python):
                    self.compare(version, python, files, "a.py", "b.py", environment={"PYTHONWARNINGS": value})
            self.client("--python", version, "--check", "-Walways", os.path.join(self.folder, "a.py"))
            for _ in range(4):
                write(self.folder, files)
                run = self.client("--python", version, "--check", "-Walways", *[os.path.join(self.folder, "b.py")] * 2)
                self.assertEqual(run.stderr.count(b"Warning: "), 2, run.stderr)

    def test_too_deep_for_marshal(self):
        """Where py_compile ends with a traceback: its last line, its status, the folder that it leaves."""
        files = {"deep.py": b"x = " + b"lambda: " * 1500 + b"1\n", "after.py": b""}
        for version, python in self.each():
            for args in (["deep.py", "after.py"], ["-q", "deep.py"]):
                results = []
                for command in ([python, "-m", "py_compile"], [e2e.CLIENT, "--python", version]):
                    folder = os.path.join(self.folder, "work")
                    os.mkdir(folder)
                    write(folder, files)
                    run = self.run_program(*command, *args, cwd=folder)
                    results.append((run.returncode, run.stderr.splitlines()[-1:], sorted(os.listdir(folder))))
                    shutil.rmtree(folder)
                self.assertEqual(results[0][1], [b"ValueError: object too deeply nested to marshal"])
                self.assertEqual(*results, (version, args))

    def test_long_names(self):
        """A long name is kept in the code (over 255 bytes it has another type in the marshal stream); too long a one is an error."""
        folders = os.path.join(*["d" * 200] * 12)
        hard = os.path.join(*["é" * 100] * 5)
        for version, python in self.each():
            for folder in (folders, hard, os.path.join(folders, "e" * 180)):
                def prepare(work):
                    here = os.open(work, os.O_RDONLY)
                    for part in folder.split("/"):
                        os.mkdir(part, dir_fd=here)
                        inner = os.open(part, os.O_RDONLY, dir_fd=here)
                        os.close(here)
                        here = inner
                    with open(os.open("a.py", os.O_WRONLY | os.O_CREAT, dir_fd=here), "wb") as file:
                        file.write(b"def f(): pass\nx = 1 is 1\n")
                    os.utime("a.py", (1600000000, 1600000000), dir_fd=here)
                    os.close(here)
                self.compare(version, python, {}, os.path.join(folder, "a.py"), prepare=prepare)
            self.compare(version, python, {}, "d/" * 2100 + "a.py")
            name = "n" * 240 + ".py"  # the name of the .pyc does not fit; the end of the temporary name differs
            results = []
            for command in ([python, "-m", "py_compile"], [e2e.CLIENT, "--python", version]):
                write(self.folder, {name: b""})
                run = self.run_program(*command, name)
                results.append((run.returncode, re.sub(rb"\.pyc\.[0-9.tmp]+'", b".pyc'", run.stderr)))
            self.assertEqual(*results)

    def test_dfile_and_cfile(self):
        """Messages and the code have the name in dfile; the .pyc goes to the place in cfile."""
        script = ("import sys, py_compile\ntry: py_compile.compile(*sys.argv[1:4], doraise=True)\n"
                  "except py_compile.PyCompileError as e: sys.exit(e.msg.rstrip('\\n'))")
        for version, python in self.each():
            for name, data in [*BAD.items(), ("plain.py", SOURCES["plain.py"])]:
                for dfile in ("shown.py", "/no/such/é.py", "x" * 300, os.fsdecode(b"\xff.py"), name):
                    results = []
                    for command in ([python, "-c", script, name, "out/x.pyc", dfile],
                                    [e2e.CLIENT, "--python", version, "--cfile", "out/x.pyc", "--dfile", dfile, name]):
                        folder = os.path.join(self.folder, "work")
                        os.mkdir(folder)
                        write(folder, {name: data})
                        os.utime(os.path.join(folder, name), (1600000000, 1600000000))
                        run = self.run_program(*command, cwd=folder)
                        results.append((run.returncode, run.stderr.rstrip(b"\n"), tree(folder)))
                        shutil.rmtree(folder)
                    if name == "plain.py":  # not py_compile's program: the code is compared, not the bytes
                        codes = [e2e.code_of(python, result[2]["out/x.pyc"][0]) for result in results]
                        self.assertEqual(*codes)
                        self.assertEqual(results[0][:2], results[1][:2])
                    else:
                        self.assertEqual(*results, (version, name, dfile))

    def test_legacy_names(self):
        for version, python in self.each():
            write(self.folder, {"a.py": SOURCES["sets.py"]})
            for options in ([], ["-O"]):
                self.assertEqual(self.client("--python", version, *options, "a.py").returncode, 0)
                self.assertEqual(self.client("--python", version, "--legacy", *options, "a.py").returncode, 0)
                names = os.listdir(os.path.join(self.folder, "__pycache__"))
                name = next(n for n in names if version.replace(".", "") in n and ("opt-1" in n) == bool(options))
                with open(os.path.join(self.folder, "__pycache__", name), "rb") as usual, \
                        open(os.path.join(self.folder, "a.pyc"), "rb") as legacy:
                    self.assertEqual(usual.read(), legacy.read())

    def test_recursion_limit(self):
        """The deepest accepted expression is the same, and so is the message for the next deeper one. From 3.14 on the stack
        is the limit, not a count; it begins at a random place and holds the environment, so that the deepest expression of
        py_compile itself differs by tens of terms from run to run."""
        for version, python in self.each():
            path = os.path.join(self.folder, "deep.py")

            def accepted(depth):
                write(self.folder, {"deep.py": b"x = " + b"+".join([b"y"] * depth) + b"\n"})
                return self.run_program(python, "-m", "py_compile", path)

            low, high = 500, 40000
            self.assertEqual((accepted(low).returncode, accepted(high).returncode), (0, 1))
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if accepted(middle).returncode == 0 else (low, middle)
            if e2e.version_tuple(version) >= (3, 14):
                low, high = low * 99 // 100, high * 101 // 100
            for depth in (low, high):
                real, ours = accepted(depth), self.client("--python", version, path)
                self.assertEqual((real.returncode, e2e.without_stack(real.stderr)),
                                 (ours.returncode, e2e.without_stack(ours.stderr)), (version, depth))

    def test_warnings(self):
        for version, python in self.each():
            for value in ("", "ignore", "error", "always", "default", "error::SyntaxWarning", "ignore::SyntaxWarning"):
                for name in ("warn.py", os.path.join(self.folder, "work", "warn.py")):
                    self.compare(version, python, {"warn.py": SOURCES["warn.py"]}, name,
                                 environment={"PYTHONWARNINGS": value})


class Beyond(Case):
    def test_usage(self):
        run = self.client()
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"the following arguments are required: filenames", run.stderr)
        self.assertEqual(self.client("--help").returncode, 0)
        self.assertRegex(self.client("--version").stdout, rb"^pycompile-client \d")
        self.assertEqual(self.client("--no-such", "a.py").returncode, 2)

    def test_no_such_python(self):
        write(self.folder, {"a.py": b""})
        run = self.client("--python", "2.7", "a.py")
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"no host for Python 2.7; there is one for " + next(iter(e2e.hosts())).encode(), run.stderr)

    def test_keep_going_and_json(self):
        write(self.folder, {**SOURCES, **BAD})
        names = sorted([*SOURCES, *BAD, "missing.py"])
        run = self.client("-k", *names)
        self.assertEqual(run.returncode, 1)
        compiled = os.listdir(os.path.join(self.folder, "__pycache__"))
        self.assertEqual(len(compiled), len(SOURCES))
        for name in BAD:
            if name.isascii() and name != "nul.py":  # its message names no file
                self.assertIn(name.encode(), run.stderr)
        self.assertIn(b"[Errno 2] No such file or directory: 'missing.py'", run.stderr)
        run = self.client("-k", "--json", *names)
        items = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual([item["file"] for item in items], names)
        self.assertEqual({item["file"] for item in items if "error" in item}, {*BAD, "missing.py"})

    def test_cfile_and_dfile(self):
        write(self.folder, {"a.py": b"x = (\n", "b.py": b"x = 1\n"})
        run = self.client("--dfile", "shown.py", "a.py")
        self.assertIn(b'File "shown.py"', run.stderr)
        self.assertEqual(self.client("--cfile", "new/folder/b.pyc", "b.py").returncode, 0)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "new/folder/b.pyc")))

    def test_thousands_of_names_in_order(self):
        os.mkdir(os.path.join(self.folder, "many"))
        names = ["many/m%04d.py" % i for i in range(3000)]
        write(self.folder, {name: b"x = %d\n" % i for i, name in enumerate(names)})
        run = self.client("--json", "-", stdin="\n".join(names))
        self.assertEqual(run.returncode, 0)
        self.assertEqual([json.loads(line)["file"] for line in run.stdout.splitlines()], names)
        self.assertEqual(len(os.listdir(os.path.join(self.folder, "many", "__pycache__"))), 3000)

    def test_every_host_is_listed(self):
        run = self.run_program(e2e.CTL, "python", "--json")
        self.assertEqual(run.returncode, 0)
        for version in e2e.hosts():
            self.assertIn(version.encode(), run.stdout)

    def test_no_temporary_files(self):
        write(self.folder, {"a.py": b"x = 1\n"})
        os.mkdir(os.path.join(self.folder, "__pycache__"))
        for version in e2e.hosts():
            self.client("--python", version, "a.py")
        self.assertEqual([n for n in os.listdir(os.path.join(self.folder, "__pycache__")) if not n.endswith(".pyc")], [])


class Starting(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = dict(os.environ, PYCOMPILED_SOCKET=os.path.join(self.folder, "run", "socket"))
        self.addCleanup(self.ctl, "stop")
        write(self.folder, {"a.py": b"x = 1\n"})

    def run_program(self, *command, **environment):
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=e2e.DEADLINE,
                              env=dict(self.environment, **environment))

    def client(self, *args, **environment):
        return self.run_program(e2e.CLIENT, *args, **environment)

    def ctl(self, *args, **environment):
        return self.run_program(e2e.CTL, *args, **environment)

    def test_the_first_client_starts_it(self):
        run = self.client("a.py")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(self.ctl("status").returncode, 0)
        self.assertEqual(self.ctl("stop").returncode, 0)
        self.assertEqual(self.ctl("status").returncode, 3)
        self.assertEqual(self.ctl("stop").returncode, 0)

    def test_many_clients_at_once_start_one(self):
        runs = []
        threads = [threading.Thread(target=lambda: runs.append(self.client("a.py"))) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([(run.returncode, run.stderr) for run in runs], [(0, "")] * 24)
        with open(os.path.join(self.folder, "run", "log")) as log:
            self.assertEqual(log.read().count("listens on"), 1)

    def test_autostart_can_be_turned_off(self):
        run = self.client("a.py", PYCOMPILED_AUTOSTART="0")
        self.assertEqual(run.returncode, 1)
        self.assertIn(self.environment["PYCOMPILED_SOCKET"], run.stderr)
        self.assertFalse(os.path.exists(self.environment["PYCOMPILED_SOCKET"]))

    def test_a_daemon_that_cannot_start_is_an_error(self):
        os.mkdir(os.path.join(self.folder, "run"))
        os.chmod(os.path.join(self.folder, "run"), 0o777)
        run = self.client("a.py")
        self.assertEqual(run.returncode, 1)
        self.assertIn("other users", run.stderr)
        os.chmod(os.path.join(self.folder, "run"), 0o700)

    def test_start_restart_stop(self):
        self.assertEqual(self.ctl("start").returncode, 0)
        self.assertIn("already", self.ctl("start").stdout)
        first = json.loads(self.ctl("status", "--json").stdout)["pid"]
        self.assertEqual(self.ctl("restart").returncode, 0)
        self.assertNotEqual(json.loads(self.ctl("status", "--json").stdout)["pid"], first)

    def test_restart_in_the_middle_of_a_batch(self):
        names = ["m%04d.py" % i for i in range(1000)]
        write(self.folder, {name: b"x = [%d]\n" % i + b"def f(a, b): return a + b\n" * 200 for i, name in enumerate(names)})
        client = subprocess.Popen([e2e.CLIENT, "--json", *names], cwd=self.folder, env=self.environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(client.stdout.close)
        lines = [client.stdout.readline() for _ in range(50)]
        self.assertEqual(self.ctl("restart").returncode, 0)
        lines += client.stdout.readlines()
        self.assertEqual(client.wait(e2e.DEADLINE), 0, lines[-1])
        items = [json.loads(line) for line in lines]
        self.assertEqual([item["file"] for item in items], names)
        self.assertTrue(all(item["result"]["outcome"] == "compiled" for item in items))

    def test_installed_tree_is_relocatable(self):
        where = os.path.join(self.folder, "moved")
        os.makedirs(os.path.join(where, "bin"))
        os.makedirs(os.path.join(where, "libexec", "pycompiled"))
        for program in (e2e.DAEMON, e2e.CLIENT, e2e.CTL):
            shutil.copy(program, os.path.join(where, "bin"))
        version = next(iter(e2e.hosts()))
        e2e.copy_host(version, os.path.join(where, "libexec", "pycompiled"))
        run = self.run_program(os.path.join(where, "bin", "pycompile-client"), "a.py")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        pids = json.loads(self.ctl("status", "--json").stdout)
        self.assertEqual([item["python"] for item in pids["pythons"]], [version])


if __name__ == "__main__":
    e2e.main()
