"""Sources that only the client can read, and only once: pipes, /dev/stdin, process substitution, terminals. Compared with
py_compile: bytes, words, exit status."""
import contextlib
import os
import pty
import shutil
import subprocess
import tempfile
import threading
import unittest

import e2e_support as e2e

SOURCES = {
    "plain": b"x = 1\ndef f(a):\n    return a + x\n",
    "empty": b"",
    "warning": b"x = 1 is 1\n",
    "latin": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "euc": "# coding: euc-jp\nx = '日本'\n".encode("euc-jp"),
    "bom": b"\xef\xbb\xbfx = '\xc3\xa9'\n",
    "crlf": b"if True:\r\n    x = '''a\r\nb'''\r\n",
    "syntax": b"def f(:\n    pass\n",
    "not utf-8": b"x = 1\ny = '\xff'\n",
    "cookie": b"# coding: no-such-codec\nx = 1\n",
    "nul": b"x = 1\n\x00y = 2\n",
    "large": b"x = 'abcdefgh'\n" * 60000,
}


def mirrored():
    """The Pythons whose py_compile has the command line that the client mirrors: 3.9's ends lines and errors otherwise."""
    return [(version, python) for version, python in e2e.pythons().items() if e2e.version_tuple(version) >= (3, 10)]


class Held(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = e2e.Daemon()
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_program(self, command, **options):
        environment = dict(self.daemon.environment, **options.pop("environment", {}))
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return subprocess.run(command, cwd=self.folder, env=environment, timeout=e2e.DEADLINE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **options)

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def pyc(self, version, name):
        """The one .pyc of a source, and removes it; None where there is none."""
        path = os.path.join("__pycache__", "%s.cpython-%s.pyc" % (name, version.replace(".", "")))
        if not os.path.exists(os.path.join(self.folder, path)):
            return None
        data, mode = self.read(path), os.stat(os.path.join(self.folder, path)).st_mode
        os.unlink(os.path.join(self.folder, path))
        return data, mode

    def feed(self, path, data):
        """Writes into a FIFO, once, from a thread."""
        def write():
            with open(path, "wb") as file:
                file.write(data)
        thread = threading.Thread(target=write)
        thread.start()
        self.addCleanup(thread.join)

    def compare_fifo(self, version, python, fifo, data):
        """Feeds both programs with the data; returns their exit status, which is the same, as all else is."""
        results = []
        for command in ([python, "-m", "py_compile"], [e2e.CLIENT, "--python", version]):
            self.feed(fifo, data)
            done = self.run_program([*command, "fifo.py"], environment={"SOURCE_DATE_EPOCH": "1"})
            results.append((done.returncode, done.stderr, done.stdout, self.pyc(version, "fifo")))
        self.assertEqual(results[1], results[0])
        return results[0][0]

    def test_fifo(self):
        """What depends on the pipe's own time is left out by SOURCE_DATE_EPOCH. Python looks for the line of an error or a
        warning in the file of that name, and waits for another writer for ever: there the real one is no measure."""
        fifo = os.path.join(self.folder, "fifo.py")
        os.mkfifo(fifo, 0o640)
        for version, python in mirrored():
            for name, data in SOURCES.items():
                if name in ("warning", "syntax", "not utf-8", "cookie"):
                    continue
                with self.subTest(version=version, source=name):
                    self.compare_fifo(version, python, fifo, data)

    def test_faults_in_a_fifo(self):
        fifo = os.path.join(self.folder, "fifo.py")
        os.mkfifo(fifo)
        for version in e2e.pythons():
            for name, status, word in (("warning", 0, b"fifo.py:1: SyntaxWarning: "), ("syntax", 1, b"SyntaxError"),
                                       ("not utf-8", 1, b"fifo.py"), ("cookie", 1, b"unknown encoding: no-such-codec")):
                with self.subTest(version=version, source=name):
                    self.feed(fifo, SOURCES[name])
                    done = self.run_program([e2e.CLIENT, "--python", version, "fifo.py"])
                    self.assertEqual(done.returncode, status, done.stderr)
                    self.assertIn(word, done.stderr)

    def test_time_of_a_fifo(self):
        """The header has the pipe's time, and the size that its stat says: 0."""
        fifo = os.path.join(self.folder, "fifo.py")
        os.mkfifo(fifo)
        version = next(iter(e2e.pythons()))
        self.feed(fifo, b"x = 1\n")
        self.assertEqual(self.run_program([e2e.CLIENT, "--python", version, "fifo.py"]).returncode, 0)
        data, _ = self.pyc(version, "fifo")
        self.assertEqual(data[4:16], bytes(4) + int(os.stat(fifo).st_mtime).to_bytes(4, "little") + bytes(4))

    def test_long_once_it_is_escaped(self):
        """Bytes that JSON writes as six: 12 MiB of them would be over the limit of a message. (A \\x01 in a comment is fine.)"""
        fifo = os.path.join(self.folder, "fifo.py")
        os.mkfifo(fifo, 0o640)
        data = b"x = 1\n" + (b"#" + b"\1" * 1000 + b"\n") * (12 << 10) + b"y = 2\n"
        for version, python in mirrored()[:1]:
            self.assertEqual(self.compare_fifo(version, python, fifo, data), 0)
            self.feed(fifo, data)
            self.assertEqual(self.run_program([e2e.CLIENT, "--python", version, "fifo.py"]).returncode, 0)
            header = self.pyc(version, "fifo")[0][4:16]
            self.assertEqual(header, bytes(4) + int(os.stat(fifo).st_mtime).to_bytes(4, "little") + bytes(4))

    def test_too_long(self):
        """A pipe with more than can be sent is refused, and not taken for an empty source by the daemon."""
        path = os.path.join(self.folder, "long.py")
        os.mkfifo(path)
        read_end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # so that the writer is not left waiting
        self.addCleanup(os.close, read_end)

        def write():
            with contextlib.suppress(BrokenPipeError), open(path, "wb") as file:
                for _ in range(61):
                    file.write(b"#" * ((1 << 20) - 1) + b"\n")
        writer = threading.Thread(target=write)
        writer.start()
        done = self.run_program([e2e.CLIENT, "long.py"], stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"long.py: the source is too long to be read from here", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "__pycache__")))
        while writer.is_alive():
            with contextlib.suppress(BlockingIOError):
                os.read(read_end, 1 << 20)
        writer.join()

    def test_standard_input(self):
        """By all its names; what py_compile's command line cannot say is asked of its function."""
        script = ("import py_compile, sys\ntry: py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True)\n"
                  "except py_compile.PyCompileError as error: sys.stderr.write(error.msg); sys.exit(1)")
        for version, python in e2e.pythons().items():
            for name, data in SOURCES.items():
                for path in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
                    with self.subTest(version=version, source=name, path=path):
                        results = []
                        for command in ([python, "-c", script, path, "out.pyc"],
                                        [e2e.CLIENT, "--python", version, "--cfile", "out.pyc", path]):
                            done = self.run_program(command, input=data, environment={"SOURCE_DATE_EPOCH": "1"})
                            made = os.path.exists(os.path.join(self.folder, "out.pyc"))
                            # 3.13 looks for a warning's line in the file again: here a pipe, there the daemon's own input.
                            said = done.stderr.split(b"\n")[0] if name == "warning" else done.stderr
                            results.append((done.returncode, said, made and self.read("out.pyc")))
                            if made:
                                os.unlink(os.path.join(self.folder, "out.pyc"))
                        self.assertEqual(results[1], results[0])

    def test_standard_input_that_is_a_file(self):
        path = os.path.join(self.folder, "a.py")
        with open(path, "wb") as file:
            file.write(SOURCES["latin"])
        os.utime(path, (1700000000, 1700000000))
        for version, python in e2e.pythons().items():
            results = []
            script = "import py_compile; py_compile.compile('/dev/stdin', cfile='out.pyc', doraise=True)"
            for command in ([python, "-c", script], [e2e.CLIENT, "--python", version, "--cfile", "out.pyc", "/dev/stdin"]):
                with open(path, "rb") as file:
                    done = self.run_program(command, stdin=file)
                results.append((done.returncode, done.stderr, self.read("out.pyc"),
                                os.stat(os.path.join(self.folder, "out.pyc")).st_mode))
                os.unlink(os.path.join(self.folder, "out.pyc"))
            self.assertEqual(results[1], results[0])

    @unittest.skipUnless(shutil.which("bash"), "no bash")
    def test_process_substitution(self):
        """There is no folder that could take the .pyc: py_compile's words."""
        for version, python in mirrored():
            for data in ("x = 1", "x = ("):
                results = []
                for command in (python + " -m py_compile", e2e.CLIENT + " --python " + version):
                    done = self.run_program(["bash", "-c", "%s <(echo '%s')" % (command, data)])
                    results.append((done.returncode, done.stderr))
                self.assertEqual(results[1], results[0])
                self.assertEqual(results[0][0], 1)

    def test_terminal(self):
        """Read up to its end of file, as it is typed."""
        version, python = next(iter(e2e.pythons().items()))
        script = "import py_compile; py_compile.compile('/dev/stdin', cfile='out.pyc', doraise=True)"
        results = []
        for command in ([python, "-c", script], [e2e.CLIENT, "--python", version, "--cfile", "out.pyc", "/dev/stdin"]):
            try:
                ours, theirs = pty.openpty()
            except OSError as error:  # a chroot without /dev/pts
                self.skipTest(str(error))
            os.write(ours, b"x = 1\n\x04")
            done = self.run_program(command, stdin=theirs, environment={"SOURCE_DATE_EPOCH": "1"})
            results.append((done.returncode, done.stderr, self.read("out.pyc")))
            os.unlink(os.path.join(self.folder, "out.pyc"))
            os.close(ours)
            os.close(theirs)
        self.assertEqual(results[1], results[0])

    def test_among_others(self):
        """Those before it are done before it is waited for; those behind it follow."""
        fifo = os.path.join(self.folder, "fifo.py")
        os.mkfifo(fifo)
        for name in ("a.py", "b.py"):
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(b"x = (\n")
        with subprocess.Popen([e2e.CLIENT, "-k", "a.py", "fifo.py", "b.py"], cwd=self.folder, env=self.daemon.environment,
                              stderr=subprocess.PIPE) as process:
            self.assertIn(b"a.py", process.stderr.readline())
            self.feed(fifo, b"x = )\n")
            said = process.stderr.read()
            self.assertLess(said.index(b"fifo.py"), said.index(b"b.py"))
            self.assertEqual(process.wait(e2e.DEADLINE), 1)

    def test_check_and_json(self):
        done = self.run_program([e2e.CLIENT, "--check", "--json", "/dev/stdin"], input=SOURCES["latin"])
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b'"outcome":"checked"', done.stdout)


if __name__ == "__main__":
    e2e.main()
