"""What pycompileall-client shows of its work, with a scripted daemon that answers when and as a test says: lines as compileall
prints them, as soon as their turn comes; the progress line; the count after Ctrl-C and SIGTERM."""
import contextlib
import json
import os
import pty
import queue
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import e2e_support as e2e

VERSION = "3.13"


class Scripted:
    """A daemon that answers `status` from a real one's answer. A compile waits until the test lets it go; `write` makes the
    answer's .pyc file."""

    def __init__(self, status):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.path = os.path.join(self.folder, "socket")
        self.status = status
        self.asked = queue.Queue()      # of (id, base name), in the order of their arrival
        self.cancelled = queue.Queue()  # of parameters
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.stream = None
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                self.stream, _ = self.listener.accept()
                with self.stream.makefile("rb") as lines:
                    for line in lines:
                        self.take(json.loads(line))
                self.stream.close()

    def take(self, message):
        if message["method"] == "status":
            self.send({"id": message["id"], "result": self.status})
        elif message["method"] == "compile":
            self.asked.put((message["id"], message["params"]["file"], message["params"]["cwd"]))
        elif message["method"] == "$/cancelRequest":
            self.cancelled.put(message["params"])

    def send(self, message):
        self.stream.sendall(json.dumps(dict(message, jsonrpc="2.0")).encode() + b"\n")

    def next(self):
        """The next compile that was asked for: number, name, path of its .pyc."""
        number, name, cwd = self.asked.get(timeout=e2e.DEADLINE)
        folder, base = os.path.split(os.path.join(cwd, name))
        return number, name, os.path.join(folder, "__pycache__", base[:-3] + ".cpython-313.pyc")

    def answer(self, number, cfile):
        """The file is written, and the client told."""
        os.makedirs(os.path.dirname(cfile), exist_ok=True)
        with open(cfile, "wb"):
            pass
        self.send({"id": number, "result": {"cfile": cfile, "outcome": "compiled", "python": "3.13.0", "warnings": [],
                                            "elapsed_us": 1}})

    def refuse(self, number):
        self.send({"id": number, "error": {"code": -32800, "message": "RequestCancelled"}})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        if self.stream is not None:
            with contextlib.suppress(OSError):
                self.stream.shutdown(socket.SHUT_RDWR)
        self.thread.join(e2e.DEADLINE)
        self.listener.close()
        shutil.rmtree(self.folder)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if VERSION not in e2e.pythons():
            raise unittest.SkipTest("no host for Python " + VERSION)
        cls.daemon = e2e.Daemon()
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        cls.status = cls.daemon.status()

    def setUp(self):
        self.work = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.work)
        self.scripted = Scripted(self.status)
        self.addCleanup(self.scripted.__exit__)

    def write(self, name, size=10):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write("x = 1\n" * (size // 6 + 1))

    def environment(self, socket_path, **more):
        kept = {k: v for k, v in self.daemon.environment.items() if not k.startswith(("PYTHON", "PYCOMPILE_"))}
        return dict(kept, PYCOMPILED_SOCKET=socket_path, **more)

    @contextlib.contextmanager
    def running(self, *options, stderr=subprocess.PIPE, **environment):
        command = [e2e.COMPILEALL, "--python", VERSION, "-f", *options]
        with subprocess.Popen(command, cwd=self.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
                              env=self.environment(self.scripted.path, **environment)) as process:
            try:
                yield process
            finally:
                process.kill()

    def await_cancelled(self, numbers):
        """The client asks to drop these, where no worker has them; and others, whose answers it has not read yet."""
        left = set(numbers)
        while left:
            params = self.scripted.cancelled.get(timeout=e2e.DEADLINE)
            self.assertEqual(params, {"id": params["id"], "only_queued": True})
            left.discard(params["id"])

    def written(self):
        return [name for _, _, names in os.walk(self.work) for name in names if name.endswith(".pyc")]


class Order(Case):
    def test_in_turn_and_at_once(self):
        """The first folder's lines are printed while the later files wait, although larger ones come later."""
        for i in range(100):
            self.write("tree/a/m%02d.py" % i)
        for i in range(30):
            self.write("tree/b/m%02d.py" % i, 1000 if i else 60000)
        for i in range(100):
            self.write("tree/c/m%02d.py" % i, 20000)
        with self.running("tree") as process:
            for line in (b"Listing 'tree'...\n", b"Listing 'tree/a'...\n"):
                self.assertEqual(process.stdout.readline(), line)
            for i in range(100):
                number, name, cfile = self.scripted.next()
                self.assertEqual(name, "tree/a/m%02d.py" % i)
                self.assertEqual(process.stdout.readline(), b"Compiling 'tree/a/m%02d.py'...\n" % i)
                self.scripted.answer(number, cfile)
            self.assertEqual(process.stdout.readline(), b"Listing 'tree/b'...\n")

    def test_a_large_file_does_not_come_last(self):
        """It is asked for while there is still work for the others."""
        for i in range(60):
            self.write("tree/m%02d.py" % i)
        self.write("tree/z.py", 100000)
        with self.running("tree"):
            names = [self.scripted.next()[1] for _ in range(61)]
        self.assertEqual(names, ["tree/z.py"] + ["tree/m%02d.py" % i for i in range(60)])

    def test_the_same_lines_as_compileall(self):
        for i in range(40):
            self.write("tree/%s/m%02d.py" % ("bac"[i % 3], i), 30000 if i % 7 == 0 else 10)
        with open(os.path.join(self.work, "tree/b/bad.py"), "w", encoding="ascii") as file:
            file.write("x = (\n")
        command = [e2e.COMPILEALL, "--python", VERSION, "-f", "tree"]
        ours = subprocess.run(command, cwd=self.work, capture_output=True, env=self.environment(self.daemon.socket),
                              timeout=e2e.DEADLINE)
        theirs = subprocess.run([e2e.pythons()[VERSION], "-m", "compileall", "-f", "tree"], cwd=self.work, capture_output=True,
                                env=self.environment(self.daemon.socket), timeout=e2e.DEADLINE)
        self.assertEqual((ours.returncode, ours.stdout), (theirs.returncode, theirs.stdout))


class Ended(Case):
    def setUp(self):
        super().setUp()
        for i in range(10):
            self.write("tree/m%d.py" % i)

    def end(self, number, *options):
        """Ends it with the first file unanswered, the second and third written. A worker has the fourth, which is written after
        the signal; the daemon has no worker for the rest."""
        with self.running("--verbose", *options, "tree") as process:
            asked = [self.scripted.next() for _ in range(10)]
            for i in (1, 2):
                self.scripted.answer(*asked[i][::2])
            while len(self.written()) < 2:
                pass
            process.send_signal(number)
            self.await_cancelled([asked[0][0]] + [number for number, _, _ in asked[3:]])
            self.scripted.answer(*asked[3][::2])
            for i in (0, 4, 5, 6, 7, 8, 9):
                self.scripted.refuse(asked[i][0])
            out, err = process.communicate(timeout=e2e.DEADLINE)
        self.assertEqual(len(self.written()), 3)
        self.assertRegex(err, rb"^3 files: 3 compiled, 0 up to date, 0 failed; [0-9.]+ s, \d+ files/s; interrupted\n$")
        return process.returncode, out

    def test_interrupt(self):
        """All that was written is counted, and said in its order; the first one's line stood there before."""
        status, out = self.end(signal.SIGINT)
        self.assertEqual(status, 1)
        self.assertEqual(out, b"Listing 'tree'...\n" + b"".join(b"Compiling 'tree/m%d.py'...\n" % i for i in range(4))
                         + b"\n[interrupted]\n")

    def test_terminate(self):
        """The same, without compileall's words; the process dies of the signal."""
        status, out = self.end(signal.SIGTERM, "-q")
        self.assertEqual((status, out), (-signal.SIGTERM, b""))

    def test_a_compile_that_does_not_end(self):
        """It is not waited for for ever, and said."""
        with self.running("--verbose", "-q", "tree") as process:
            asked = [self.scripted.next() for _ in range(10)]
            process.send_signal(signal.SIGINT)
            self.await_cancelled([number for number, _, _ in asked])
            for number, _, _ in asked[1:]:
                self.scripted.refuse(number)
            _, err = process.communicate(timeout=e2e.DEADLINE)
        self.assertRegex(err, rb"^0 files: 0 compiled, .*; interrupted, 1 not waited for\n$")

    def test_twice(self):
        """The second Ctrl-C waits for nothing."""
        with self.running("-q", "tree") as process:
            self.scripted.next()
            process.send_signal(signal.SIGINT)
            self.scripted.cancelled.get(timeout=e2e.DEADLINE)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(e2e.DEADLINE), -signal.SIGINT)

    def test_both_signals(self):
        """So does SIGTERM after Ctrl-C."""
        with self.running("-q", "tree") as process:
            self.scripted.next()
            process.send_signal(signal.SIGINT)
            self.scripted.cancelled.get(timeout=e2e.DEADLINE)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(e2e.DEADLINE), -signal.SIGTERM)

    def test_with_a_daemon(self):
        """The count is that of the .pyc files that are there."""
        for i in range(3000):
            self.write("many/m%04d.py" % i, 200)
        self.scripted.path = self.daemon.socket
        with self.running("--verbose", "many") as process:
            for _ in range(300):
                process.stdout.readline()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=e2e.DEADLINE)
        while self.daemon.status()["jobs"] > 0:
            pass
        match = re.match(rb"(\d+) files: (\d+) compiled(?:, (\d+) cached)?, 0 up to date, 0 failed; .*; interrupted\n$", err)
        self.assertTrue(match, err)
        self.assertEqual(int(match.group(2)) + int(match.group(3) or 0), len(self.written()))
        self.assertTrue(out.endswith(b"\n\n[interrupted]\n"))


class Line(Case):
    @contextlib.contextmanager
    def on_terminal(self, *options):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        with self.running(*options, stderr=theirs, TERM="xterm") as process:
            os.close(theirs)
            yield process, ours

    def read_line(self, terminal, pattern):
        """Reads until the last line that is drawn fits the pattern."""
        seen = b""
        while True:
            self.assertTrue(select.select([terminal], [], [], e2e.DEADLINE)[0], seen[-300:])
            try:
                seen += os.read(terminal, 65536)
            except OSError:  # the last end of the other side is closed
                self.fail(seen[-300:])
            drawn = [part for part in seen.split(b"\r\x1b[K") if part]
            if drawn and re.fullmatch(pattern, drawn[-1]):
                return drawn[-1]

    def test_running_file_and_time_left(self):
        """The file that was asked for first and is not answered; done and all; a time, once something is done."""
        for i in range(10):
            self.write("tree/m%d.py" % i)
        with self.on_terminal("-q", "tree") as (process, terminal):
            asked = [self.scripted.next() for _ in range(10)]
            self.read_line(terminal, rb"\[0/10\] 0 files/s tree/m0\.py")
            for i in (1, 2, 0, 3):
                self.scripted.answer(*asked[i][::2])
            self.read_line(terminal, rb"\[4/10\] [1-9]\d* files/s, \d+ s left tree/m4\.py")
            for i in range(4, 10):
                self.scripted.answer(*asked[i][::2])
            self.assertEqual(process.wait(e2e.DEADLINE), 0)

    def test_total_is_not_known_yet(self):
        """More files than the client looks ahead: a plus, and no time."""
        for i in range(8300):
            self.write("tree/m%04d.py" % i, 1)
        with self.on_terminal("-q", "tree") as (process, terminal):
            self.read_line(terminal, rb"\[0/8192\+\] 0 files/s tree/m0000\.py")
            for i in range(200):
                self.scripted.answer(*self.scripted.next()[::2])
            self.read_line(terminal, rb"\[200/8300\] \d+ files/s, [0-9:]+ (s )?left tree/m0200\.py")
            process.send_signal(signal.SIGTERM)
            asked = [self.scripted.next()[0] for i in range(200, 328)]
            self.await_cancelled(asked)
            for number in asked:
                self.scripted.refuse(number)
            self.read_line(terminal, rb"200 files: 200 compiled, 0 up to date, 0 failed; .*; interrupted\r\n")
            self.assertEqual(process.wait(e2e.DEADLINE), -signal.SIGTERM)


if __name__ == "__main__":
    e2e.main()
