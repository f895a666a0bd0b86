"""pycompile-worker in many runs: sources in random order, 1, 4 and 16 requests in flight, singleplex and multiplex, hosts and the
worker's server killed in the middle. Each run makes the files that a process of its own makes.

PYCOMPILED_WORKER_RUNS is the number of runs of each kind (default 1), PYCOMPILED_WORKER_FILES that of sources (default 24),
PYCOMPILED_WORKER_SEED the seed."""
import contextlib
import os
import queue
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import e2e_support as e2e
from worker_support import WORKER, Worker, children, has_children_lists, kill_hosts, kill_server, wait_until_gone

RUNS = int(os.environ.get("PYCOMPILED_WORKER_RUNS", "1"))
FILES = int(os.environ.get("PYCOMPILED_WORKER_FILES", "24"))
SEED = int(os.environ.get("PYCOMPILED_WORKER_SEED", random.randrange(1 << 30)))
IN_FLIGHT = (1, 4, 16)

# Compiles a source in a process that has compiled nothing else. Sources that do not compile are left out.
ALONE = ("import py_compile, sys; mode = py_compile.PycInvalidationMode.CHECKED_HASH; "
         "py_compile.compile(sys.argv[1], sys.argv[3], sys.argv[2], doraise=True, invalidation_mode=mode)")


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Run:
    """One run: as many threads as there are requests in flight take sources from a queue."""

    def __init__(self, folder, names, out, in_flight, multiplex):
        self.folder, self.names, self.out, self.multiplex, self.in_flight = folder, names, out, multiplex, in_flight
        self.waiting = queue.SimpleQueue()
        for number, name in enumerate(names, 1):
            self.waiting.put((number, name))
        self.problems, self.lock = [], threading.Lock()

    def kill(self, worker, number):
        """In the middle: the hosts after a quarter, the server after the half, both after three quarters."""
        step, left = divmod(4 * number, len(self.names))
        if left < 4 and step in (1, 3):
            kill_hosts(worker)
        if left < 4 and step in (2, 3):
            kill_server(worker, signal.SIGKILL)

    def work(self, worker):
        with contextlib.suppress(queue.Empty):
            while True:
                number, name = self.waiting.get_nowait()
                request_id = number if self.multiplex else 0
                with self.lock:
                    worker.send("--src", "src/" + name, "--src_name", name, "--pyc", "%s/%sc" % (self.out, name), request_id=request_id)
                self.kill(worker, number)
                response = worker.answer(request_id)
                if (response["exitCode"], response["output"]) != (0, ""):
                    self.problems.append((name, response))

    def thread(self, worker):
        try:
            self.work(worker)
        except Exception as error:
            self.problems.append(error)

    def run(self):
        with contextlib.ExitStack() as stack:
            workers = [stack.enter_context(Worker(self.folder, options=[] if self.multiplex else ["--workers", "1"]))
                       for _ in range(1 if self.multiplex else self.in_flight)]
            threads = [threading.Thread(target=self.thread, args=(workers[number % len(workers)],)) for number in range(self.in_flight)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.pids = [pid for worker in workers for pid in children(worker.process.pid)]


@unittest.skipUnless(os.path.exists(WORKER), "pycompile-worker was not built (protobuf-c is missing)")
@unittest.skipUnless(has_children_lists(), "the kernel does not list the children of a process")
class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-worker-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.random = random.Random(SEED)
        cls.python = next(iter(e2e.pythons().values()))
        os.mkdir(os.path.join(cls.folder, "src"))
        os.mkdir(os.path.join(cls.folder, "alone"))
        cls.expected = {}
        for number, path in enumerate(cls.library()):
            if len(cls.expected) == FILES:
                break
            cls.add("m%04d.py" % number, path)

    @classmethod
    def library(cls):
        """Paths of sources of the library, in random order."""
        found = subprocess.run([cls.python, "-Ic", "import os; print(os.path.dirname(os.__file__))"], check=True, text=True,
                               capture_output=True, timeout=e2e.DEADLINE).stdout.strip()
        paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(found)
                       for name in names if name.endswith(".py") and "site-packages" not in folder)
        cls.random.shuffle(paths)
        return paths

    @classmethod
    def add(cls, name, path):
        source, alone = os.path.join(cls.folder, "src", name), os.path.join(cls.folder, "alone", name)
        shutil.copyfile(path, source)
        done = subprocess.run([cls.python, "-c", ALONE, source, name, alone], capture_output=True, timeout=e2e.DEADLINE, check=False)
        if done.returncode == 0 and not done.stderr:
            cls.expected[name] = read(alone)

    def check_run(self, in_flight, multiplex):
        names = list(self.expected)
        self.random.shuffle(names)
        run = Run(self.folder, names, "out", in_flight, multiplex)
        run.run()
        self.assertEqual(run.problems, [])
        self.assertEqual({name: read(os.path.join(self.folder, "out", name + "c")) for name in names}, self.expected)
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder, "out"))), sorted(name + "c" for name in names))
        shutil.rmtree(os.path.join(self.folder, "out"))
        wait_until_gone(run.pids)
        self.assertEqual(sorted(os.listdir(self.folder)), ["alone", "src"])

    def check_runs(self, multiplex):
        for in_flight in IN_FLIGHT:
            for number in range(RUNS):
                with self.subTest(in_flight=in_flight, run=number, PYCOMPILED_WORKER_SEED=SEED):
                    self.check_run(in_flight, multiplex)

    def test_multiplex(self):
        self.check_runs(True)

    def test_singleplex(self):
        self.check_runs(False)


if __name__ == "__main__":
    e2e.main()
