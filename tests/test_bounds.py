"""What a client, or a shortage, can do to the server: bounds, back-pressure, fairness, and hosts that do not come up. With a
scripted host (fake-host)."""
import contextlib
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest

import e2e_support as e2e
from e2e_support import Daemon

MIB = 1 << 20


def line(**members):
    return e2e.json.dumps(dict(members, jsonrpc="2.0")).encode() + b"\n"


def compile_line(number, file, **params):
    return line(id=number, method="compile", params=dict(params, file=file))


def resident(pid):
    """Resident memory in bytes."""
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(count):
    """The memory that the daemon may take; a daemon with ThreadSanitizer needs a multiple."""
    with open(e2e.DAEMON, "rb") as file:
        return count * MIB * (5 if b"__tsan_init" in file.read() else 1)


def lean():
    """An environment in which AddressSanitizer, if the daemon has it, keeps little of the freed memory."""
    return {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"}


def until(condition):
    """Waits for a condition that no event reports."""
    end = time.monotonic() + e2e.DEADLINE
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.005)


def receive_all(connection):
    return list(iter(connection.receive, None))


class Case(unittest.TestCase):
    def alive(self, daemon):
        with daemon.connect() as connection:
            self.assertEqual(connection.compile("/alive")["result"]["outcome"], "compiled")

    def unavailable(self, answer, word, retryable):
        self.assertEqual(answer["error"]["code"], -32005, answer)
        self.assertIn(word, answer["error"]["data"]["reason"])
        self.assertEqual(answer["error"]["data"]["retryable"], retryable)


class Messages(Case):
    def test_limits_of_a_message(self):
        with Daemon("--nesting-limit", "5", "--value-limit", "100", fake=True) as daemon, \
                daemon.connect() as connection:
            for value, word in (([[[[1]]]], "nested too deeply"), ([0] * 100, "too many values")):
                connection.request("compile", {"file": "/a", "warnings": value})
                answer = connection.receive()
                self.assertEqual((answer["id"], answer["error"]["code"]), (None, -32700))
                self.assertIn(word, answer["error"]["message"])
            self.assertEqual(connection.compile("/a", warnings=["x"] * 80)["result"]["outcome"], "compiled")

    def test_a_message_of_many_values_takes_little_memory(self):
        with Daemon(fake=True, environment=lean()) as daemon, daemon.connect() as connection:
            connection.compile("/warm")
            connection.send_bytes(b'{"jsonrpc":"2.0","id":1,"method":"status","params":{"a":[' + b"0," * (20 * MIB) +
                                  b"0]}}\n")
            self.assertIn("too many values", connection.receive()["error"]["message"])
            with open("/proc/%d/status" % daemon.process.pid) as file:
                peak = next(int(text.split()[1]) for text in file if text.startswith("VmHWM")) * 1024
            self.assertLess(peak, megabytes(200))

    def test_a_batch_has_no_more_requests_than_may_be_open(self):
        with Daemon("--open-limit", "10", fake=True) as daemon, daemon.connect() as connection:
            for count, fine in ((10, True), (11, False)):
                connection.send([{"jsonrpc": "2.0", "id": i, "method": "compile", "params": {"file": "/a"}}
                                 for i in range(count)])
                answer = connection.receive()
                if fine:
                    self.assertEqual(len(answer), 10)
                else:
                    self.assertEqual(answer["error"]["code"], -32600)
                    self.assertIn("more than 10", answer["error"]["message"])

    def test_bad_options(self):
        for option, value in (("--nesting-limit", "65"), ("--connections", "0"), ("--memory-limit", "x"),
                              ("--drain-timeout", "0")):
            run = subprocess.run([e2e.DAEMON, option, value], capture_output=True, text=True)
            self.assertEqual(run.returncode, 2)
            self.assertIn("%s takes a number from" % option, run.stderr)

    def test_every_option_is_in_the_manual(self):
        text = subprocess.run([e2e.DAEMON, "--help"], capture_output=True, text=True, check=True).stdout
        with open(os.path.join(e2e.SOURCE, "..", "docs", "man", "pycompiled.8"), encoding="utf-8") as file:
            manual = file.read().replace("\\-", "-")
        options = [word.strip(",") for word in text.split() if word.startswith("--")]
        self.assertGreater(len(options), 15)
        for option in options:
            self.assertIn(option, manual)


class Connections(Case):
    def test_too_many_are_refused_with_a_word(self):
        with Daemon("--connections", "3", fake=True) as daemon, contextlib.ExitStack() as stack:
            kept = [stack.enter_context(daemon.connect()) for _ in range(3)]
            for connection in kept:
                connection.call("status")
            with daemon.connect() as refused:
                self.unavailable(refused.receive(), "as many connections", True)
                self.assertIsNone(refused.receive())
            # Beside the daemon's program, so that the client need not ask which build the daemon is of.
            client = shutil.copy(e2e.CLIENT, daemon.bin)
            run = subprocess.run([client, __file__], env=dict(daemon.environment, PYCOMPILE_PYTHON=""),
                                 capture_output=True, text=True)
            self.assertEqual(run.returncode, 1)
            self.assertIn("as many connections", run.stderr)
            for connection in kept:
                self.assertIn("result", connection.compile("/a"))
            kept[0].close()
            until(lambda: kept[1].call("status")["result"]["connections"] == 2)
            self.alive(daemon)
            # A client that has seen the end of its connection before the refusal tries once more.
            self.assertIn(kept[1].call("status")["result"]["counters"]["refused"], (2, 3))

    def test_descriptors_that_run_out_are_survived(self):
        with Daemon(fake=True) as daemon, daemon.connect() as connection, contextlib.ExitStack() as stack:
            connection.compile("/warm")
            pid = daemon.process.pid
            old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            most = max(int(fd) for fd in os.listdir("/proc/%d/fd" % pid)) + 1
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, old[1]))
            for _ in range(20):  # gaps among the descriptors are filled first
                other = stack.enter_context(daemon.connect())
                with contextlib.suppress(BrokenPipeError):
                    other.send({"jsonrpc": "2.0", "id": 1, "method": "status"})
                answer = other.receive()
                if "error" in answer:
                    self.unavailable(answer, "as many connections", True)
            self.assertIn("error", answer)
            self.assertIn("result", connection.compile("/a"))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, old[1]))  # not even the reserve descriptor can be opened again
            waiting = [stack.enter_context(daemon.connect()) for _ in range(3)]
            until(lambda: "trying again" in daemon.read_log())
            spent = cpu_seconds(pid)
            time.sleep(0.5)
            self.assertLess(cpu_seconds(pid) - spent, 0.2)
            self.assertIn("result", connection.compile("/a"))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
            self.assertEqual(sum("result" in waiter.compile("/a") for waiter in waiting[1:]), 2)

    def test_no_descriptors_for_a_host(self):
        with Daemon(fake=True) as daemon, daemon.connect() as connection:
            connection.compile("/warm")
            pid = daemon.process.pid
            old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, old[1]))
            for host in daemon_hosts(connection):
                os.kill(host, signal.SIGKILL)
            until(lambda: not daemon_hosts(connection))
            wanted = connection.request("compile", {"file": "/a"})
            until(lambda: "cannot make its sockets" in daemon.read_log())
            resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
            answer = connection.receive()
            self.assertEqual(answer["id"], wanted)
            self.assertIn("result", answer)

    def test_the_limit_of_descriptors_is_raised(self):
        script = 'ulimit -Sn 256; exec "$0" "$@"'
        daemon = Daemon(fake=True)
        with daemon:
            daemon.stop()
            os.unlink(daemon.log)
            with open(daemon.log, "ab") as log:
                daemon.process = subprocess.Popen(["bash", "-c", script, os.path.join(daemon.bin, "pycompiled")],
                                                  env=daemon.environment, stderr=log, stdin=subprocess.DEVNULL)
            daemon.wait_until_up()
            soft, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
            self.assertEqual(soft, hard)

    def test_few_descriptors_make_for_few_connections(self):
        script = 'ulimit -n 128; exec "$0" "$@"'
        with Daemon("--workers", "1", fake=True) as daemon:
            daemon.stop()
            os.unlink(daemon.log)
            with open(daemon.log, "ab") as log:
                daemon.process = subprocess.Popen(["bash", "-c", script, os.path.join(daemon.bin, "pycompiled"), "--workers", "1"],
                                                  env=daemon.environment, stderr=log, stdin=subprocess.DEVNULL)
            daemon.wait_until_up()
            most = daemon.status()["connections_max"]
            self.assertLess(most, 128)
            with contextlib.ExitStack() as stack:
                for _ in range(most):
                    self.assertIn("result", stack.enter_context(daemon.connect()).call("status"))
                refused = stack.enter_context(daemon.connect())
                self.unavailable(refused.receive(), "as many connections", True)

    @unittest.skipUnless(os.path.exists(os.path.join(e2e.HOSTS, "pycompile-host")), "no interpreters are served by path")
    def test_descriptors_are_kept_for_interpreters_by_path(self):
        """For each of 16 pools, besides those of the hosts; where descriptors are few, half of them, and at least one."""
        of_pool, installed = 4 * 1 + 16, len(e2e.hosts())
        for number, interpreters in ((3000, 16), (64 + installed * of_pool + 100, 2), (64 + (installed + 1) * of_pool + 9, 1)):
            options = ["--workers", "1", "--connections", "5000"]
            with Daemon(*options) as daemon:
                daemon.stop()
                os.unlink(daemon.log)
                with open(daemon.log, "ab") as log:
                    command = ["bash", "-c", 'ulimit -n %d; exec "$0" "$@"' % number, daemon.program(), *options]
                    daemon.process = subprocess.Popen(command, env=daemon.environment, stderr=log, stdin=subprocess.DEVNULL)
                daemon.wait_until_up()
                self.assertEqual(daemon.status()["connections_max"], number - 64 - (installed + interpreters) * of_pool)

    def test_idle_connections_are_closed(self):
        with Daemon("--connection-idle", "1", fake=True) as daemon:
            with daemon.connect() as idle, daemon.connect() as silent, daemon.connect() as busy:
                idle.compile("/a")
                busy.request("compile", {"file": "/b:sleep=2"})
                for connection in (idle, silent):
                    self.unavailable(connection.receive(), "too long", True)
                    self.assertIsNone(connection.receive())
                self.assertIn("result", busy.receive())

    def test_closed_after_half_closed(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as other:
            connection = daemon.connect()
            connection.compile("/warm")
            for i in range(4):
                connection.request("compile", {"file": "/a:sleep=0.1,big=1000000"})
            connection.socket.shutdown(socket.SHUT_WR)
            until(lambda: other.call("status")["result"]["jobs"] == 4)
            connection.close()
            until(lambda: other.call("status")["result"]["connections"] == 1)


def daemon_hosts(connection):
    return [host["pid"] for python in connection.call("status")["result"]["pythons"] for host in python["hosts"]]


class Memory(Case):
    def test_frames_that_are_never_finished(self):
        with Daemon("--memory-limit", "16", fake=True, environment=lean()) as daemon, contextlib.ExitStack() as stack, \
                daemon.connect() as good:
            good.compile("/warm")
            before = resident(daemon.process.pid)
            for i in range(20):
                connection = stack.enter_context(daemon.connect())
                with contextlib.suppress(ConnectionError):
                    connection.send_bytes(b'{"jsonrpc": "2.0", "a": "' + b"x" * (2 * MIB))
            self.assertIn("result", good.compile("/a"))
            status = good.call("status")["result"]
            self.assertLessEqual(status["held_bytes"], 16 * MIB)
            self.assertGreater(status["counters"]["refused"], 5)
            self.assertLess(resident(daemon.process.pid) - before, megabytes(32))
            self.assertIn("is closed", daemon.read_log())

    def test_the_largest_goes_and_is_told(self):
        with Daemon("--memory-limit", "4", fake=True) as daemon, daemon.connect() as small, daemon.connect() as large:
            small.send_bytes(b'{"a": "' + b"x" * 100000)
            with contextlib.suppress(ConnectionError):
                large.send_bytes(b'{"a": "' + b"x" * (8 * MIB))
            self.unavailable(large.receive(), "holds too much", True)
            small.send_bytes(b'"}\n')
            self.assertEqual(small.receive()["error"]["code"], -32600)

    def test_requests_wait_while_much_is_held(self):
        """Sixteen clients with 8 MiB of requests each: all are served, and the server holds far less than their requests."""
        with Daemon("--memory-limit", "32", "--workers", "2", fake=True) as daemon, daemon.connect() as watcher, \
                contextlib.ExitStack() as stack:
            clients = [stack.enter_context(daemon.connect()) for _ in range(16)]
            data = b"".join(compile_line(i, "/a", source="x" * (MIB // 2)) for i in range(16))
            senders = [threading.Thread(target=client.send_bytes, args=(data,)) for client in clients]
            for sender in senders:
                sender.start()
            most = 0
            for client in clients:
                for _ in range(16):
                    self.assertIn("result", client.receive())
                    most = max(most, watcher.call("status")["result"]["held_bytes"])
            for sender in senders:
                sender.join()
            self.assertLess(most, 33 * MIB)
            self.assertEqual(watcher.call("status")["result"]["counters"]["refused"], 0)
            until(lambda: watcher.call("status")["result"]["held_bytes"] < MIB)

    def test_answers_that_are_not_read(self):
        with Daemon("--pending-limit", "100000", fake=True) as daemon, daemon.connect() as watcher, \
                daemon.connect() as client:
            data = b"".join(line(id=i, method="rpc.discover") for i in range(3000))
            sender = threading.Thread(target=client.send_bytes, args=(data,))
            sender.start()
            until(lambda: watcher.call("status")["result"]["held_bytes"] > 100000)
            for _ in range(100):
                self.assertLess(watcher.call("status")["result"]["held_bytes"], 400000)
            self.assertEqual(sum("result" in client.receive() for _ in range(3000)), 3000)
            sender.join()

    def test_long_ids_are_refused(self):
        """Ids are held as long as their requests are open."""
        with Daemon("--memory-limit", "32", fake=True, environment=lean()) as daemon, daemon.connect() as client:
            before = resident(daemon.process.pid)
            for _ in range(20):
                client.send_bytes(b'{"jsonrpc":"2.0","id":"' + b"x" * (8 * MIB) + b'","method":"compile","params":{"file":"/a:sleep=5"}}\n')
                answer = client.receive()
                self.assertEqual((answer["error"]["code"], answer["id"]), (-32600, None))
            self.assertEqual(daemon.status()["jobs"], 0)
            self.assertLess(resident(daemon.process.pid) - before, megabytes(48))

    def test_parameters_of_watches_count(self):
        with Daemon("--memory-limit", "8", fake=True) as daemon:
            folder = os.path.join(daemon.folder, "watched")
            os.mkdir(folder)
            with contextlib.ExitStack() as stack, daemon.connect() as watcher:
                for i in range(10):
                    client = stack.enter_context(daemon.connect())
                    with contextlib.suppress(ConnectionError):
                        client.call("watch", {"paths": [folder], "warnings": ["x" * MIB]})
                    self.assertLess(watcher.call("status")["result"]["held_bytes"], 8 * MIB)
                self.assertGreater(watcher.call("status")["result"]["counters"]["refused"], 1)

    def folders(self, daemon, count, rules=""):
        """A tree of folders with names of 200 bytes; returns its top, and the bytes of all paths."""
        top = os.path.join(os.path.realpath(daemon.folder), "watched")
        paths = [os.path.join(top, "%0200d" % i) for i in range(count)]
        for path in paths:
            os.makedirs(path)
        daemon.file("watched/.gitignore", rules)
        return top, sum(map(len, paths))

    def test_folders_of_watches_count(self):
        """Names, the table of folders and the rules of .gitignore files are charged, and given back."""
        with Daemon(fake=True) as daemon, daemon.connect() as client, daemon.connect() as watcher:
            def held():
                return watcher.call("status")["result"]["held_bytes"]
            top, names = self.folders(daemon, 2000, "x\n" * 5000)
            before = held()
            number = client.call("watch", {"paths": [top]})["result"]["watch"]
            self.assertGreater(held() - before, names + 5000 * 16)
            self.assertLess(held() - before, 3 * names + 5000 * 64)
            for name in sorted(os.listdir(top))[1:1001]:
                os.rmdir(os.path.join(top, name))
            until(lambda: held() - before < 2 * names)
            client.call("unwatch", {"watch": number})
            until(lambda: held() - before < 4096)

    def test_a_watch_of_too_many_folders(self):
        with Daemon("--memory-limit", "1", fake=True) as daemon, daemon.connect() as client, daemon.connect() as other:
            top, _ = self.folders(daemon, 4000)
            client.request("watch", {"paths": [top]})
            self.unavailable(client.receive(), "holds too much", True)
            self.assertIsNone(client.receive())
            self.assertIn("result", other.compile("/a"))
            until(lambda: other.call("status")["result"]["held_bytes"] < 4096)

    def test_notifications_that_are_not_read(self):
        """While its client does not read nothing is compiled for a watch, but for the jobs that run."""
        with Daemon("--workers", "2", fake=True) as daemon, daemon.connect() as client, daemon.connect() as watcher:
            def compiled():
                return watcher.call("status")["result"]["counters"]["compiled"]
            top = os.path.join(os.path.realpath(daemon.folder), "watched")
            for i in range(300):
                daemon.file("watched/%d:big=100000,.py" % i)
            client.request("watch", {"paths": [top], "initial": True})
            until(lambda: compiled() > 10)
            until(lambda: watcher.call("status")["result"]["jobs"] == 0)
            self.assertLess(compiled(), 100)
            self.assertLess(watcher.call("status")["result"]["held_bytes"], 8 * MIB)
            self.assertIn("result", client.receive())
            self.assertEqual(len({client.receive()["params"]["file"] for _ in range(300)}), 300)

    def test_jobs_of_a_watch(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as client, daemon.connect() as watcher:
            for i in range(100):
                daemon.file("watched/%d:sleep=0.01,.py" % i)
            client.request("watch", {"paths": [os.path.join(os.path.realpath(daemon.folder), "watched")], "initial": True})
            self.assertIn("result", client.receive())
            most = 0
            for _ in range(100):
                most = max(most, watcher.call("status")["result"]["jobs"])
                self.assertIn("result", client.receive()["params"])
            self.assertEqual(most, 32)

    def test_a_connection_has_its_share_of_watches(self):
        with Daemon(fake=True) as daemon:
            folder = os.path.join(daemon.folder, "watched")
            os.mkdir(folder)
            with daemon.connect() as greedy, daemon.connect() as other:
                for _ in range(16):
                    last = greedy.call("watch", {"paths": [folder]})["result"]["watch"]
                error = greedy.call("watch", {"paths": [folder]})["error"]
                self.assertEqual((error["code"], error["data"]["retryable"]), (-32005, False))
                self.assertIn("has 16 watches, and may have no more", error["message"])
                self.assertIn("result", other.call("watch", {"paths": [folder]}))
                self.assertIn("result", greedy.call("unwatch", {"watch": last}))
                self.assertIn("result", greedy.call("watch", {"paths": [folder]}))

    def test_idle_connections_hold_next_to_nothing(self):
        with Daemon(fake=True) as daemon, contextlib.ExitStack() as stack, daemon.connect() as watcher:
            for _ in range(100):
                connection = stack.enter_context(daemon.connect())
                connection.request("compile", {"file": "/a:big=200000", "source": "x" * 300000})
                self.assertIn("result", connection.receive())
            self.assertLess(watcher.call("status")["result"]["held_bytes"], 100 * 8192)


class Fairness(Case):
    def begun_between(self, daemon, flood_file, editor_request, counters):
        """How many jobs of a flood its host begins between the arrival of an editor's request and the start of that
        request, twenty times. The counters of that name say what the host had done before."""
        flood = daemon.connect()
        self.addCleanup(flood.close)
        flood.compile("/warm")
        received = []

        def send():
            with contextlib.suppress(OSError):
                for start in range(0, 100000, 1000):
                    flood.send_bytes(b"".join(compile_line(i, flood_file, priority="background")
                                              for i in range(start, start + 1000)))

        def receive():
            with contextlib.suppress(OSError):
                received.extend(iter(flood.receive, None))
        threads = [threading.Thread(target=send), threading.Thread(target=receive)]
        for thread in threads:
            thread.start()
        between = []
        with daemon.connect() as editor:
            until(lambda: editor.call("status")["result"]["counters"][counters[0]] > 20)
            for _ in range(20):
                editor.send_bytes(line(id=1, method="status") + line(id=2, method=editor_request[0],
                                                                     params=editor_request[1]))
                before, answer = editor.receive()["result"]["counters"], editor.receive()
                self.assertEqual(answer["id"], 2)
                between.append(answer["result"]["nth"] - sum(before[name] for name in counters))
            self.assertGreater(editor.call("status")["result"]["queue"]["background"], 500)
        flood.socket.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        return between

    def test_a_check_beside_a_flood(self):
        """A worker begins at most two compiles first: the one that it runs and the one that it was given ahead; from the second
        check on only the former. What other workers begin meanwhile depends on their speed."""
        for workers, most in ((1, 2), (2, 10)):
            with Daemon("--workers", str(workers), fake=True) as daemon:
                between = self.begun_between(daemon, "/flood:sleep=0.01",
                                             ("check", {"file": "/now", "priority": "interactive"}),
                                             ["compiled", "checked"])
                self.assertLessEqual(max(between), most, between)
                if workers == 1:
                    self.assertLessEqual(max(between[1:]), 1, between)

    def test_a_check_beside_a_flood_for_the_pristine_host(self):
        """The pristine host gets the request only after a worker has looked at it, and that takes its time."""
        with Daemon("--workers", "2", fake=True) as daemon:
            between = self.begun_between(daemon, "/flood:pristine,sleep=0.01",
                                         ("check", {"file": "/now:pristine", "priority": "interactive"}), ["exact"])
            self.assertLess(max(between), 50, between)

    def test_connections_take_turns(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as gate, \
                contextlib.ExitStack() as stack:
            gate.compile("/warm:sleep=0.02")  # a fast worker is given more jobs ahead
            gate.request("compile", {"file": "/gate:sleep=0.5"})
            gate.request("compile", {"file": "/gate2"})
            clients = [stack.enter_context(daemon.connect()) for _ in range(3)]
            for number, client in enumerate(clients):
                for i in range(10):
                    client.request("compile", {"file": "/%d-%d" % (number, i)})
                client.call_any("status")  # all are queued
            until(lambda: os.path.exists(os.path.join(daemon.bin, "ids")) or daemon.file("bin/ids"))
            gate.receive(), gate.receive()
            for client in clients:
                for _ in range(10):
                    client.receive()
            with open(os.path.join(daemon.bin, "ids")) as file:
                order = [text.split()[1] for text in file if "-" in text]
            self.assertEqual(order, ["/%d-%d" % (number, i) for i in range(10) for number in range(3)])

    def test_a_thousand_connections_and_fifty_floods(self):
        """A client that floods with the requests that cost the server most is served like all others, and waits like them."""
        with Daemon("--workers", "2", "--memory-limit", "64", fake=True, environment=lean()) as daemon, \
                contextlib.ExitStack() as stack:
            connections = [stack.enter_context(daemon.connect()) for _ in range(1000)]
            for connection in connections:
                connection.call("status")
            before = resident(daemon.process.pid)
            floods = [line(id=1, method="status") * 20000, compile_line(1, "/f", source="x" * 2000) * 5000,
                      line(id=1, method="rpc.discover") * 20000, b"[]\n" * 200000, b"{}\n" * 200000]
            stop = threading.Event()

            def flood(connection, data):
                connection.socket.setblocking(False)
                view, sent = memoryview(data), 0
                while not stop.is_set():
                    with contextlib.suppress(BlockingIOError, ConnectionError):
                        sent = (sent + connection.socket.send(view[sent:])) % len(view)
                    stop.wait(0.001)
            threads = [threading.Thread(target=flood, args=(connections[i], floods[i % len(floods)]))
                       for i in range(50)]
            for thread in threads:
                thread.start()
            for connection in connections[50:250]:
                self.assertIn("result", connection.compile("/a"))
            grown = resident(daemon.process.pid) - before
            stop.set()
            for thread in threads:
                thread.join()
            self.assertLess(grown, megabytes(96))
            for connection in connections[900:]:
                self.assertIn("result", connection.compile("/a"))


class Hosts(Case):
    def test_killed_while_it_starts_is_tried_again(self):
        with Daemon(fake=True, beside={"kill-start": "3"}) as daemon:
            self.alive(daemon)
            self.assertEqual(daemon.read_log().count("died of signal 9 while it started"), 3)

    def test_always_killed_while_it_starts(self):
        with Daemon(fake=True, beside={"kill-start": "1000000"}) as daemon, daemon.connect() as connection:
            for _ in range(3):
                self.unavailable(connection.compile("/a"), "died of signal 9", False)
            self.assertLess(daemon.read_log().count("while it started"), 12)

    def test_does_not_come_up(self):
        with Daemon("--start-timeout", "1", fake=True, beside={"deaf": ""}) as daemon, daemon.connect() as connection:
            self.unavailable(connection.compile("/a"), "not come up in 1 second", False)

    def test_cannot_be_run(self):
        def remove(path):
            os.unlink(path)

        def forbid(path):
            os.chmod(path, stat.S_IRUSR)

        def break_library(path):
            with open(path, "w") as file:
                file.write("#!/bin/sh\necho 'error while loading shared libraries: libpython' >&2\nexit 127\n")
        for spoil, word in ((remove, "no such file"), (forbid, "permission denied"), (break_library, "libpython")):
            with Daemon(fake=True) as daemon, daemon.connect() as connection:
                self.assertIn("result", connection.compile("/a"))
                spoil(os.path.join(daemon.bin, "pycompile-host-9.9"))
                for pid in daemon_hosts(connection):
                    os.kill(pid, signal.SIGKILL)
                until(lambda: not daemon_hosts(connection))
                for _ in range(50):
                    self.unavailable(connection.compile("/a"), word, False)
                self.assertLess(daemon.read_log().count("no host for Python"), 8)  # no loop: attempts become rare
                self.assertIsNotNone(daemon.status()["pythons"][0]["failure"])

    def test_comes_back_when_it_can_be_run_again(self):
        with Daemon(fake=True) as daemon, daemon.connect() as connection:
            connection.compile("/a")
            program = os.path.join(daemon.bin, "pycompile-host-9.9")
            os.rename(program, program + ".away")
            for pid in daemon_hosts(connection):
                os.kill(pid, signal.SIGKILL)
            until(lambda: not daemon_hosts(connection))
            self.unavailable(connection.compile("/a"), "no such file", False)
            os.rename(program + ".away", program)
            until(lambda: "result" in connection.compile("/a"))
            self.assertIsNone(daemon.status()["pythons"][0]["failure"])

    def test_pristine_host_that_cannot_start_keeps_nobody_waiting(self):
        with Daemon(fake=True, beside={"no-pristine": ""}) as daemon, daemon.connect() as connection:
            for _ in range(3):
                self.assertIn("result", connection.compile("/a"))
                self.unavailable(connection.compile("/a:pristine"), "status 3", False)

    def test_what_others_kill_is_no_fault_of_the_job(self):
        with Daemon("--workers", "1", fake=True, beside={"ids": ""}) as daemon, daemon.connect() as connection:
            connection.request("compile", {"file": "/a:sleep=0.3"})
            ids = os.path.join(daemon.bin, "ids")
            for run in (1, 2, 3):
                until(lambda: os.path.getsize(ids) and len(open(ids).read().splitlines()) == run)
                for pid in daemon.pids():
                    os.kill(pid, (signal.SIGKILL, signal.SIGTERM)[run % 2])
            self.assertIn("result", connection.receive())
            self.assertEqual(daemon.status()["counters"]["crashes"], 3)

    def test_what_is_killed_always_is_given_up(self):
        with Daemon("--workers", "1", fake=True, beside={"ids": ""}) as daemon, daemon.connect() as connection:
            answer = connection.compile("/a:crash=SIGKILL")
            self.assertEqual((answer["error"]["code"], answer["error"]["data"]), (-32003, {"signal": 9, "attempts": 2}))
            with open(os.path.join(daemon.bin, "ids")) as file:
                self.assertEqual(len(file.readlines()), 12)

    def test_two_jobs_of_a_host_time_out_at_once(self):
        with Daemon("--workers", "2", fake=True) as daemon, daemon.connect() as connection:
            for i in range(4):
                connection.request("compile", {"file": "/warm:sleep=0.05"})
            for i in range(4):
                connection.receive()
            for i in range(2):
                connection.request("compile", {"file": "/slow:sleep=100", "timeout_ms": 200})
            for i in range(2):
                self.assertEqual(connection.receive()["error"]["code"], -32004)
            self.assertEqual(daemon.status()["counters"]["timeouts"], 2)

    def test_a_job_without_a_timeout_that_nobody_waits_for(self):
        for leave in ("cancel", "close"):
            with Daemon("--workers", "1", "--timeout", "200", fake=True) as daemon, daemon.connect() as other:
                connection = daemon.connect()
                connection.compile("/warm")
                job = connection.request("compile", {"file": "/for-ever:sleep=1000", "timeout_ms": 0})
                until(lambda: daemon.status()["pythons"][0]["hosts"][0]["workers"][0]["state"] == "busy")
                if leave == "cancel":
                    connection.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": job}})
                    self.assertEqual(connection.receive()["error"]["code"], -32800)
                connection.close()
                self.assertIn("result", other.compile("/a"))


class Cleaning(Case):
    """The next host removes what a dead run may have left; it is asked to by the id of that run."""

    def lines(self, daemon, name):
        path = os.path.join(daemon.bin, name)
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return file.read().splitlines()

    def test_every_run_that_died_is_cleaned_up_after(self):
        with Daemon("--workers", "1", fake=True, beside={"ids": ""}) as daemon, daemon.connect() as connection:
            self.assertEqual(connection.compile("/a:crash=SIGSEGV")["error"]["code"], -32003)
            self.assertEqual(connection.compile("/b:sleep=100", timeout_ms=100)["error"]["code"], -32004)
            self.assertIn("result", connection.compile("/c:crash-once", dfile=os.path.join(daemon.folder, "mark")))
            until(lambda: daemon.status()["jobs"] == 0)
            runs = self.lines(daemon, "ids")
            self.assertEqual([text.split()[1][:2] for text in runs], ["/a", "/a", "/b", "/c", "/c"])
            self.assertEqual(len(set(runs)), 5)
            self.assertEqual(sorted(self.lines(daemon, "cleaned")), sorted(runs[:4]))

    def test_nothing_is_cleaned_after_a_check(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as connection:
            self.assertEqual(connection.call("check", {"file": "/a:crash=SIGSEGV"})["error"]["code"], -32003)
            self.assertIn("result", connection.compile("/b"))
            self.assertEqual(self.lines(daemon, "cleaned"), [])

    def test_also_while_leaving(self):
        with Daemon("--workers", "1", "--drain-timeout", "1", fake=True, beside={"ids": ""}) as daemon, \
                daemon.connect() as connection:
            connection.compile("/warm")
            connection.request("compile", {"file": "/for-ever:sleep=1000", "timeout_ms": 0})
            until(lambda: len(self.lines(daemon, "ids")) == 2)
            daemon.process.send_signal(signal.SIGTERM)
            self.unavailable(connection.receive(), "shutting down", True)
            self.assertIsNone(connection.receive())
            self.assertEqual(daemon.process.wait(e2e.DEADLINE), 0)
            self.assertEqual(self.lines(daemon, "cleaned"), self.lines(daemon, "ids")[1:])


class Leaving(Case):
    def test_a_client_that_does_not_read_delays_no_more_than_that(self):
        with Daemon("--drain-timeout", "1", fake=True) as daemon, daemon.connect() as connection:
            for _ in range(20):
                connection.request("compile", {"file": "/a:big=1000000"})
            until(lambda: daemon.status()["counters"]["compiled"] == 20)
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(e2e.DEADLINE), 0)

    def test_a_second_signal_is_obeyed_at_once(self):
        with Daemon("--drain-timeout", "100000", fake=True) as daemon, daemon.connect() as connection:
            connection.compile("/warm")
            connection.request("compile", {"file": "/for-ever:sleep=1000", "timeout_ms": 0})
            until(lambda: daemon.status()["jobs"] == 1)
            daemon.process.send_signal(signal.SIGTERM)
            until(lambda: "leaving" in daemon.read_log())
            daemon.process.send_signal(signal.SIGTERM)
            self.unavailable(connection.receive(), "shutting down", True)
            self.assertEqual(daemon.process.wait(e2e.DEADLINE), 0)


class Answers(unittest.TestCase):
    """What a source can make a host answer. With real hosts."""

    def flood_of_warnings(self, python, text, warnings):
        with Daemon("--memory-limit", "64") as daemon:
            source = daemon.file("w.py", text)
            with daemon.connect() as innocent, daemon.connect() as connection:
                request = connection.request("compile", {"file": source, "python": python, "warnings": warnings, "umask": 0o22})
                answer = connection.receive()
                self.assertEqual(answer["id"], request)
                self.assertEqual(answer["result"]["outcome"], "compiled")
                shown = answer["result"]["warnings"]
                note = shown.pop()
                self.assertIsNone(note["category"])
                self.assertRegex(note["text"], r"^\d+ more warnings are not shown: those before fill 8 MiB\n$")
                self.assertTrue(shown and all(text.strip() in warning["text"] for warning in shown))
                self.assertLess(sum(len(warning["text"]) for warning in shown), 8 * MIB)
                self.assertIn("result", innocent.call("status"))
                self.assertIn("result", innocent.compile(daemon.file("good.py", "x = 1\n"), python=python, umask=0o22))
            self.assertEqual(daemon.status()["counters"]["crashes"], 0)
            self.assertEqual(daemon.stop(), 0)

    def test_what_stays_of_many_jobs(self):
        """Of files with warnings, and of files with equal sets, which are compiled with a copy of the interned strings, nothing stays in a
        host but the two global names of the latter: CPython makes such names immortal, and in a copy of the table each job makes its own.
        After the first jobs 4,000 leave less than 128 bytes each."""
        texts = ["def first(one, two):\n    return one in {'a name', 'another', 3}\n"
                 "def second(one, two):\n    return two in {'a name', 'another', 3}\n", "some_name = 1 is 1\n"]

        def private_kib(pid):
            with open("/proc/%d/smaps_rollup" % pid) as file:
                return sum(int(row.split()[1]) for row in file if row.startswith("Private_Dirty"))
        for python in list(e2e.pythons())[:1]:
            with self.subTest(python=python), Daemon("--workers", "1", "--no-cache", environment=lean()) as daemon, \
                    daemon.connect() as connection:
                files, sizes = [daemon.file("%d.py" % i, texts[i % 2]) for i in range(1000)], []
                for count in (2, 4, 4):
                    for file in files * count:
                        self.assertEqual(connection.compile(file, python=python, umask=0o22)["result"]["outcome"], "compiled")
                    (pid,) = (host["pid"] for each in daemon.status()["pythons"] for host in each["hosts"] if host["kind"] == "shared")
                    sizes.append(private_kib(pid))
                if not e2e.is_sanitized():
                    self.assertLess(sizes[2] - sizes[1], 500, sizes)

    def test_many_warnings_about_one_long_line(self):
        for python in e2e.pythons():
            with self.subTest(python=python):
                self.flood_of_warnings(python, "1 is 1," * 9000 + "\n", ["always"])


if __name__ == "__main__":
    e2e.main()
