"""The language server on the daemon's socket: an editor that connects there and begins with `initialize`."""
import contextlib
import os
import socket
import stat
import subprocess
import sys
import time
import unittest

import e2e_support as e2e
import test_lsp
from e2e_support import Daemon
from lsp_support import SocketClient, framed, language_servers, span, text_edit, uri_of, wait_until_none_is_left

URI = "untitled:buffer"
INITIALIZE = {"capabilities": {}, "processId": None, "rootUri": None}


class Diagnostics(test_lsp.Diagnostics):
    """Everything that holds on standard input and output, except for the editor's environment variables."""

    def client(self, capabilities=None, environment=None, **options):
        if environment is not None:
            return super().client(capabilities, environment, **options)
        client = SocketClient(self.daemon.socket, capabilities, **options)
        self.addCleanup(lambda: client.__exit__(None))
        return client


class Life(test_lsp.WithDaemon):
    def setUp(self):
        self.addCleanup(lambda: wait_until_none_is_left(self.daemon))

    def client(self, *arguments, **options):
        client = SocketClient(self.daemon.socket, *arguments, **options)
        self.addCleanup(lambda: client.__exit__(None))
        return client

    def test_life(self):
        client = self.client()
        self.assertEqual(client.initialized["serverInfo"]["name"], "pycompile-lsp")
        self.assertEqual(len(language_servers(self.daemon)), 1)
        client.open(URI, "x = (")
        self.assertEqual(len(client.diagnostics(URI, 1)), 1)
        client.change(URI, 2, text_edit((0, 5), (0, 5), "1)"))
        self.assertEqual(client.diagnostics(URI, 2), [])
        client.end()
        wait_until_none_is_left(self.daemon)
        self.assertIn("version", self.daemon.status())

    def test_save(self):
        path = self.daemon.file("saved.py", "x = 1\n")
        client = self.client(folders=[os.path.dirname(path)])
        answer = client.call("workspace/executeCommand", {"command": "pycompiled.compileFile", "arguments": [uri_of(path)]})
        self.assertTrue(os.path.exists(answer["result"]["cfile"]))

    def test_at_once(self):
        """Bytes of the same write, up to the middle of a message, are not lost."""
        client = self.client(initialize=False)
        text = "y = (\n" + "#" * 300000
        document = {"uri": URI, "languageId": "python", "version": 1, "text": text}
        changed = framed({"method": "textDocument/didChange", "params": {
            "textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": "y = 1"}]}})
        client.send_bytes(framed({"id": "é", "method": "initialize", "params": INITIALIZE}) +
                          framed({"method": "initialized", "params": {}}) +
                          framed({"method": "textDocument/didOpen", "params": {"textDocument": document}}) + changed[:30])
        self.assertIn("capabilities", client.answer("é")["result"])
        self.assertEqual(len(client.diagnostics(URI, 1)), 1)
        client.send_bytes(changed[30:])
        self.assertEqual(client.diagnostics(URI, 2), [])

    def test_all_at_once(self):
        """A whole session in one write, with its end: all answers come, and then the end."""
        client = self.client(initialize=False)
        client.send_bytes(framed({"id": 1, "method": "initialize", "params": INITIALIZE}) +
                          framed({"id": 2, "method": "shutdown"}) + framed({"method": "exit"}))
        client.socket.shutdown(socket.SHUT_WR)
        self.assertIn("result", client.answer(1))
        self.assertIn("result", client.answer(2))
        self.assertIsNone(client.read())
        client.hang_up()

    def test_byte_by_byte(self):
        client = self.client(initialize=False)
        for byte in framed({"id": 1, "method": "initialize", "params": INITIALIZE}):
            client.send_bytes(bytes([byte]))
        self.assertIn("result", client.answer(1))

    def test_two_editors(self):
        first, second = self.client(), self.client()
        self.assertEqual(len(language_servers(self.daemon)), 2)
        first.open(URI, "x = (")
        second.open(URI, "x = 1")
        self.assertEqual((len(first.diagnostics(URI, 1)), second.diagnostics(URI, 1)), (1, []))
        first.end()
        second.change(URI, 2, {"text": "x = ("})
        self.assertEqual(len(second.diagnostics(URI, 2)), 1)

    def test_hangs_up(self):
        for opens in (False, True):
            client = self.client()
            self.assertEqual(len(language_servers(self.daemon)), 1)
            if opens:
                client.open(URI, "x = (")
            client.hang_up()
            wait_until_none_is_left(self.daemon)

    def test_what_it_is_given(self):
        """It has no descriptors but the socket and the log; the daemon keeps none of the connection."""
        def descriptors(pid):
            folder = "/proc/%d/fd" % pid
            found = {}
            for fd in os.listdir(folder):
                with contextlib.suppress(OSError):  # one of the daemon's descriptors may be closed meanwhile
                    found[int(fd)] = os.readlink(os.path.join(folder, fd))
            return found
        client = self.client(initialize=False)
        self.assertIn("result", client.call("initialize", INITIALIZE))  # without `initialized` it does not connect
        (pid,) = language_servers(self.daemon)
        given = descriptors(pid)
        self.assertEqual(sorted(given), [0, 1, 2])
        self.assertTrue(given[0] == given[1] and given[0].startswith("socket:"), given)
        self.assertEqual(given[2], self.daemon.log)
        self.assertEqual(os.readlink("/proc/%d/cwd" % pid), "/")
        self.daemon.status()  # the loop's turn in which it was started is over
        self.assertNotIn(given[0], descriptors(self.daemon.process.pid).values())

    def test_only_as_the_first_message(self):
        request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
        with self.daemon.connect() as lines:
            lines.send(request)
            self.assertEqual(lines.receive()["error"]["code"], -32601)
        with self.daemon.connect(headers=True) as connection:
            connection.call("status")
            connection.send(request)
            self.assertEqual(connection.receive()["error"]["code"], -32601)
        with self.daemon.connect(headers=True) as connection:
            connection.send([request])
            self.assertEqual(connection.receive()[0]["error"]["code"], -32601)
        with self.daemon.connect(headers=True) as connection:
            connection.send({"jsonrpc": "2.0", "method": "initialize", "params": {}})  # a notification
            self.assertIn("result", connection.call("status"))
        self.assertEqual(language_servers(self.daemon), [])

    def test_bad_parameters(self):
        """The language server reports it to the editor, which may try again."""
        client = self.client(initialize=False)
        self.assertEqual(client.call("initialize", [])["error"]["code"], -32602)
        self.assertIn("result", client.call("initialize", INITIALIZE))


class WithoutOne(unittest.TestCase):
    def refused(self, daemon, connection, *words, retryable):
        answer = connection.call("initialize", INITIALIZE)
        self.assertEqual(answer["error"]["code"], -32005)
        self.assertEqual(answer["error"]["data"]["retryable"], retryable)
        for word in words:
            self.assertIn(word, answer["error"]["message"])
        self.assertIn("result", connection.call("status"))
        self.assertIn("result", connection.compile("/a"))
        self.assertEqual(connection.call("initialize")["error"]["code"], -32601)

    def test_no_program(self):
        with Daemon(fake=True) as daemon, daemon.connect(headers=True) as connection:
            self.refused(daemon, connection, "pycompile-lsp", "not found", retryable=False)

    def test_program_cannot_be_run(self):
        with Daemon(fake=True, beside={"pycompile-lsp": "#!/nonexistent/interpreter\n"}) as daemon:
            os.chmod(os.path.join(daemon.bin, "pycompile-lsp"), 0o700)
            with daemon.connect(headers=True) as connection:
                self.refused(daemon, connection, "cannot start", "no such file", retryable=True)
                # Nothing that the daemon reads may make it wait.
                folder = "/proc/%d/" % daemon.process.pid
                for fd in os.listdir(folder + "fd"):
                    with contextlib.suppress(FileNotFoundError), open(folder + "fdinfo/" + fd) as file:
                        flags = int(file.read().split("flags:")[1].split()[0], 8)
                        if stat.S_ISSOCK(os.stat(folder + "fd/" + fd).st_mode):
                            self.assertTrue(flags & os.O_NONBLOCK, fd)

    def test_too_many(self):
        """A language server counts, although its connection no longer does."""
        with Daemon("--connections", "1") as daemon:
            first = SocketClient(daemon.socket, initialize=False)
            self.assertIn("result", first.call("initialize", INITIALIZE))
            with daemon.connect(headers=True) as second:
                answer = second.call("initialize", INITIALIZE)
                self.assertEqual((answer["error"]["code"], answer["error"]["data"]["retryable"]), (-32005, True))
                self.assertIn("result", second.call("status"))
            first.end()
            wait_until_none_is_left(daemon)

    def test_a_client_has_its_share(self):
        """Half of those that may run, for one process; another gets its own."""
        code = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); b = sys.argv[2].encode();"
                "s.sendall(b'Content-Length: %d\\r\\n\\r\\n' % len(b) + b); print(s.recv(1000).decode())")
        message = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{},"processId":null,"rootUri":null}}'
        with Daemon("--connections", "4") as daemon, contextlib.ExitStack() as stack:
            for _ in range(2):
                client = stack.enter_context(SocketClient(daemon.socket, initialize=False))
                self.assertIn("result", client.call("initialize", INITIALIZE))
            with daemon.connect(headers=True) as third:
                error = third.call("initialize", INITIALIZE)["error"]
                self.assertEqual((error["code"], error["data"]["retryable"]), (-32005, True))
                self.assertIn("2 run for this client", error["message"])
            other = subprocess.run([sys.executable, "-c", code, daemon.socket, message], capture_output=True, text=True)
            self.assertIn('"result"', other.stdout)
            stack.close()
            wait_until_none_is_left(daemon)

    def test_no_more_than_sixty_four(self):
        """Whatever the number of connections; half of them for one process. The servers are stand-ins."""
        server = ("#!/bin/sh\nprintf 'Content-Length: 38\\r\\n\\r\\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}'\n"
                  "exec cat >/dev/null\n")
        code = ("import json, socket, sys\nkept, fine = [], 0\nfor _ in range(40):\n"
                "    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); kept.append(s)\n"
                "    b = b'{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}'\n"
                "    s.sendall(b'Content-Length: %d\\r\\n\\r\\n' % len(b) + b); fine += b'result' in s.recv(1000)\n"
                "print(fine, flush=True)\nsys.stdin.read()\n")
        with Daemon(fake=True, beside={"pycompile-lsp": server}) as daemon, contextlib.ExitStack() as stack:
            os.chmod(os.path.join(daemon.bin, "pycompile-lsp"), 0o700)
            counts = []
            for _ in range(3):
                process = stack.enter_context(subprocess.Popen([sys.executable, "-c", code, daemon.socket], stdin=subprocess.PIPE,
                                                               stdout=subprocess.PIPE, text=True))
                counts.append(int(process.stdout.readline()))
            self.assertEqual(counts, [32, 32, 0])

    def test_its_death(self):
        with Daemon(fake=True, beside={"pycompile-lsp": "#!/bin/sh\nkill -9 $$\n"}) as daemon:
            os.chmod(os.path.join(daemon.bin, "pycompile-lsp"), 0o700)
            with daemon.connect(headers=True) as connection:
                connection.request("initialize", INITIALIZE)
                self.assertIsNone(connection.receive())
            daemon.status()
            while "ended by signal 9" not in daemon.read_log():
                time.sleep(0.01)


class Ends(unittest.TestCase):
    def test_daemon_stops(self):
        """The daemon leaves at once; the language server stays until its editor goes."""
        with Daemon("--workers", "1") as daemon:
            client = SocketClient(daemon.socket)
            client.open(URI, "x = (")
            self.assertEqual(len(client.diagnostics(URI, 1)), 1)
            self.assertEqual((len(language_servers(daemon)), daemon.stop()), (1, 0))
            client.end()
            wait_until_none_is_left(daemon)
            self.assertFalse(os.path.exists(daemon.socket))

    def test_daemon_stops_and_editor_goes_on(self):
        with Daemon("--workers", "1") as daemon, SocketClient(daemon.socket) as client:
            client.open(URI, "x = (")
            self.assertEqual(len(client.diagnostics(URI, 1)), 1)
            self.assertEqual(daemon.stop(), 0)
            client.change(URI, 2, {"text": "x = 1"})
            self.assertEqual(client.diagnostics(URI, 2), [])
            subprocess.run([e2e.CTL, "stop"], env=daemon.environment, check=True, stdout=subprocess.DEVNULL)

    def test_told_to_leave_while_it_begins(self):
        """Whichever comes first, the editor gets an answer or the end of the connection, and the daemon leaves."""
        for number in range(5):
            with Daemon("--workers", "1") as daemon:
                client = SocketClient(daemon.socket, initialize=False)
                client.request("initialize", INITIALIZE)
                time.sleep(number / 1000)
                self.assertEqual(daemon.stop(), 0)
                with contextlib.suppress(ConnectionResetError):
                    client.read()
                client.hang_up()
                wait_until_none_is_left(daemon)

    def test_daemon_is_not_idle_meanwhile(self):
        with Daemon("--workers", "1", "--idle-timeout", "1") as daemon:
            client = SocketClient(daemon.socket, initialize=False)
            self.assertIn("result", client.call("initialize", INITIALIZE))
            time.sleep(1.5)
            self.assertIsNone(daemon.process.poll())
            client.end()
            self.assertEqual(daemon.process.wait(e2e.DEADLINE), 0)

    def test_relative_socket(self):
        """The language server finds the daemon wherever that was started, and gets no variable that is meant for the daemon only."""
        with Daemon(environment={"VIRTUAL_ENV": "/nonexistent", "NOTIFY_SOCKET": ""}) as daemon:
            daemon.stop()
            other = os.path.join(daemon.folder, "other")
            environment = dict(daemon.environment, VIRTUAL_ENV="/nonexistent", WATCHDOG_PID="1")
            with open(daemon.log, "wb") as log:
                daemon.process = subprocess.Popen([e2e.DAEMON, "--socket", "other/s"], stdin=subprocess.DEVNULL, stderr=log,
                                                  env=environment, cwd=daemon.folder)
            daemon.wait_until_up()
            daemon.socket = os.path.join(other, "s")
            with SocketClient(daemon.socket) as client:
                (pid,) = language_servers(daemon)
                with open("/proc/%d/environ" % pid, "rb") as file:
                    variables = dict(os.fsdecode(item).split("=", 1) for item in file.read().split(b"\0") if item)
                self.assertEqual(variables["PYCOMPILED_SOCKET"], daemon.socket)
                self.assertFalse({"VIRTUAL_ENV", "WATCHDOG_PID", "NOTIFY_SOCKET"} & set(variables))
                self.assertEqual(variables["PYCOMPILED_CACHE_DIR"], environment["PYCOMPILED_CACHE_DIR"])
                client.open(URI, "x = (")
                self.assertEqual(span(client.diagnostics(URI, 1)[0])[0], 0)


if __name__ == "__main__":
    e2e.main()
