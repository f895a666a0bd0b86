"""Hostile sources end as they do under `python -m py_compile`: with its text and status, or as WorkerCrashed where that
crashes; within the limits on time and memory; and no other request notices.

PYCOMPILED_HOSTILE=all compiles all of hostile_sources with every version; else the deep and the large ones are
compiled with the newest version only, at fewer depths."""
import glob
import os
import re
import resource
import shutil
import subprocess
import sys
import unittest

import e2e_support as e2e
import hostile_sources
from e2e_support import Daemon

ALL = os.environ.get("PYCOMPILED_HOSTILE") == "all"
SANITIZED = "ASAN_OPTIONS" in os.environ  # hosts then have no limit on memory, and take several times as much
MEMORY_MIB = 2048
NEWEST = next(iter(e2e.hosts()), None)
VERSIONS = list(e2e.hosts())
DEPTHS = hostile_sources.DEEP if ALL else (190, 6000, 100000)


def memory_mib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MIB << 20, MEMORY_MIB << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def normal(text):
    """The message of py_compile without the parts that differ from run to run, and as the client prints it where py_compile
    lets an exception through."""
    text = e2e.without_stack(text).decode("utf-8", "backslashreplace")
    if text.startswith("Traceback"):
        text = text.rstrip("\n").rpartition("\n")[2]
    return re.sub(r"\b\d{12,}\b", "ADDRESS", text.rstrip("\n"))


class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A crash of CPython is expected, and no finding of the sanitizer.
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0:handle_abort=0:handle_sigbus=0"
        cls.daemon = Daemon("--no-cache", "--host-limit", str(MEMORY_MIB), "--workers", "1", "--timeout", "0",
                            environment={"ASAN_OPTIONS": sanitizer})
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None)
        for name in ("SOURCE_DATE_EPOCH", "PYTHONPYCACHEPREFIX", "PYTHONWARNINGS"):
            cls.daemon.environment.pop(name, None)

    def run_both(self, version, data):
        """Runs both at once, on two names of one file. Returns (status, text, written bytes or None) of py_compile and of
        the client."""
        folders = [os.path.join(self.daemon.folder, name) for name in ("reference", "ours")]
        paths = [os.path.join(folder, "source.py") for folder in folders]
        for folder in folders:
            os.mkdir(folder)
        with open(paths[0], "wb") as file:
            file.write(data)
        os.link(*paths)
        commands = [[e2e.pythons()[version], "-m", "py_compile", "source.py"],
                    [e2e.CLIENT, "--python", version, "source.py"]]
        runs = [subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=folder,
                                 env=self.daemon.environment, preexec_fn=limit_memory if "-m" in command else None)
                for command, folder in zip(commands, folders)]
        found = []
        for run, folder in zip(runs, folders):
            with run:
                text = run.stderr.read()
            written = glob.glob(os.path.join(folder, "__pycache__", "*"))
            self.assertLessEqual(len(written), 1, written)
            data = None
            if written:
                with open(written[0], "rb") as file:
                    data = file.read()
            found.append((run.returncode, text, data))
            shutil.rmtree(folder)
        return found

    def compare(self, name, text, versions):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        for version in versions:
            with self.subTest(name, python=version):
                (status, said, wanted), (our_status, our_text, written) = self.run_both(version, data)
                if status < 0:
                    self.assertEqual(our_status, 1)
                    self.assertIn(b"WorkerCrashed", our_text)
                    self.assertIsNone(written)
                    continue
                self.assertTrue(normal(our_text) == normal(said), "%s, not %s" % (our_text[-500:], said[-500:]))
                self.assertEqual(our_status, status)
                self.assertTrue(written == wanted, "the bytes differ")

    def test_known_troublemakers(self):
        for name, text in hostile_sources.SINGLE.items():
            self.compare(name, text, VERSIONS)

    @unittest.skipIf(e2e.is_sanitized(), "AddressSanitizer's frames are larger: the stack ends earlier")
    def test_deep_nesting(self):
        for name, make in hostile_sources.NESTING.items():
            for depth in DEPTHS:
                if depth <= hostile_sources.DEEPEST.get(name, depth):
                    self.compare("%s of %d" % (name, depth), make(depth), VERSIONS if ALL else [NEWEST])

    @unittest.skipIf(SANITIZED, "there are no limits on memory with sanitizers")
    @unittest.skipIf(memory_mib() < 3 * MEMORY_MIB, "needs %d MiB of memory" % (3 * MEMORY_MIB))
    def test_large(self):
        for name, make in hostile_sources.LARGE.items():
            self.compare(name, make(), VERSIONS if ALL else [NEWEST])

    def test_crashers_of_the_library(self):
        """Programs that crash when they run; compiling them is harmless."""
        for version in VERSIONS:
            folder = os.path.join(os.path.dirname(self.stdlib(version)), "test", "crashers")
            if os.path.isdir(folder):
                for name in sorted(os.listdir(folder)):
                    if name.endswith(".py"):
                        with open(os.path.join(folder, name), "rb") as file:
                            self.compare(name, file.read(), [version])

    @staticmethod
    def stdlib(version):
        return subprocess.run([e2e.pythons()[version], "-c", "import os; print(os.__file__)"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()


class Limits(unittest.TestCase):
    @staticmethod
    def hosts(daemon, version):
        """The shared hosts of that version."""
        return {host["pid"] for python in daemon.status()["pythons"] if python["python"] == version
                for host in python["hosts"] if host["kind"] == "shared" and not host["retiring"]}

    def test_what_takes_too_long(self):
        """100,000 keyword arguments take CPython more than a minute, and nothing interrupts it."""
        text = "f(" + ",".join("a%d=1" % i for i in range(100000)) + ")\n"
        for version in VERSIONS:
            with self.subTest(version), Daemon("--no-cache", "--timeout", "1000", "--workers", "1") as daemon:
                with daemon.connect() as slow, daemon.connect() as other:
                    slow.compile(daemon.file("warm.py"), python=version)
                    before = self.hosts(daemon, version)
                    slow.request("compile", {"file": daemon.file("slow.py", text), "python": version})
                    waiting = other.request("compile", {"file": daemon.file("quick.py", "a = 1\n"), "python": version})
                    answer = slow.receive()
                    self.assertEqual(answer["error"]["code"], -32004, answer)
                    self.assertEqual(other.receive()["id"], waiting)
                    self.assertTrue(before.isdisjoint(self.hosts(daemon, version)))

    @unittest.skipIf(SANITIZED, "there are no limits on memory with sanitizers")
    def test_what_takes_too_much_memory(self):
        """A small source and a big one; the shared host stays."""
        lists = "a = [" + "1," * 900000 + "]\n"
        for version in VERSIONS:
            with self.subTest(version), Daemon("--no-cache", "--host-limit", "192", "--workers", "1") as daemon:
                with daemon.connect() as connection:
                    connection.compile(daemon.file("warm.py"), python=version)
                    before = self.hosts(daemon, version)
                    for text in (lists, lists + "#" * (4 << 20)):
                        answer = connection.compile(daemon.file("a.py", text), python=version)
                        self.assertEqual(answer["error"]["code"], -32001, answer)
                        self.assertEqual(answer["error"]["data"]["msg"], "Sorry: MemoryError: ")
                    self.assertIn("result", connection.compile(daemon.file("b.py", "a = 1\n"), python=version))
                    self.assertLessEqual(before, self.hosts(daemon, version))
                    self.assertEqual(daemon.status()["counters"]["crashes"], 0)

    def test_big_source(self):
        """It is compiled in a host of its own, to the same bytes, both as a file and as text."""
        text = "x in {'a', 'b'}\n" * 300 + "1 is 1\n"
        for version in VERSIONS:
            with self.subTest(version), Daemon("--no-cache") as small, Daemon("--no-cache", "--big-source", "1000", "--workers", "1") as big:
                path = small.file("a.py", text)
                found, kinds = [], []
                for daemon in small, big:
                    with daemon.connect() as connection:
                        answer = connection.compile(path, cfile=os.path.join(small.folder, "a.pyc"), python=version)
                        checked = connection.call("check", {"file": path, "source": text, "python": version})
                    kinds.append({host["kind"] for python in daemon.status()["pythons"] for host in python["hosts"]})
                    with open(answer["result"]["cfile"], "rb") as file:
                        found.append((file.read(), answer["result"]["warnings"], checked["result"]["warnings"]))
                self.assertEqual(found[0], found[1])
                self.assertEqual(len(found[0][1]), 1)
                self.assertEqual(["solo" in kind for kind in kinds], [False, True])

    def test_a_long_line_in_an_error(self):
        """Of a text that is no file the whole line is quoted, up to a bound."""
        with Daemon("--no-cache", "--workers", "1", "--big-source", "0") as daemon, daemon.connect() as connection:
            answer = connection.call("check", {"file": "/nowhere/a.py", "source": "x = = '%s'\n" % ("y" * (20 << 20))})
            self.assertEqual(answer["error"]["code"], -32001)
            text = answer["error"]["data"]["exc_value"]["text"]
            self.assertEqual(text[(4 << 20):], " [%d more bytes are left out]\n" % ((16 << 20) + 9))
            self.assertIn("result", connection.compile(daemon.file("next.py", "a = 1\n")))

    @unittest.skipIf(SANITIZED, "there are no limits on memory with sanitizers")
    def test_endless_source(self):
        with Daemon("--no-cache", "--host-limit", "192", "--workers", "1") as daemon, daemon.connect() as connection:
            answer = connection.call("check", {"file": "/dev/zero"})
            self.assertEqual(answer["error"]["code"], -32002, answer)
            self.assertEqual(answer["error"]["data"]["strerror"], "Cannot allocate memory")


if __name__ == "__main__":
    if NEWEST is None:
        sys.exit("there is no host to test")
    e2e.main()
