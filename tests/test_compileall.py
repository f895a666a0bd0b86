"""pycompileall-client end to end, against `python -m compileall` in equal folders: output, status, and what is written."""
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

import e2e_support as e2e

# compileall's -s follows other rules before 3.13, and ours are those of 3.13.
VERSION = "3.13"

GOOD = b"import os\nx = 1\ndef f(a):\n    '''doc'''\n    assert a\n    return {a: x}\n"
PLANT = {
    "pkg/__init__.py": b"",
    "pkg/good.py": GOOD,
    "pkg/bad.py": b"def f(:\n    pass\n",
    "pkg/nul.py": b"x = 1\n\x00\n",
    "pkg/warn.py": b"x = 1 is 1\ny = '\\d'\n",
    "pkg/data.txt": b"no source\n",
    "pkg/noext": GOOD,
    "pkg/.py": GOOD,
    "pkg/.hidden.py": GOOD,
    "pkg/upper.PY": GOOD,
    "pkg/it's.py": GOOD,
    "pkg/both'\".py": GOOD,
    "pkg/new\nline.py": GOOD,
    "pkg/no\u00a0break\u200b\U000e0001.py": GOOD,
    "pkg/\u20ac.py": GOOD,
    os.fsdecode(b"pkg/bytes-\xff.py"): GOOD,
    "pkg/sub/deep/er/mod.py": GOOD,
    "pkg/sub/mod.py": GOOD,
    "pkg/sub-other/mod.py": b"x = (\n",
    "pkg/\ue000sorts/after.py": GOOD,
    "pkg/\U00010000sorts/later.py": GOOD,
    "pkg/empty/nothing.txt": b"",
    "outside/target.py": GOOD,
    "list": b"pkg/good.py\n  pkg/sub \r\n\npkg/bad.py",
    "nothing": b"",
    "notutf8": b"pkg/good.py\npkg/bytes-\xff.py\n",
}
LINKS = {
    "pkg/linked.py": "good.py",
    "pkg/out.py": "../outside/target.py",
    "pkg/dangling.py": "nowhere.py",
    "pkg/loop": ".",
    "pkg/linkdir": "../outside",
    "pkgs": "pkg",
}


def plant(folder):
    for name, data in PLANT.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, (1700000000, 1700000000))
    for name, target in LINKS.items():
        os.symlink(target, os.path.join(folder, name))
    os.chmod(os.path.join(folder, "pkg/good.py"), 0o640)


def tree(folder):
    """What lies below: links, modes, bytes, and which names are one file."""
    found, numbers = {}, {}
    for top, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(top, name)
            status = os.lstat(path)
            if os.path.islink(path):
                found[os.path.relpath(path, folder)] = os.readlink(path)
                continue
            if "/lib/python3" in path:
                continue  # with PYTHONPYCACHEPREFIX the real one caches its own modules too
            number = numbers.setdefault(status.st_ino, len(numbers)) if status.st_nlink > 1 else None
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = (status.st_mode, number, file.read())
    return found


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if VERSION not in e2e.pythons():
            raise unittest.SkipTest("no host for Python " + VERSION)
        cls.python = e2e.pythons()[VERSION]
        cls.daemon = e2e.Daemon()
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def setUp(self):
        self.work = os.path.join(self.daemon.folder, "work")
        os.mkdir(self.work)
        self.addCleanup(shutil.rmtree, self.work)

    def environment(self, **more):
        kept = {k: v for k, v in self.daemon.environment.items()
                if not k.startswith(("PYTHON", "PYCOMPILE_")) and k not in ("SOURCE_DATE_EPOCH", "VIRTUAL_ENV")}
        return dict(kept, **more)

    def run_one(self, command, options, **environment):
        return subprocess.run([*command, *options], cwd=self.work, stdin=subprocess.DEVNULL, capture_output=True,
                              env=self.environment(**environment), timeout=e2e.DEADLINE)

    def ours(self, *options, **environment):
        return self.run_one([e2e.COMPILEALL, "--python", VERSION], options, **environment)

    def compare(self, *options, prepare=None, **environment):
        """Runs both from the same start; returns ours."""
        results = []
        for command in ([self.python, "-m", "compileall"], [e2e.COMPILEALL, "--python", VERSION]):
            for name in os.listdir(self.work):
                path = os.path.join(self.work, name)
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
            plant(self.work)
            if prepare:
                prepare(self.work)
            done = self.run_one(command, options, **environment)
            results.append((done, tree(self.work)))
        (real, real_tree), (ours, our_tree) = results
        self.assertEqual(self.without_temporary(ours.stdout), self.without_temporary(real.stdout), options)
        self.assertEqual(self.last_line(ours.stderr), self.last_line(real.stderr), options)
        self.assertEqual(ours.returncode, real.returncode, options)
        self.assertEqual(our_tree, real_tree, options)
        return ours

    def without_temporary(self, text):
        """The temporary name stands in the message of a rename that failed."""
        return re.sub(rb"\.pyc\.\d+(\.\d+\.tmp)?'", b".pyc.TEMPORARY'", text)

    def last_line(self, text):
        """Of a traceback or a usage message: the last line, without the program's name."""
        if b"Traceback" not in text and not text.startswith(b"usage:") and b"Error: " not in text:
            return text
        return re.sub(rb"^[\w.-]+: error", b"error", text.strip().rsplit(b"\n", 1)[-1])


class Options(Case):
    def test_every_option(self):
        for options in (
            ["pkg"], ["."], [], ["-q", "pkg"], ["-qq", "pkg"], ["-l", "pkg"], ["-r", "0", "pkg"], ["-r1", "pkg"],
            ["-r", "2", "-l", "pkg"], ["-r", "-1", "pkg"], ["-f", "pkg"], ["-b", "pkg"], ["-b", "-o", "1", "pkg"],
            ["-d", "new", "pkg"], ["-d", "new", "pkg/"], ["-d", "/n", "pkg/bad.py", "pkg/sub-other"], ["-d", "", "pkg/sub"],
            ["-s", "pkg", "pkg"], ["-s", "other", "pkg"], ["-s", "other", "-q", "pkg/sub"], ["-s", "other", "-qq", "pkg/sub"],
            ["-p", "/pre", "pkg"], ["-s", "pkg", "-p", "pre/", "pkg"], ["-s", "", "pkg/sub"], ["-p", "", "pkg/sub"],
            ["-x", "bad|sub", "pkg"], ["-x", r"pkg/[^/]*\.py$", "-s", "x", "pkg"], ["-x", "(", "pkg"],
            ["-x", "(?i)UPPER|\u20ac", "pkg"], ["-i", "list"], ["-i", "list", "outside"], ["-i", "none", "pkg"],
            ["-q", "-i", "none"], ["-qq", "-i", "none"], ["-i", "nothing", "pkg/sub"],
            ["-e", "pkg", "pkg"], ["-e", "nowhere", "pkg"], ["-e", "/", "pkg"], ["-e", "", "pkg"], ["-e", "outside", "pkg"],
            ["-o", "0", "-o", "1", "-o", "2", "pkg"], ["-o2", "-o0", "-o", "2", "pkg"], ["-o", "-1", "-o", "1", "pkg"],
            ["-o", "3", "pkg/good.py"], ["-o", "1", "-o", "3", "pkg/sub"], ["-o", "-2", "pkg/sub"], ["-o", "x", "pkg"],
            ["-o0", "-o1", "-o2", "--hardlink-dupes", "pkg"], ["--hardlink-dupes", "pkg"],
            ["--hardlink", "-o0", "-o2", "pkg/good.py"],
            ["-d", "x", "-s", "y", "pkg"], ["-d", "x", "-p", "y", "pkg"], ["-j", "2", "pkg/sub/mod.py"], ["-j-1", "pkg"],
            ["-r", "x", "pkg"], ["--nonsense", "pkg"], ["-r"], ["--invalidation-mode", "x", "pkg"],
            ["--invalidation-mode", "checked-hash", "pkg"], ["--invalidation-mode=unchecked-hash", "pkg"],
            ["--invalidation-mode", "timestamp", "pkg"], ["--inv", "timestamp", "pkg/sub"],
            ["missing"], ["missing", "pkg/sub"], ["-q", "missing"], ["-qq", "missing"], ["pkg/noext", "pkg/data.txt"],
            ["pkg/linked.py", "pkg/out.py", "pkg/dangling.py"], ["pkgs"], ["pkg/loop"], ["pkg/linkdir/"], ["pkg", "pkg"],
            ["-f", "pkg", "pkg/good.py"], ["pkg/good.py", "./pkg/good.py"], ["--", "pkg/sub"], ["-lfq", "pkg"],
            ["", "pkg/sub"], ["pkg//sub/"], ["./pkg/sub"], ["../work/pkg/sub"],
        ):
            if not options:
                continue
            with self.subTest(options=options):
                self.compare(*options)

    def test_environment(self):
        for environment in ({"SOURCE_DATE_EPOCH": "1"}, {"SOURCE_DATE_EPOCH": ""}, {"PYTHONOPTIMIZE": "1"},
                            {"PYTHONOPTIMIZE": "2"}, {"PYTHONWARNINGS": "ignore"}, {"PYTHONWARNINGS": "error"},
                            {"PYTHONWARNINGS": "bad,once"}):
            with self.subTest(**environment):
                self.compare("pkg", **environment)

    def test_cache_prefix(self):
        prefix = os.path.join(self.work, "prefix")
        for options in (["pkg"], [os.path.join(self.work, "pkg", "sub")], ["./pkg/sub"]):
            with self.subTest(options=options):
                self.compare(*options, PYTHONPYCACHEPREFIX=prefix)
                again = self.ours("pkg/sub", PYTHONPYCACHEPREFIX=prefix)
                self.assertNotIn(b"Compiling", again.stdout)

    def test_up_to_date(self):
        def compiled(folder):
            subprocess.run([self.python, "-m", "compileall", "-q", "pkg"], cwd=folder, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, env=self.environment())

        def touched(folder):
            compiled(folder)
            os.utime(os.path.join(folder, "pkg/good.py"), (1600000000, 1600000000))

        def truncated(folder):
            compiled(folder)
            with open(os.path.join(folder, "pkg/__pycache__/good.cpython-313.pyc"), "r+b") as file:
                file.truncate(7)

        def magic(folder):
            compiled(folder)
            with open(os.path.join(folder, "pkg/__pycache__/good.cpython-313.pyc"), "r+b") as file:
                file.write(b"\0\0")

        def fraction(folder):
            path = os.path.join(folder, "pkg/good.py")
            os.utime(path, ns=(1700000000999999999, 1700000000999999999))
            compiled(folder)

        for prepare in (compiled, touched, truncated, magic, fraction):
            for options in (["pkg"], ["-o0", "-o1", "pkg"], ["-f", "pkg"], ["-b", "pkg/sub"]):
                with self.subTest(prepare=prepare.__name__, options=options):
                    self.compare(*options, prepare=prepare)

    def test_unwritable(self):
        def blocked(folder):
            os.symlink("x", os.path.join(folder, "pkg/sub/__pycache__"))
            os.makedirs(os.path.join(folder, "pkg/__pycache__/good.cpython-313.pyc"))

        for options in (["pkg"], ["-q", "pkg"], ["-qq", "pkg"]):
            with self.subTest(options=options):
                self.compare(*options, prepare=blocked)

    def test_without_names(self):
        """The folders of sys.path; of the library's own folders no more is compared than what is said."""
        for options in ([], ["-q"], ["-i", "nothing"]):
            with self.subTest(options=options):
                self.compare("-f", *options, PYTHONPATH=os.path.join(self.work, "pkg", "sub"),
                             PYTHONPYCACHEPREFIX=os.path.join(self.work, "prefix"))


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
        """cpython issue 88621: compileall takes a missing name for a success."""
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

    def test_verbose(self):
        self.assertRegex(self.ours("-qv", "pkg/sub").stderr, rb"^2 files: 2 compiled, 0 up to date, 0 failed; ")
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

    def test_closed_output(self):
        done = subprocess.run(["sh", "-c", '"$0" --python "$1" pkg >&-', e2e.COMPILEALL, VERSION], cwd=self.work,
                              env=self.environment(), capture_output=True, timeout=e2e.DEADLINE)
        self.assertEqual(done.returncode, 1)

    def test_slow_list(self):
        """What is named is compiled while the rest of the list is still to come."""
        process = subprocess.Popen([e2e.COMPILEALL, "--python", VERSION, "-i", "-"], cwd=self.work, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=self.environment())
        with process:
            process.stdin.write(b"pkg/good.py\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), b"Compiling 'pkg/good.py'...\n")
            process.stdin.write(b"pkg/sub/mod.py")
            process.stdin.close()
            self.assertEqual(process.stdout.readline(), b"Compiling 'pkg/sub/mod.py'...\n")
            self.assertEqual(process.wait(e2e.DEADLINE), 0)

    def test_interrupt(self):
        process = subprocess.Popen([e2e.COMPILEALL, "--python", VERSION, "-i", "-"], cwd=self.work, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=self.environment())
        with process:
            process.stdin.write(b"pkg/good.py\n")
            process.stdin.flush()
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.stdout.read(), b"\n[interrupted]\n")
            self.assertEqual(process.wait(e2e.DEADLINE), 1)

    def test_many(self):
        """More than the window holds, the largest in the middle; said in order."""
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
