"""The server end to end, with a scripted host: protocol, scheduling, failures, life and death."""
import contextlib
import json
import os
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


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--workers", "2", fake=True)
        cls.daemon.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None)

    def connect(self, **options):
        connection = self.daemon.connect(**options)
        self.addCleanup(connection.close)
        return connection

    def error(self, connection, code):
        answer = connection.receive()
        self.assertEqual(answer["error"]["code"], code, answer)
        return answer

    def alive(self, connection):
        self.assertEqual(connection.compile("/a")["result"]["outcome"], "compiled")

    def test_both_framings(self):
        for headers in (False, True):
            connection = self.connect(headers=headers)
            self.alive(connection)
            answer = connection.call("check", {"file": "/a"})
            self.assertEqual(answer["result"]["outcome"], "checked")

    def test_pretty_printed_in_headers(self):
        connection = self.connect(headers=True)
        body = b'{\n "jsonrpc": "2.0",\n "id": 1,\n "method": "compile",\n "params": {\n "file": "/x" } }\n'
        connection.send_bytes(b"Content-Type: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        self.assertEqual(connection.receive()["result"]["cfile"], "/xc")

    def test_bad_json_lives_on(self):
        bad = [b"{\n", b"[1,\n", b'{"a": 01}\n', b'{"a": "\xff"}\n', b'{"a": "\\u0000"}\n', b"{} {}\n",
               b'{"a": "\t"}\n', b'{"a": tru}\n', b'{"a": "\\ud800"}\n', b"[" * 100 + b"]" * 100 + b"\n"]
        connection = self.connect()
        self.alive(connection)
        for text in bad:
            connection.send_bytes(text)
            self.assertIsNone(self.error(connection, -32700)["id"])
        self.alive(connection)

    def test_a_lone_surrogate_is_answered_with_the_id(self):
        connection = self.connect()
        for method in ("check", "compile"):
            connection.send_bytes(b'{"jsonrpc":"2.0","id":"x7","method":"%s","params":{"file":"/a","source":"\\ud800"}}\n'
                                  % method.encode())
            answer = self.error(connection, -32602)
            self.assertEqual(answer["id"], "x7")
            self.assertIn("lone surrogate", answer["error"]["message"])
        connection.send_bytes(b'{"jsonrpc":"2.0","id":"\\udfff","method":"status"}\n')
        self.assertIsNone(self.error(connection, -32700)["id"])
        self.alive(connection)

    def test_escaped_names(self):
        connection = self.connect()
        connection.send_bytes(b'{"jsonrpc":"2.0","\\u0069d":7,"m\\u0065thod":"status"}\n')
        answer = connection.receive()
        self.assertEqual(answer["id"], 7)
        self.assertIn("result", answer)

    def test_numbers_out_of_range(self):
        connection = self.connect()
        for number in (b"0", b"-1", b"1.5", b"1e300", b"-1e300", b"1e999", b'"1"', b"null"):
            connection.send_bytes(b'{"jsonrpc":"2.0","id":1,"method":"unwatch","params":{"watch":%s}}\n' % number)
            self.assertIn("must be the number of a watch", self.error(connection, -32602)["error"]["message"])
        connection.send_bytes(b'{"jsonrpc":"2.0","id":1,"method":"unwatch","params":{"watch":1e15}}\n')
        self.assertIn("no watch of that number", self.error(connection, -32602)["error"]["message"])

    def test_longest_id(self):
        connection = self.connect()
        for length, code in ((4096, None), (4097, -32600)):
            connection.send_bytes(b'{"jsonrpc":"2.0","id":"%s","method":"status"}\n' % (b"x" * (length - 2)))
            answer = connection.receive()
            self.assertEqual(answer.get("error", {}).get("code"), code)
            self.assertEqual(answer["id"], None if code else "x" * (length - 2))
        self.alive(connection)

    def test_bad_requests(self):
        connection = self.connect()
        for text in (b"{}", b'{"jsonrpc": "1.0", "id": 1, "method": "status"}', b"[]", b"[1]",
                     b'{"jsonrpc": "2.0", "id": {}, "method": "status"}',
                     b'{"jsonrpc": "2.0", "id": 1, "method": 3}',
                     b'{"jsonrpc": "2.0", "id": 1, "method": "status", "params": 3}'):
            connection.send_bytes(text + b"\n")
            answer = connection.receive()
            answer = answer[0] if isinstance(answer, list) else answer
            self.assertEqual(answer["error"]["code"], -32600, text)
        self.assertEqual(connection.call("nosuch")["error"]["code"], -32601)
        self.assertIn("nosuch", connection.call("nosuch")["error"]["message"])
        self.alive(connection)

    def test_bad_parameters(self):
        connection = self.connect()
        for params, word in [({}, "file"), ({"file": 3}, "file"), ({"file": "a"}, "cwd"),
                             ({"file": "/a", "cwd": "b"}, "cwd"), ({"file": "/a", "optimise": 1}, "optimise"),
                             ({"file": "/a", "optimize": -2}, "optimize"), ({"file": "/a", "optimize": 0.5}, "optimize"),
                             ({"file": "/a", "priority": "high"}, "interactive"), (["/a"], "by name"),
                             ({"file": "/a", "warnings": ["x", 1]}, "warnings"), ({"file": "/a", "force": 1}, "force")]:
            answer = connection.call("compile", params)
            self.assertEqual(answer["error"]["code"], -32602, params)
            self.assertIn(word, answer["error"]["message"])
        connection.send_bytes(b'{"jsonrpc":"2.0","id":7,"method":"compile","params":{"file":"/a","file":"/b"}}\n')
        self.assertIn("twice", self.error(connection, -32602)["error"]["message"])
        self.assertEqual(connection.call("status", {"a": 1})["error"]["code"], -32602)
        self.alive(connection)

    def test_no_such_python(self):
        answer = self.connect().compile("/a", python="3.1")
        self.assertEqual(answer["error"]["code"], -32005)
        self.assertEqual(answer["error"]["data"]["retryable"], False)
        self.assertIn("9.9", answer["error"]["data"]["reason"])

    def test_ids_as_they_came(self):
        connection = self.connect()
        for text in ("9007199254740993", '"a\\u00e9\\n"', "1.50", "-0", "null", '"\\udc80"'):
            connection.send_bytes(b'{"jsonrpc":"2.0","method":"status","id":%s}\n' % text.encode())
            self.assertIn(('"id":%s,' % text).encode(), connection.file.readline())

    def test_batch(self):
        connection = self.connect()
        connection.send([{"jsonrpc": "2.0", "id": 1, "method": "compile", "params": {"file": "/a:sleep=0.05"}},
                         {"jsonrpc": "2.0", "method": "compile", "params": {"file": "/n"}},
                         {"jsonrpc": "2.0", "id": 2, "method": "nosuch"}, 3])
        answers = connection.receive()
        self.assertEqual(len(answers), 3)
        self.assertEqual({a["id"]: "result" in a for a in answers}, {1: True, 2: False, None: False})

    def test_batch_with_shutdown_is_answered(self):
        for others in ([], [{"jsonrpc": "2.0", "id": 2, "method": "status"}],
                       [{"jsonrpc": "2.0", "id": 2, "method": "compile", "params": {"file": "/a:sleep=0.05"}}]):
            for place in (0, len(others)):
                requests = others[:]
                requests.insert(place, {"jsonrpc": "2.0", "id": 1, "method": "shutdown"})
                with self.subTest(requests=requests), Daemon(fake=True) as daemon, daemon.connect() as connection:
                    connection.send(requests)
                    answers = connection.receive()
                    self.assertEqual({answer["id"] for answer in answers}, {request["id"] for request in requests})
                    self.assertEqual(daemon.process.wait(e2e.DEADLINE), 0)

    def test_broken_framing(self):
        for data in (b"hello\n", b"Content-Length: x\r\n\r\n", b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
                     b"C" * 5000):
            connection = self.connect()
            connection.send_bytes(data)
            answer = connection.file.read().rpartition(b"\n\r")[2]  # to the end: the connection is closed
            self.assertIn(b'"code":-32700', answer)
        self.alive(self.connect())

    def test_paths_that_are_not_utf8(self):
        connection = self.connect()
        answer = connection.compile(os.fsdecode(b"/\xff\xe9:x"))
        self.assertEqual(os.fsencode(answer["result"]["cfile"]), b"/\xff\xe9:xc")

    def test_parallel_and_out_of_order(self):
        connection = self.connect()
        connection.compile("/warm")
        slow = connection.request("compile", {"file": "/a:sleep=0.4"})
        fast = connection.request("compile", {"file": "/b:sleep=0.01"})
        self.assertEqual([connection.receive()["id"], connection.receive()["id"]], [fast, slow])

    def test_half_closed_client_gets_its_answers(self):
        connection = self.connect()
        connection.request("compile", {"file": "/a:sleep=0.1"})
        connection.request("compile", {"file": "/b"})
        connection.socket.shutdown(socket.SHUT_WR)
        self.assertEqual({connection.receive()["id"], connection.receive()["id"]}, {1, 2})
        self.assertIsNone(connection.receive())

    def test_cancel(self):
        connection = self.connect()
        for i in range(8):
            connection.request("compile", {"file": "/%d:sleep=0.1" % i})
        connection.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 8}})
        connection.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1}})
        answers = {answer["id"]: answer for answer in (connection.receive() for _ in range(8))}
        self.assertEqual({i: a["error"]["code"] for i, a in answers.items() if "error" in a}, {1: -32800, 8: -32800})

    def test_cancel_of_what_is_queued(self):
        """With `only_queued` a request that a worker has is answered as ever."""
        connection = self.connect()
        connection.compile("/warm")
        gate = os.path.join(self.daemon.folder, "gate")
        with open(gate, "w", encoding="ascii"):
            pass
        ids = [connection.request("compile", {"file": "/%d:wait" % i, "dfile": gate}) for i in range(40)]
        for number in ids:
            connection.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": number, "only_queued": True}})
        cancelled = connection.receive()  # some are queued: there are fewer workers
        os.unlink(gate)
        answers = [cancelled] + [connection.receive() for _ in ids[1:]]
        self.assertEqual(cancelled["error"]["code"], -32800)
        self.assertEqual(sorted(answer["id"] for answer in answers), ids)
        finished = [answer["id"] for answer in answers if "result" in answer]
        self.assertIn(ids[0], finished)

    def test_newer_check_of_a_buffer_cancels_the_older(self):
        connection = self.connect()
        connection.compile("/warm")
        for i in range(6):  # two are with the workers, two more are on their way to them
            connection.request("compile", {"file": "/%d:sleep=0.05" % i})
        first = connection.request("check", {"file": "/b.py", "source": "x"})
        other = connection.request("check", {"file": "/c.py", "source": "x"})
        saved = connection.request("check", {"file": "/b.py"})
        last = connection.request("check", {"file": "/b.py", "source": "xy"})
        answers = {answer["id"]: answer for answer in (connection.receive() for _ in range(10))}
        self.assertEqual({i: a["error"]["code"] for i, a in answers.items() if "error" in a}, {first: -32800})
        self.assertIn("newer", answers[first]["error"]["message"])
        self.assertLess(max(other, saved), last)

    def test_newer_check_of_the_same_name_in_another_folder_cancels_nothing(self):
        connection = self.connect()
        connection.compile("/warm")
        for i in range(6):  # all workers are busy, so that checks wait
            connection.request("compile", {"file": "/%d:sleep=0.05" % i})
        connection.request("check", {"file": "b.py", "cwd": "/x", "source": "x"})
        connection.request("check", {"file": "b.py", "cwd": "/y", "source": "x"})
        answers = {answer["id"]: answer for answer in (connection.receive() for _ in range(8))}
        self.assertEqual([i for i, answer in answers.items() if "error" in answer], [])
        for i in range(6):
            connection.request("compile", {"file": "/%d:sleep=0.05" % i})
        older = connection.request("check", {"file": "b.py", "cwd": "/x", "source": "x"})
        connection.request("check", {"file": "/x/b.py", "source": "xy"})  # that file by its absolute name
        answers = {answer["id"]: answer for answer in (connection.receive() for _ in range(8))}
        self.assertEqual([i for i, answer in answers.items() if "error" in answer], [older])

    def test_pristine_on_demand(self):
        before = self.daemon.status()["counters"]["exact"]
        self.assertIn("result", self.connect().compile("/a:pristine"))
        status = self.daemon.status()
        self.assertEqual(status["counters"]["exact"], before + 1)
        self.assertIn("pristine", [host["kind"] for host in status["pythons"][0]["hosts"]])

    def test_discover_names_every_parameter(self):
        document = self.connect().call("rpc.discover")["result"]
        methods = {method["name"]: method for method in document["methods"]}
        self.assertEqual(set(methods), {"compile", "check", "search", "watch", "unwatch", "status", "metrics", "activity",
                                        "shutdown", "rpc.discover", "$/cancelRequest"})
        values = {"string": "/a", "boolean": True, "integer": 0, "array": []}
        params = {}
        for param in methods["compile"]["params"]:
            schema = param["schema"]
            params[param["name"]] = schema["enum"][0] if "enum" in schema else values[schema["type"]]
        params["python"] = "9.9"
        self.assertIn("result", self.connect().call("compile", params))

    def documented(self, connection, name):
        methods = {method["name"]: method for method in connection.call("rpc.discover")["result"]["methods"]}
        return {param["name"]: param for param in methods[name]["params"]}

    def value_of(self, param):
        """A value that the document allows, and those that it forbids."""
        schema = param["schema"]
        if "enum" in schema:
            return schema["enum"][-1], ["no such choice", 1]
        if schema["type"] == "integer":
            return schema["minimum"], [schema["minimum"] - 1, schema["maximum"] + 1, schema["minimum"] + 0.5, "1"]
        if schema["type"] == "array":
            too_many = [["x"] * (schema["maxItems"] + 1)] if "maxItems" in schema else []
            return [self.daemon.folder] if param["name"] == "paths" else [], ["x", [1], *too_many]
        if schema["type"] == "boolean":
            return True, [1, "true"]
        return {"python": "9.9"}.get(param["name"], "/a"), [1, ["/a"]]

    def test_what_is_documented_is_what_is_accepted(self):
        connection = self.connect()
        for name in ("compile", "check", "search", "watch"):
            params = self.documented(connection, name)
            needed = {key: self.value_of(param)[0] for key, param in params.items() if param["required"]}
            for key, param in params.items():
                good, bad = self.value_of(param)
                answer = connection.call(name, dict(needed, **{key: good}))
                self.assertIn("result", answer, (name, key))
                if name == "watch":
                    connection.call("unwatch", {"watch": answer["result"]["watch"]})
                for value in bad:
                    answer = connection.call(name, dict(needed, **{key: value}))
                    self.assertEqual(answer["error"]["code"], -32602, (name, key, value))
                    self.assertIn("'%s'" % key, answer["error"]["message"])

    def test_what_is_accepted_is_documented(self):
        connection = self.connect()
        compile_params, watch_params = (self.documented(connection, name) for name in ("compile", "watch"))
        self.assertEqual(set(self.documented(connection, "check")), set(compile_params))
        accepted = set()
        for key, param in compile_params.items():
            answer = connection.call("watch", {"paths": [self.daemon.folder], key: self.value_of(param)[0]})
            if "result" in answer:
                accepted.add(key)
                connection.call("unwatch", {"watch": answer["result"]["watch"]})
            else:
                self.assertIn("'%s' means nothing to a watch" % key, answer["error"]["message"])
        self.assertEqual(accepted, set(watch_params) - {"paths", "initial"})
        for key in accepted - {"priority", "places"}:  # the places of a watch are those of its own paths
            self.assertEqual(watch_params[key], compile_params[key])
        self.assertEqual(watch_params["priority"]["schema"]["default"], "background")

    def test_discover_returns_the_installed_document(self):
        with open(os.path.join(e2e.BUILD, "proto", "openrpc.json"), encoding="utf-8") as file:
            self.assertEqual(self.connect().call("rpc.discover")["result"], json.load(file))

    def test_flood_keeps_others_served(self):
        flood = self.connect()
        data = b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"compile","params":{"file":"/f","priority":"background"}}\n' % i
                        for i in range(20000))
        sender = threading.Thread(target=flood.send_bytes, args=(data,))
        sender.start()
        other = self.connect()
        answer = other.compile("/other", priority="interactive")
        self.assertIn("result", answer)
        self.assertLess(self.daemon.status()["jobs"], 1100)  # the rest waits in the socket
        for _ in range(20000):
            self.assertIn("result", flood.receive())
        sender.join()

    def test_disconnect_drops_queued_jobs(self):
        connection = self.connect()
        for i in range(100):
            connection.request("compile", {"file": "/%d:sleep=0.2" % i})
        connection.call_any("status")
        connection.close()
        other = self.connect()
        while other.call("status")["result"]["jobs"] > 0:
            pass
        self.assertLess(other.call("status")["result"]["counters"]["cancelled"], 100)


class Failures(unittest.TestCase):
    def test_crash_is_found_and_others_are_answered(self):
        with Daemon("--workers", "2", fake=True) as daemon, daemon.connect() as connection:
            connection.compile("/warm")
            files = {}
            for i in range(40):
                name = "/%d:crash=SIGSEGV" % i if i in (7, 23) else "/%d:sleep=0.001" % i
                files[connection.request("compile", {"file": name})] = name
            for _ in files:
                answer = connection.receive()
                if "crash" in files[answer["id"]]:
                    self.assertEqual(answer["error"]["code"], -32003, answer)
                    self.assertEqual(answer["error"]["data"], {"signal": 11, "attempts": 2})
                else:
                    self.assertIn("result", answer)
            self.assertIn("result", connection.compile("/after"))

    def test_exit_status(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as connection:
            self.assertEqual(connection.compile("/a:exit=7")["error"]["data"], {"exit_status": 7, "attempts": 2})

    def test_innocent_suspect_gets_its_answer(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as connection:
            marker = os.path.join(daemon.folder, "marker")
            self.assertIn("result", connection.compile("/a:crash-once", dfile=marker))

    def test_timeout(self):
        with Daemon("--workers", "2", fake=True) as daemon, daemon.connect() as connection:
            connection.compile("/warm")
            slow = connection.request("compile", {"file": "/slow:sleep=100", "timeout_ms": 150})
            others = [connection.request("compile", {"file": "/%d:sleep=0.02" % i}) for i in range(20)]
            answers = {answer["id"]: answer for answer in (connection.receive() for _ in range(21))}
            self.assertEqual(answers[slow]["error"]["code"], -32004)
            self.assertEqual(answers[slow]["error"]["data"], {"timeout_ms": 150})
            self.assertTrue(all("result" in answers[i] for i in others))

    def test_host_that_speaks_nonsense(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as connection:
            for word in ("garbage", "wrong-id", "hang-up"):
                self.assertEqual(connection.compile("/a:" + word)["error"]["code"], -32003)
            self.assertIn("result", connection.compile("/b"))

    def test_host_that_cannot_start(self):
        for how, word in (("fail-start", "told to fail"), ("die-start", "status 3")):
            with Daemon(fake=True, beside={how: ""}) as daemon, daemon.connect() as connection:
                for _ in range(3):
                    answer = connection.compile("/a")
                    self.assertEqual(answer["error"]["code"], -32005)
                    self.assertIn(word, answer["error"]["data"]["reason"])
                    self.assertFalse(answer["error"]["data"]["retryable"])

    def test_big_result(self):
        with Daemon(fake=True) as daemon, daemon.connect() as connection:
            self.assertEqual(len(connection.compile("/a:big=3000000")["result"]["cfile"]), 3000000)

    def test_message_over_the_limit(self):
        with Daemon("--frame-limit", "2000", fake=True) as daemon:
            for headers in (False, True):
                with daemon.connect(headers=headers) as connection:
                    connection.compile("/a")
                    connection.request("compile", {"file": "/" + "a" * 200000})
                    self.assertEqual(connection.receive()["error"]["code"], -32600)
                    self.assertIn("result", connection.compile("/a"))


class OwnHosts(unittest.TestCase):
    """Jobs that run alone: those that need much memory one after the other, suspects side by side."""

    def solo_hosts(self, daemon):
        return sum(host["kind"] == "solo" for host in daemon.status()["pythons"][0]["hosts"])

    def test_own_host_on_demand(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as connection:
            connection.compile("/warm")
            before = daemon.pids()
            for word in ("own-host", "pristine,own-host", "own-host,pristine"):
                self.assertIn("result", connection.compile("/a:" + word))
            self.assertEqual(connection.compile("/a:own-host,crash=SIGSEGV")["error"]["data"], {"signal": 11, "attempts": 2})
            self.assertEqual(connection.compile("/a:own-host,sleep=100", timeout_ms=100)["error"]["code"], -32004)
            self.assertLessEqual(set(before), set(daemon.pids()))
            while self.solo_hosts(daemon) > 0:
                pass

    def test_one_at_a_time_beside_others(self):
        with Daemon("--workers", "3", fake=True) as daemon, daemon.connect() as connection, daemon.connect() as other:
            gate = daemon.file("gate")
            ids = {connection.request("compile", {"file": "/%d:own-host,wait" % i, "dfile": gate}) for i in range(4)}
            while self.solo_hosts(daemon) == 0:
                pass
            for i in range(20):
                self.assertIn("result", other.compile("/%d" % i))
                self.assertEqual(self.solo_hosts(daemon), 1)
            os.unlink(gate)
            answers = [connection.receive() for _ in ids]
            self.assertEqual({answer["id"] for answer in answers if "result" in answer}, ids)

    def test_suspects_side_by_side(self):
        """Jobs that ran when a host died: each runs alone in a host, and none waits for another."""
        with Daemon("--workers", "2", fake=True) as daemon, daemon.connect() as connection:
            for i in range(3):  # so that both workers are up
                connection.request("compile", {"file": "/%d:sleep=0.1" % i})
            for i in range(3):
                connection.receive()
            gate = daemon.file("gate")
            slow = connection.request("compile", {"file": "/a:wait", "dfile": gate})
            quick = connection.request("compile", {"file": "/b:crash-once", "dfile": os.path.join(daemon.folder, "marker")})
            self.assertEqual(connection.receive()["id"], quick)
            self.assertEqual(daemon.status()["counters"]["crashes"], 1)
            os.unlink(gate)
            answer = connection.receive()
            self.assertEqual((answer["id"], "result" in answer), (slow, True))

    def test_cancelled_while_its_host_starts(self):
        """The host that was started for it serves the next job, whatever that needs."""
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as other:
            other.compile("/warm")
            with daemon.connect() as connection:
                connection.request("compile", {"file": "/a:own-host,sleep=100"})
                while self.solo_hosts(daemon) == 0:
                    pass
            self.assertIn("result", other.compile("/b:pristine,own-host"))


class Scheduling(unittest.TestCase):
    def test_interactive_overtakes(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as flood, daemon.connect() as editor:
            flood.compile("/warm")
            for i in range(50):
                flood.request("compile", {"file": "/%d:sleep=0.02" % i, "priority": "background"})
            flood.receive()
            editor.compile("/now", priority="interactive")
            self.assertGreater(daemon.status()["queue"]["background"], 30)
            for _ in range(49):
                flood.receive()

    def test_grows_and_shrinks(self):
        with Daemon("--workers", "3", "--shrink-after", "1", fake=True) as daemon, daemon.connect() as connection:
            connection.compile("/one")
            ready = lambda: sum(worker["state"] in ("idle", "busy") for host in daemon.status()["pythons"][0]["hosts"]
                                if not host["retiring"] for worker in host["workers"])
            self.assertEqual(ready(), 1)
            for _ in range(30):
                connection.request("compile", {"file": "/a:sleep=0.02"})
            for _ in range(30):
                connection.receive()
            self.assertEqual(ready(), 3)
            while ready() != 1:
                pass


class Life(unittest.TestCase):
    def test_socket_modes_and_removal(self):
        with Daemon(fake=True) as daemon:
            self.assertEqual(stat.S_IMODE(os.lstat(daemon.socket).st_mode), 0o600)
            self.assertEqual(stat.S_IMODE(os.lstat(os.path.dirname(daemon.socket)).st_mode), 0o700)
            daemon.stop()
            self.assertFalse(os.path.exists(daemon.socket))

    def test_second_daemon_is_refused(self):
        with Daemon(fake=True) as daemon:
            second = subprocess.run([e2e.DAEMON], env=daemon.environment, capture_output=True, text=True,
                                    timeout=e2e.DEADLINE)
            self.assertEqual(second.returncode, 1)
            self.assertIn("runs already", second.stderr)

    def test_stale_socket_is_replaced_and_others_are_not(self):
        with Daemon(fake=True) as daemon:
            daemon.process.kill()
            daemon.process.wait()
            self.assertTrue(os.path.exists(daemon.socket))
            os.unlink(daemon.log)
            daemon.start()
            with daemon.connect() as connection:
                self.assertIn("result", connection.compile("/a"))
            daemon.stop()
            with open(daemon.socket, "w"):
                pass
            run = subprocess.run([e2e.DAEMON], env=daemon.environment, capture_output=True, text=True)
            self.assertIn("not a socket", run.stderr)
            self.assertEqual(run.returncode, 1)
            self.assertTrue(os.path.exists(daemon.socket))

    def test_folder_that_others_may_write(self):
        daemon = Daemon(fake=True)
        os.makedirs(os.path.dirname(daemon.socket))
        os.chmod(os.path.dirname(daemon.socket), 0o777)
        run = subprocess.run([e2e.DAEMON], env=daemon.environment, capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("other users", run.stderr)
        shutil.rmtree(daemon.folder)

    def test_drain(self):
        with Daemon("--workers", "1", fake=True) as daemon, daemon.connect() as connection:
            connection.compile("/warm")
            for i in range(20):
                connection.request("compile", {"file": "/%d:sleep=0.05" % i})
            connection.send({"jsonrpc": "2.0", "id": 99, "method": "shutdown"})
            answers = []
            while (answer := connection.receive()) is not None:
                answers.append(answer)
            self.assertEqual(len(answers), 21)
            failed = [a for a in answers if "error" in a]
            self.assertTrue(failed)
            for answer in failed:
                self.assertEqual((answer["error"]["code"], answer["error"]["data"]["retryable"]), (-32005, True))
            self.assertEqual(daemon.process.wait(e2e.DEADLINE), 0)

    def test_signal_after_signal(self):
        """However many signals come, from the first moment to the last, the daemon leaves in an orderly way."""
        for _ in range(10):
            with Daemon(fake=True) as daemon:
                for _ in range(5000):  # endless ones would leave a slow daemon no time for anything else
                    if daemon.process.poll() is None:
                        daemon.process.send_signal(signal.SIGTERM)
                self.assertEqual(daemon.process.wait(e2e.DEADLINE), 0)

    def test_idle_timeout(self):
        with Daemon("--idle-timeout", "1", fake=True) as daemon:
            self.assertEqual(daemon.process.wait(e2e.DEADLINE), 0)

    def test_looking_at_it_does_not_keep_an_idle_daemon(self):
        with Daemon("--idle-timeout", "1", fake=True) as daemon:
            until = time.monotonic() + e2e.DEADLINE
            while daemon.process.poll() is None:
                self.assertLess(time.monotonic(), until)
                with contextlib.suppress(OSError), daemon.connect() as connection:  # it leaves at some time
                    for method in ("status", "metrics", "activity"):
                        connection.request(method)
                        if connection.receive() is None:
                            break
            self.assertEqual(daemon.process.returncode, 0)

    def test_hosts_leave_with_a_killed_server(self):
        with Daemon(fake=True) as daemon:
            with daemon.connect() as connection:
                connection.compile("/a")
            pids = daemon.pids()
            self.assertTrue(pids)
            daemon.process.kill()
            daemon.process.wait()
            while any(e2e.exists(pid) for pid in pids):
                pass

    def test_socket_activation(self):
        with Daemon(fake=True) as daemon:
            daemon.stop()
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(daemon.socket)
            listener.listen()
            program = os.path.join(daemon.bin, "pycompiled")
            script = 'exec 3<&%d; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0"' % listener.fileno()
            process = subprocess.Popen(["bash", "-c", script, program], env=daemon.environment,
                                       pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
            with e2e.Connection(daemon.socket) as connection:
                self.assertIn("result", connection.compile("/a"))
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(e2e.DEADLINE), 0)
            self.assertTrue(os.path.exists(daemon.socket))
            listener.close()


if __name__ == "__main__":
    e2e.main()
