"""pycompile-worker where something dies, hangs or is missing: all is answered, and no process and no file is left."""
import os
import shutil
import signal
import subprocess
import unittest

import e2e_support as e2e
from worker_support import (WORKER, Worker, WorkerCase, children, encode_json, has_children_lists, kill_hosts,
                            kill_server, source_arguments, wait_until_gone)


@unittest.skipUnless(has_children_lists(), "the kernel does not list the children of a process")
class Deaths(WorkerCase):
    def all_sources(self):
        for number in range(120):
            self.file("src/k%03d.py" % number, "def f%d():\n    return %d\n" % (number, number) * 300)
        return ["k%03d.py" % number for number in range(120)]

    def check_all(self, names, kill):
        """Compiles all, and calls kill() with the worker after each 30th answer: every one is answered, with the same bytes."""
        with Worker(self.folder) as worker:
            for number, name in enumerate(names, 1):
                worker.send(*source_arguments(name), request_id=number)
            for number, name in enumerate(names, 1):
                response = worker.answer(number)
                self.assertEqual((response["exitCode"], response["output"]), (0, ""), name)
                if number % 30 == 1:
                    kill(worker)
            pids = children(worker.process.pid)
        wait_until_gone(pids)
        for name in names[::10]:
            self.assertEqual(self.data("out/%s.pyc" % name[:-3]), self.expected(self.python, name))
        self.assert_clean()

    def assert_clean(self):
        """No file was made but outputs."""
        self.assertEqual(self.left(), [])
        out = os.path.join(self.folder, "out")
        self.assertEqual([name for name in os.listdir(out) if not name.endswith(".pyc")] if os.path.isdir(out) else [], [])

    def test_server_is_killed(self):
        self.check_all(self.all_sources(), lambda worker: kill_server(worker, signal.SIGKILL))

    def test_server_is_ended(self):
        self.check_all(self.all_sources(), lambda worker: kill_server(worker, signal.SIGTERM))

    def test_hosts_are_killed(self):
        self.check_all(self.all_sources(), kill_hosts)

    def hang(self, names, patience):
        """Stops the server, and compiles all. Returns the responses, and how many servers were replaced."""
        with Worker(self.folder, PYCOMPILED_PATIENCE=str(patience)) as worker:
            responses = [worker.call(*source_arguments("good.py"), request_id=1000)]
            server, pids = worker.server(), children(worker.process.pid)[1:]
            os.kill(server, signal.SIGSTOP)
            for number, name in enumerate(names, 1):
                worker.send(*source_arguments(name), request_id=number)
            responses += [worker.answer(number) for number in range(1, len(names) + 1)]
            wait_until_gone(pids)
            for words in b"does not answer; waiting up to", b"is replaced: it has given no sign of life for":
                worker.wait_for_log(b"the compile server (pid %d) %s %d seconds\n" % (server, words, patience))
            pids = children(worker.process.pid)
        wait_until_gone(pids)
        return responses, worker.log.count(b" is replaced: ")

    def test_server_hangs(self):
        """It is killed and replaced, and what it had is compiled by another one. On a machine with much load a server that
        works may be silent for as long as this: then nothing is learned, and it is done again with more patience."""
        names = self.all_sources()
        for patience in 2, 8, 32:
            responses, replaced = self.hang(names, patience)
            if replaced == 1:
                break
        for response in responses:
            self.assertEqual((response["exitCode"], response["output"]), (0, ""), response["requestId"])
        self.assertEqual(replaced, 1)
        self.assert_clean()

    def test_server_goes_on_in_time(self):
        with Worker(self.folder, PYCOMPILED_PATIENCE="12") as worker:
            self.assertEqual(worker.call(*source_arguments("good.py"), request_id=1)["exitCode"], 0)
            server = worker.server()
            os.kill(server, signal.SIGSTOP)
            worker.send(*source_arguments("good.py"), request_id=2)
            worker.wait_for_log(b"does not answer; waiting up to 12 seconds\n")
            os.kill(server, signal.SIGCONT)
            self.assertEqual(worker.answer(2)["exitCode"], 0)
            self.assertEqual(worker.server(), server)
        self.assertNotIn(b"is replaced", worker.log)

    def test_all_is_cancelled(self):
        """The worker goes on, leaves at the end of its input, and nothing stays behind."""
        names = self.all_sources()
        with Worker(self.folder) as worker:
            for number, name in enumerate(names, 1):
                worker.send(*source_arguments(name), request_id=number)
            for number in range(1, len(names) + 1):
                worker.send(request_id=number, cancel=True)
            for number in range(1, len(names) + 1):
                self.assertEqual(worker.answer(number)["exitCode"], 0)
            pids = children(worker.process.pid)
            self.assertEqual(worker.close(), 0)
        wait_until_gone(pids)
        self.assert_clean()

    def check_starved(self, limits):
        """Under limits each request is answered, by a file or by words. Returns the failures."""
        names, failures = self.all_sources()[:20], []
        with Worker(self.folder, limits=limits) as worker:
            for number, name in enumerate(names, 1):
                worker.send(*source_arguments(name), request_id=number)
            for number, name in enumerate(names, 1):
                response = worker.answer(number)
                self.assertEqual(response["exitCode"] == 0, os.path.exists(os.path.join(self.folder, "out/%s.pyc" % name[:-3])))
                failures += [response["output"]] if response["exitCode"] != 0 else []
            pids = children(worker.process.pid)
        wait_until_gone(pids)
        self.assert_clean()
        return failures

    def test_no_descriptors(self):
        for count in (4, 5, 8):
            for failure in self.check_starved("-n %d" % count):
                self.assertNotEqual(failure, "")
            shutil.rmtree(os.path.join(self.folder, "out"), ignore_errors=True)

    def test_no_room(self):
        """No file may grow."""
        failures = self.check_starved("-f 0")
        self.assertEqual(len(failures), 20)
        self.assertIn("File too large", failures[0])

    def test_worker_is_killed(self):
        """Nothing is left of it: no process, no socket, no temporary file."""
        names = self.all_sources()
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            worker = Worker(self.folder)
            for request_id, name in enumerate(names, 1):
                worker.send(*source_arguments(name), request_id=request_id)
            worker.answer(1)
            pids = children(worker.process.pid)
            self.assertGreater(len(pids), 2)
            worker.process.send_signal(number)
            with self.assertRaises(BrokenPipeError):  # so that close() has nothing to write
                while True:
                    worker.write(b" " * 4096)
            self.assertEqual(worker.process.wait(e2e.DEADLINE), -number)
            wait_until_gone(pids)
            try:
                worker.close()
            except BrokenPipeError:
                worker.close()
            self.assert_clean()

    def test_reader_is_gone(self):
        """Bazel has died: nobody reads the answers."""
        read, write = os.pipe()
        process = subprocess.Popen([WORKER, "--persistent_worker"], cwd=self.folder, stdin=subprocess.PIPE, stdout=write,
                                   stderr=subprocess.DEVNULL)
        os.close(write)
        os.close(read)
        self.assertEqual(process.wait(e2e.DEADLINE), 0)
        process.stdin.close()

    def test_no_server(self):
        """Where it cannot be run, each request says so."""
        lone = os.path.join(self.folder, "bin")
        os.makedirs(lone)
        shutil.copy(WORKER, lone)
        run = subprocess.run([os.path.join(lone, "pycompile-worker"), "--persistent_worker"], cwd=self.folder,
                             input=encode_json(source_arguments("good.py"), request_id=4), capture_output=True, timeout=e2e.DEADLINE)
        self.assertIn(b"the program pycompiled is not found", run.stdout)
        self.assertIn(b'"exitCode":1', run.stdout)
        self.assertIn(b'"requestId":4', run.stdout)


if __name__ == "__main__":
    e2e.main()
