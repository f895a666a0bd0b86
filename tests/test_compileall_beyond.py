"""pycompileall-client end to end: its options beyond compileall, its differences from compileall, streams and signals."""
import json
import os
import re
import signal
import subprocess

import e2e_support as e2e
from compileall_support import GOOD, VERSION, Case, plant


class Beyond(Case):
    def setUp(self):
        super().setUp()
        plant(self.work)

    def test_stale_timestamp_with_a_hash_mode(self):
        """cpython issue 117204: compileall leaves the timestamp .pyc."""
        self.ours("-q", "pkg/sub")
        done = self.ours("--invalidation-mode", "checked-hash", "pkg/sub")
        self.assertIn(b"Compiling 'pkg/sub/mod.py'", done.stdout)
        path = os.path.join(self.work, "pkg/sub/__pycache__/mod.cpython-313.pyc")
        with open(path, "rb") as file:
            self.assertEqual(file.read(8)[4:], b"\3\0\0\0")
        again = self.ours("--invalidation-mode", "checked-hash", "pkg/sub")
        self.assertNotIn(b"Compiling", again.stdout)

    def test_size_counts(self):
        self.ours("-q", "pkg/sub")
        path = os.path.join(self.work, "pkg/sub/mod.py")
        with open(path, "ab") as file:
            file.write(b"# more\n")
        os.utime(path, (1700000000, 1700000000))
        self.assertIn(b"Compiling 'pkg/sub/mod.py'", self.ours("pkg/sub").stdout)

    def test_strict(self):
        """cpython issue 88621: compileall treats a missing name as a success."""
        self.assertEqual(self.ours("missing").returncode, 0)
        self.assertEqual(self.ours("--strict", "missing").returncode, 1)
        self.assertEqual(self.ours("--strict", "pkg/sub").returncode, 0)

    def test_json(self):
        lines = [json.loads(line) for line in self.ours("--json", "-o0", "-o1", "pkg").stdout.splitlines()]
        names = {line["file"] for line in lines}
        self.assertEqual(len(lines), len(names) * 2 - sum("error" in line for line in lines))
        self.assertEqual({line["file"] for line in lines if "error" in line},
                         {"pkg/bad.py", "pkg/nul.py", "pkg/sub-other/mod.py"})
        lines = [json.loads(line) for line in self.ours("--json", "-o0", "pkg/sub").stdout.splitlines()]
        self.assertEqual({line["result"]["outcome"] for line in lines}, {"up-to-date"})

    def test_json_has_a_line_for_each_source_and_level(self):
        """With the same members, whether the daemon was asked or not."""
        def lines(*args, **environment):
            found = [json.loads(line) for line in self.ours("--json", *args, "pkg/sub", **environment).stdout.splitlines()]
            return {(line["file"], line.get("optimize")): line["result"] for line in found}, len(found)

        for args in (("-o0", "-o1", "-o2"), ("-b",), (), ("-o1", "-d", "/x")):
            first, count = lines("-f", *args)
            again, same_count = lines(*args)
            self.assertEqual((len(first), len(again), same_count), (count, count, count))
            self.assertEqual({result["outcome"] for result in again.values()}, {"up-to-date"})
            for result in (*first.values(), *again.values()):
                self.assertIsInstance(result.pop("elapsed_us"), int)
                del result["outcome"]
            self.assertEqual(again, first)
        self.assertEqual(len(lines("-o0", "-o1", "-o2")[0]), 6)

    def test_verbose(self):
        self.assertRegex(self.ours("-qv", "--no-cache", "pkg/sub").stderr, rb"^2 files: 2 compiled, 0 up to date, 0 failed; ")
        self.assertRegex(self.ours("-qv", "pkg/sub").stderr, rb"^2 files: 0 compiled, 2 up to date, 0 failed; ")

    def test_timing(self):
        self.ours("-q", "--timing", "trace.json", "pkg")
        with open(os.path.join(self.work, "trace.json"), encoding="utf-8", errors="surrogateescape") as file:
            events = json.load(file)
        self.assertIn("pkg/bad.py", {event["name"] for event in events if event["args"]["outcome"] == "failed"})
        workers = {}
        for event in sorted(events, key=lambda e: e["ts"]):
            worker = (event["pid"], event["tid"])
            self.assertGreaterEqual(event["ts"], workers.get(worker, 0))
            workers[worker] = event["ts"] + event["dur"]

    def test_unknown_python(self):
        done = self.run_one([e2e.COMPILEALL, "--python", "2.7"], ["pkg"])
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"no host for Python 2.7", done.stderr)

    def test_trace_that_cannot_be_written(self):
        done = self.ours("-q", "--timing", "missing/trace.json", "pkg")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"missing/trace.json: No such file or directory", done.stderr)

    def test_name_with_nul(self):
        """compileall ends with this exception too, having listed a folder of that name."""
        self.write("given", b"pkg/sub\npkg/good.py\0junk\npkg/out.py\n")
        for options in ([], ["-x", "nothing"]):
            done = self.ours("-fi", "given", *options)
            self.assertEqual((done.returncode, done.stderr), (1, b"ValueError: embedded null byte\n"))
            self.assertEqual(done.stdout.count(b"Compiling"), 2)
            self.assertFalse(os.path.exists(self.path("pkg/__pycache__")))

    def test_list_that_is_not_utf8(self):
        """compileall ends with a UnicodeDecodeError."""
        done = self.ours("-i", "notutf8")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"Compiling 'pkg/bytes-\\udcff.py'", done.stdout)

    def test_strip_of_the_whole(self):
        """compileall ends with a TypeError."""
        done = self.ours("-s", "pkg/good.py", "pkg/good.py")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"Compiling 'pkg/good.py'...\n", b""))
        self.assertIn(b"pkg/good.py", self.read("pkg/__pycache__/good.cpython-313.pyc"))

    def test_levels_with_one_file(self):
        """compileall removes the .pyc that it would link to itself."""
        for options, pyc in ((["-b", "-o0", "-o1"], "pkg/sub/mod.pyc"), (["-o-1", "-o0"], "pkg/sub/__pycache__/mod.cpython-313.pyc")):
            done = self.ours("--hardlink-dupes", *options, "pkg/sub/mod.py")
            self.assertEqual((done.returncode, done.stdout), (0, b"Compiling 'pkg/sub/mod.py'...\n"))
            self.assertGreater(len(self.read(pyc)), 16)
        self.assertEqual([name for _, _, names in os.walk(self.work) for name in names if name.endswith(".tmp")], [])

    def test_code_that_marshal_refuses(self):
        """compileall ends with this exception, and leaves the files behind."""
        self.write("deep/a.py", b"lambda:" * 1500 + b"0")
        self.write("deep/b.py", GOOD)
        done = self.ours("-q", "deep")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, b"*** Error compiling 'deep/a.py'...\nValueError: object too deeply nested to marshal\n")
        self.assertTrue(os.path.exists(self.path("deep/__pycache__/b.cpython-313.pyc")))

    def test_wrong_use_is_refused_before_anything_is_done(self):
        for options, words in ((["-j-1"], b"ValueError: workers must be greater or equal to 0\n"),
                               (["-o0", "-o0", "--hardlink-dupes"], b"ValueError: Hardlinking of duplicated bytecode makes sense only "
                                                                    b"for more than one optimization level\n")):
            done = self.ours(*options, "pkg")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (1, b"", words))

    def test_options_among_names(self):
        """argparse does not accept names after an option."""
        self.assertEqual(self.ours("pkg/sub", "-q", "outside").returncode, 0)
        self.assertTrue(os.path.exists(self.path("outside/__pycache__/target.cpython-313.pyc")))


class Check(Case):
    """--check: whole trees, for several Pythons, and nothing is written."""
    NEWER, OLDER = VERSION, next((v for v in e2e.hosts() if e2e.version_tuple(v) < (3, 12)), None)

    def setUp(self):
        super().setUp()
        self.write("tree/good.py", GOOD)
        self.write("tree/new.py", b"type X = int\n")
        self.write("tree/bad.py", b"def f(:\n")
        self.write("tree/warns.py", b"1 is 1\n")

    def check(self, *options):
        before = sorted(os.listdir(self.path("tree")))
        done = self.run_one([e2e.COMPILEALL, "--check"], [*options, "tree"])
        self.assertEqual(sorted(os.listdir(self.path("tree"))), before)
        return done

    def test_one(self):
        for _ in range(2):
            done = self.check("-qv", "--python", VERSION)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, rb"^\*\*\* Error compiling 'tree/bad.py'\.\.\.\n  File [^*]*$")
            self.assertRegex(done.stderr, rb"(?s)^tree/warns.py:1: SyntaxWarning: .*\n4 files: 3 checked, 0 up to date, 1 failed; ")

    def test_up_to_date_files_are_checked(self):
        self.ours("-q", "tree")
        self.assertIn(b"SyntaxWarning", self.check("-q", "--python", VERSION).stderr)

    def test_several(self):
        if self.OLDER is None:
            self.skipTest("no host for Python 3.11 or older")
        done = self.check("-q", "--python", self.NEWER, "--python", self.OLDER)
        self.assertEqual(done.returncode, 1)
        said = done.stdout.decode()
        self.assertIn("\nPython %s:   File \"tree/bad.py\"" % self.NEWER, said)
        self.assertIn("'tree/bad.py' does not compile on %s, %s\n" % (self.NEWER, self.OLDER), said)
        self.assertIn("'tree/new.py' compiles on %s, not on %s\n" % (self.NEWER, self.OLDER), said)
        self.assertNotIn("good.py", said)
        done = self.check("--output-format", "json", "-o0", "-o2", "--python", self.NEWER, "--python", self.OLDER)
        *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
        found = [(line["file"][5:-3], line["python"], line["optimize"], "error" in line) for line in lines]
        new, old = self.NEWER, self.OLDER
        self.assertEqual(found, [("bad", new, 0, True), ("bad", old, 0, True), ("good", new, 0, False), ("good", new, 2, False),
                                 ("good", old, 0, False), ("good", old, 2, False), ("new", new, 0, False), ("new", new, 2, False),
                                 ("new", old, 0, True), ("warns", new, 0, False), ("warns", new, 2, False), ("warns", old, 0, False),
                                 ("warns", old, 2, False)])
        self.assertEqual([last["summary"][name] for name in ("files", "checked", "failed")], [4, 2, 2])


class Nul(Case):
    """Names that end with a NUL: of both clients."""
    NAMES = (b"new\nline.py", b" blank.py ", b"plain.py", b"carriage\r.py")

    def setUp(self):
        super().setUp()
        for name in self.NAMES:
            self.write(os.fsdecode(name), GOOD)
        self.write("list", b"\0".join(self.NAMES))
        self.write("ended", b"".join(name + b"\0" for name in self.NAMES))

    def check(self, program, *options, given=None):
        with open(given or os.devnull, "rb") as stdin:
            done = subprocess.run([program, "--python", VERSION, "--json", *options], cwd=self.work, env=self.environment(), stdin=stdin,
                                  capture_output=True, timeout=e2e.DEADLINE)
        files = [os.fsencode(json.loads(line)["file"]) for line in done.stdout.splitlines()]
        self.assertEqual((done.returncode, done.stderr, files), (0, b"", [n for n in self.NAMES if n in files]))
        return len(files)

    def test_each_way(self):
        for name in ("list", "ended"):
            path = self.path(name)
            self.assertEqual(self.check(e2e.CLIENT, "--files0-from", name), 4)
            self.assertEqual(self.check(e2e.CLIENT, "--files0-from=-", given=path), 4)
            self.assertEqual(self.check(e2e.CLIENT, "-0", given=path), 4)
            self.assertEqual(self.check(e2e.CLIENT, "-0", "-", given=path), 4)
            # " blank.py " is no source's name
            self.assertEqual(self.check(e2e.COMPILEALL, "--files0-from", name), 3)
            self.assertEqual(self.check(e2e.COMPILEALL, "-0", given=path), 3)
            self.assertEqual(self.check(e2e.COMPILEALL, "-0", "-i", name), 3)

    def test_list_that_is_not_there(self):
        for program, words in ((e2e.CLIENT, b"missing: No such file or directory"), (e2e.COMPILEALL, b"Error reading file list missing")):
            for more, status in (((), 1), (("--exit-codes",), 4)):
                done = self.run_one([program, "--files0-from", "missing", *more], [])
                self.assertEqual(done.returncode, status)
                self.assertIn(words, done.stdout + done.stderr)


class Streams(Case):
    def setUp(self):
        super().setUp()
        plant(self.work)

    def folder_of_many(self, count):
        for i in range(count):
            self.write("many/m%05d.py" % i, b"x = %d\n" % i)

    def test_full_output(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([e2e.COMPILEALL, "--python", VERSION, "pkg/sub"], cwd=self.work, env=self.environment(), stdout=full,
                                  stderr=subprocess.PIPE, timeout=e2e.DEADLINE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output", done.stderr)

    def test_json_without_output(self):
        done = self.run_one(["sh", "-c", 'exec "$@" >&-', "sh", e2e.COMPILEALL, "--python", VERSION, "--json"], ["pkg/sub"])
        self.assertEqual(done.returncode, 1)

    def test_reader_that_leaves(self):
        self.folder_of_many(3000)
        with self.running("many", stderr=subprocess.PIPE) as process:
            process.stdin.close()
            process.stdout.readline()
            process.stdout.close()
            self.assertIn(b"standard output", process.stderr.read())
        self.assertEqual(process.returncode, 1)

    def test_slow_list(self):
        """A named file is compiled while the rest of the list is still to come, whatever ends its line."""
        with self.running("-i", "-") as process:
            for sent, said in ((b"pkg/good.py\n", b"pkg/good.py"), (b"pkg/sub/mod.py\r", b"pkg/sub/mod.py"),
                               (b"\npkg/.py\r\n", b"pkg/.py"), (b"pkg/linked.py", b"pkg/linked.py")):
                process.stdin.write(sent)
                process.stdin.flush()
                if said == b"pkg/linked.py":
                    process.stdin.close()
                self.assertEqual(process.stdout.readline(), b"Compiling '%s'...\n" % said)
        self.assertEqual(process.returncode, 0)

    def test_interrupt_of_a_list(self):
        for quiet, words in (("-f", b"\n[interrupted]\n"), ("-fq", b"\n[interrupted]\n")):
            with self.running(quiet, "-i", "-") as process:
                process.stdin.write(b"pkg/bad.py\n")
                process.stdin.flush()
                while b"SyntaxError" not in process.stdout.readline():
                    pass
                process.stdout.readline()  # the message ends with a line of its own
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.stdout.read(), words)
            self.assertEqual(process.returncode, 1)

    def test_interrupt_while_an_interpreter_is_asked(self):
        """Ctrl-C while its sys.path is awaited is no missing interpreter: it is said, and the interpreter does not go on."""
        environment = self.path("environment")
        os.makedirs(environment + "/bin")
        python = environment + "/bin/python"
        with open(python, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho $$ >%s/pid\nkill -INT $PPID\nexec sleep 1000\n" % environment)
        os.chmod(python, 0o755)
        done = self.ours(VIRTUAL_ENV=environment, PYCOMPILE_PYTHON=VERSION)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, b"\n[interrupted]\n", b""))
        with open(environment + "/pid", encoding="ascii") as file:
            self.assertFalse(e2e.exists(int(file.read())))

    def test_interrupt(self):
        """In the middle of more output than the pipe takes: every written file is whole, and nothing else is left."""
        self.folder_of_many(6000)
        with self.running("many") as process:
            process.stdin.close()
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            said = process.stdout.read()
        self.assertEqual(process.returncode, 1)
        self.assertTrue(said.endswith(b"\n\n[interrupted]\n"), said[-200:])
        while self.daemon.status()["jobs"] > 0:
            pass
        written = os.listdir(self.path("many/__pycache__"))
        self.assertLess(len(written), 6000)
        self.assertEqual([name for name in written if not name.endswith(".cpython-313.pyc")], [])
        found = {name: self.read("many/__pycache__", name) for name in written}
        self.assertEqual(self.ours("-qf", "many").returncode, 0)
        self.assertEqual({name: self.read("many/__pycache__", name) for name in written}, found)

    def test_many(self):
        """More files than the window holds, the largest one in the middle; the output is in order."""
        folder = os.path.join(self.work, "many")
        os.mkdir(folder)
        names = ["m%05d.py" % i for i in range(9000)]
        for i, name in enumerate(names):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write("x = %d\n" % i * (2000 if i == 4500 else 1))
        done = self.ours("many")
        self.assertEqual(done.returncode, 0)
        said = re.findall(rb"Compiling 'many/(.*)'", done.stdout)
        self.assertEqual(said, [name.encode() for name in names])
        self.assertEqual(len(os.listdir(os.path.join(folder, "__pycache__"))), len(names))
        self.assertNotIn(b"Compiling", self.ours("many").stdout)


if __name__ == "__main__":
    e2e.main()
