"""`watch`: folders that are followed, with the real daemon."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import e2e_support as e2e


class Watch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = e2e.Daemon("--workers", "2")
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def setUp(self):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.connection = self.daemon.connect()
        self.told = set()
        self.addCleanup(self.connection.close)

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text="x = 1\n"):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def watch(self, *paths, **params):
        """Begins a watch, and returns its number."""
        answer = self.connection.call("watch", dict(params, paths=list(paths) or [self.root]))
        return answer["result"]["watch"]

    def news(self):
        """The parameters of the next notification."""
        message = self.connection.receive()
        self.assertNotIn("id", message)
        return message["params"]

    def expect(self, *names):
        """These files are compiled next, in any order, and no others; twice if both a scan and an event found the file."""
        wanted = {self.path(name) for name in names}
        left = set(wanted)
        while left:
            news = self.news()
            self.assertIn("result", news)
            self.assertTrue(os.path.exists(news["result"]["cfile"]))
            self.assertIn(news["file"], wanted | self.told)
            left.discard(news["file"])
        self.told |= wanted

    def expect_nothing_more(self):
        """A file that is written now is the next in a notification."""
        self.write("last-%d.py" % id(self))
        self.expect("last-%d.py" % id(self))

    def test_written_and_renamed(self):
        self.write("a.py")
        self.watch()
        self.write("a.py", "x = 2\n")
        self.expect("a.py")
        os.rename(self.write("a.py.new~", "x = 3\n"), self.path("a.py"))
        self.expect("a.py")
        self.write("notes.txt")
        self.write("__pycache__/b.py")
        self.expect_nothing_more()

    def test_an_error_and_its_end(self):
        number = self.watch()
        path = self.write("a.py", "x = (\n")
        news = self.news()
        self.assertEqual((news["watch"], news["file"], news["error"]["code"]), (number, path, -32001))
        self.assertEqual(news["error"]["data"]["exc_type_name"], "SyntaxError")
        self.write("a.py", "x = ()\n")
        self.expect("a.py")

    def test_new_folders(self):
        self.watch()
        self.write("new/deep/er/a.py")
        self.expect("new/deep/er/a.py")
        self.write("new/deep/er/b.py")
        self.expect("new/deep/er/b.py")
        elsewhere = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, elsewhere, ignore_errors=True)
        with open(os.path.join(elsewhere, "m.py"), "w", encoding="utf-8") as file:
            file.write("x = 1\n")
        shutil.move(elsewhere, self.path("moved"))
        self.expect("moved/m.py")
        self.write("moved/m.py", "x = 2\n")
        self.expect("moved/m.py")

    def test_a_folder_that_is_renamed(self):
        self.write("old/a.py")
        self.watch()
        os.rename(self.path("old"), self.path("new"))
        self.expect("new/a.py")
        self.write("new/a.py", "x = 22\n")
        self.expect("new/a.py")

    def test_a_folder_that_leaves_is_followed_no_more(self):
        self.write("out/a.py")
        self.watch()
        elsewhere = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, elsewhere, ignore_errors=True)
        os.rename(self.path("out"), os.path.join(elsewhere, "out"))
        self.write("marker.py")
        self.expect("marker.py")
        with open(os.path.join(elsewhere, "out", "a.py"), "w", encoding="utf-8") as file:
            file.write("x = 3\n")
        self.expect_nothing_more()

    def test_gitignore(self):
        os.makedirs(self.path(".git"))
        self.write(".gitignore", "build/\n*_gen.py\n")
        self.write("pkg/.gitignore", "!kept_gen.py\nlocal.py\n")
        self.write("build/a.py")
        os.makedirs(self.path("other"))
        self.watch(self.path("pkg"), self.path("other"))
        for name in ("pkg/x_gen.py", "pkg/local.py", "pkg/build/a.py", "pkg/.git/hooks/a.py", "other/x_gen.py"):
            self.write(name)
        self.write("pkg/kept_gen.py")
        self.expect("pkg/kept_gen.py")
        self.write("other/local.py")
        self.expect("other/local.py")
        self.write("pkg/.gitignore", "nothing\n")  # local.py is one of ours now
        self.expect("pkg/local.py")
        self.write("pkg/local.py", "x = 5\n")
        self.expect("pkg/local.py")

    def test_a_hostile_gitignore(self):
        """Patterns that take exponential time where matching backtracks, over deep folders: the loop answers others all the while,
        in the scan and when files are written."""
        os.makedirs(self.path(".git"))
        rules = ["**/a/" * stars + "x%d.py" % i for i in range(150) for stars in (8, 12)] + ["*a" * 30 + "*x"] * 50
        self.write(".gitignore", "\n".join(rules) + "\nignored.py\n")
        deep = "/".join(["a" * 3] * 4 + ["a"] * 24)
        self.write(deep + "/" + "a" * 200 + ".py")
        slowest = 0
        with self.daemon.connect() as other:
            request = self.connection.request("watch", {"paths": [self.root]})
            for _ in range(20):
                slowest = max(slowest, self.time_of(other))
            answer = self.connection.receive()
            self.assertEqual((answer["id"], answer["result"]["folders"]), (request, 29))
            for i in range(20):
                self.write(deep + "/%d-%s.py" % (i, "a" * 200))
                self.write(deep + "/ignored.py")
                slowest = max(slowest, self.time_of(other))
        self.expect(*(deep + "/%d-%s.py" % (i, "a" * 200) for i in range(20)))
        self.expect_nothing_more()
        self.assertLess(slowest, 1)

    @staticmethod
    def time_of(connection):
        start = time.monotonic()
        connection.call("status")
        return time.monotonic() - start

    def test_initial(self):
        self.write("a.py")
        self.write("d/b.py")
        done = self.connection.call("compile", {"file": self.path("d/b.py")})
        self.assertIn("result", done)
        self.watch(initial=True)
        self.expect("a.py")
        self.expect_nothing_more()

    def test_parameters(self):
        version = list(e2e.hosts())[-1]
        self.watch(python=version, optimize=1, invalidation_mode="checked-hash")
        self.write("a.py")
        news = self.news()
        self.assertEqual(os.path.basename(news["result"]["cfile"]), "a.cpython-%s.opt-1.pyc" % version.replace(".", ""))
        with open(news["result"]["cfile"], "rb") as file:
            self.assertEqual(file.read(8)[4:], b"\3\0\0\0")

    def test_bad_parameters(self):
        for params in ({}, {"paths": []}, {"paths": "/"}, {"paths": ["relative"]}, {"paths": [1]}, {"paths": [self.root], "file": "/a"},
                       {"paths": [self.root], "initial": 1}, {"paths": [self.root], "optimize": "x"},
                       {"paths": [self.root], "no": 1}):
            self.assertEqual(self.connection.call("watch", params)["error"]["code"], -32602, params)
        for params in ({"paths": [self.path("missing")]}, {"paths": [self.root], "python": "2.7"}, {"paths": [self.write("a.py")]}):
            error = self.connection.call("watch", params)["error"]
            self.assertEqual((error["code"], error["data"]["retryable"]), (-32005, False), params)
        for params in ({}, {"watch": 0}, {"watch": 123456}, {"watch": "1"}):
            self.assertEqual(self.connection.call("unwatch", params)["error"]["code"], -32602, params)

    def test_unwatch(self):
        first = self.watch()
        self.assertEqual(self.connection.call("unwatch", {"watch": first})["result"], {})
        self.write("a.py")
        second = self.watch()
        self.assertNotEqual(first, second)
        self.expect_nothing_more()

    def test_the_folder_goes(self):
        number = self.watch()
        shutil.rmtree(self.root)
        news = self.news()
        self.assertEqual(news["watch"], number)
        self.assertIn("any more", news["reason"])
        self.assertIn("error", self.connection.call("unwatch", {"watch": number}))

    def test_burst(self):
        """A burst like that of a checkout: each file is reported at least once, and its last bytes are compiled."""
        self.watch()
        names = ["p%02d/m%03d.py" % (i // 100, i) for i in range(1500)]
        for round_number in range(2):
            for name in names:
                self.write(name, "x = 'round %d'\n" % round_number)
        left = {self.path(name) for name in names}
        while left:
            left.discard(self.news()["file"])
        for name in names[::50]:
            while not self.is_compiled(name, b"round 1"):
                self.news()

    def is_compiled(self, name, text):
        """Whether the .pyc was made from the text. (Its timestamp does not tell if the file was written twice in a second.)"""
        folder, stem = os.path.split(self.path(name)[:-2])
        folder = os.path.join(folder, "__pycache__")
        (cfile,) = (cfile for cfile in os.listdir(folder) if cfile.startswith(stem) and cfile.endswith(".pyc"))
        with open(os.path.join(folder, cfile), "rb") as file:
            return text in file.read()

    def test_overflow(self):
        """More events than the kernel keeps while a scan runs: no file is missed."""
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
            limit = int(file.read())
        if limit > 20000:
            self.skipTest("the kernel's queue is too long to fill")
        self.watch()
        os.kill(self.daemon.process.pid, signal.SIGSTOP)
        try:
            self.write("early.py")
            for _ in range(limit // 4):
                for name in ("a", "b"):
                    self.write("noise-%s.txt" % name)
            self.write("late.py")
        finally:
            os.kill(self.daemon.process.pid, signal.SIGCONT)
        self.expect("early.py", "late.py")
        self.expect_nothing_more()

    def test_connection_ends_in_the_middle(self):
        for i in range(20):
            with self.daemon.connect() as connection:
                connection.request("watch", {"paths": [self.root], "initial": True})
                self.write("a%d.py" % i)
        with self.daemon.connect() as connection:
            self.assertIn("result", connection.call("status"))

    def test_several_folders_and_a_slash(self):
        self.write("a/x.py")
        self.write("b/x.py")
        self.watch(self.path("a") + "//", self.path("b"), self.path("a"))
        self.write("a/x.py", "x = 2\n")
        self.write("b/x.py", "x = 2\n")
        self.expect("a/x.py", "b/x.py")

    def test_the_bytes(self):
        version, python = list(e2e.pythons().items())[-1]
        self.watch(python=version)
        path = self.write("a.py", "def f(x):\n    return {x: 'a'}\n")
        with open(self.news()["result"]["cfile"], "rb") as file:
            ours = file.read()
        subprocess.run([python, "-m", "py_compile", path], check=True)
        with open(self.path("__pycache__/a.cpython-%s.pyc" % version.replace(".", "")), "rb") as file:
            self.assertEqual(file.read(), ours)


class Command(unittest.TestCase):
    """pycompilectl watch."""

    def setUp(self):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def write(self, name, text="x = 1\n"):
        path = os.path.join(self.root, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, daemon, *options):
        process = subprocess.Popen([e2e.CTL, "watch", *options, "."], cwd=self.root, env=daemon.environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_words(self):
        with e2e.Daemon() as daemon:
            process = self.start(daemon)
            self.assertEqual(process.stderr.readline(), "following 1 folders\n")
            path = self.write("a.py")
            self.assertEqual(process.stdout.readline(), "compiled %s\n" % path)
            self.write("a.py", "x = (\n")
            self.assertEqual(process.stderr.readline(), '  File "%s", line 1\n' % path)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(e2e.DEADLINE), -signal.SIGINT)

    def test_json_and_initial(self):
        with e2e.Daemon() as daemon:
            path = self.write("a.py")
            process = self.start(daemon, "--json", "--initial", "-o", "2")
            told = json.loads(process.stdout.readline())
            self.assertEqual(told["file"], path)
            self.assertTrue(told["result"]["cfile"].endswith(".opt-2.pyc"))
            process.kill()  # before the daemon goes, since it would start another one
            process.wait()

    def test_a_daemon_that_is_replaced(self):
        with e2e.Daemon() as daemon:
            process = self.start(daemon)
            process.stderr.readline()
            daemon.process.kill()
            daemon.process.wait()
            self.assertEqual(process.stderr.readline(), "following 1 folders\n")
            path = self.write("a.py")
            self.assertEqual(process.stdout.readline(), "compiled %s\n" % path)
            process.kill()
            subprocess.run([e2e.CTL, "stop"], env=daemon.environment, check=True, capture_output=True)

    def test_mistakes(self):
        with e2e.Daemon() as daemon:
            for options, status, words in ((["missing"], 1, "No such file"), (["-o", "3", "."], 2, "not from -1 to 2"),
                                           (["--python", "2.7", "."], 1, "no host for Python 2.7"), ([], 2, "DIR"),
                                           (["--help"], 0, "")):
                done = subprocess.run([e2e.CTL, "watch", *options], cwd=self.root, env=daemon.environment, text=True,
                                      capture_output=True, timeout=e2e.DEADLINE)
                self.assertEqual(done.returncode, status, done)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    e2e.main()
