"""A language client for the tests: sends what an editor would send to pycompile-lsp on its standard input, or to the daemon's
socket, and reads the answers."""
import json
import os
import socket
import subprocess
import threading
import time
import urllib.parse

import e2e_support as e2e

LSP = os.path.join(e2e.BUILD, "client", "pycompile-lsp")
PULL = {"textDocument": {"diagnostic": {}}}


def uri_of(path):
    return "file://" + urllib.parse.quote(os.fsencode(path))


def framed(message):
    data = json.dumps(dict(message, jsonrpc="2.0")).encode()
    return b"Content-Length: %d\r\n\r\n" % len(data) + data


class Client:
    """A running server. Messages that no test waits for yet are kept in order."""

    def __init__(self, environment, capabilities=None, options=None, folders=(), initialize=True, arguments=()):
        self.process = subprocess.Popen([*e2e.WRAPPER, LSP, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=environment)
        # A server that sends nothing fails the test, and does not hang it.
        self.watchdog = threading.Timer(e2e.DEADLINE, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()
        self.output = self.process.stdout
        self.begin(capabilities, options, folders, initialize)

    def begin(self, capabilities, options, folders, initialize):
        self.ids = 0
        self.waiting = []
        self.versions = {}
        if initialize:
            params = {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities or {},
                      "workspaceFolders": [{"uri": uri_of(folder), "name": folder} for folder in folders]}
            if options is not None:
                params["initializationOptions"] = options
            self.initialized = self.call("initialize", params)["result"]
            self.notify("initialized", {})

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.watchdog.cancel()
        if self.process.poll() is None:
            if kind is None:
                assert self.end() == 0
            else:
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        if not self.process.stdin.closed:
            self.process.stdin.close()

    def end(self):
        """Leaves as an editor does; returns the exit status."""
        assert self.call("shutdown")["result"] is None
        self.notify("exit")
        return self.process.wait(e2e.DEADLINE)

    def send_bytes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        self.send_bytes(framed(message))

    def notify(self, method, params=None):
        self.send({"method": method} if params is None else {"method": method, "params": params})

    def request(self, method, params=None):
        self.ids += 1
        self.send({"id": self.ids, "method": method} if params is None else
                  {"id": self.ids, "method": method, "params": params})
        return self.ids

    def read(self):
        """The next message as it comes, or None at the end."""
        line = self.output.readline()
        if not line:
            return None
        length = int(line.split(b":")[1])
        assert self.output.readline() == b"\r\n"
        return json.loads(self.output.read(length))

    def wait(self, wanted):
        """The first message for which `wanted` is true, of those kept and those still to come."""
        for i, message in enumerate(self.waiting):
            if wanted(message):
                return self.waiting.pop(i)
        while True:
            message = self.read()
            assert message is not None, ("the server is gone", self.waiting)
            if wanted(message):
                return message
            self.waiting.append(message)

    def answer(self, number):
        return self.wait(lambda m: m.get("id") == number and "method" not in m)

    def call(self, method, params=None):
        return self.answer(self.request(method, params))

    def notification(self, method):
        return self.wait(lambda m: m.get("method") == method)["params"]

    def open(self, uri, text, version=1):
        self.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": version,
                                                              "text": text}})

    def change(self, uri, version, *changes):
        self.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": version},
                                               "contentChanges": list(changes)})

    def save(self, uri):
        self.notify("textDocument/didSave", {"textDocument": {"uri": uri}})

    def close(self, uri):
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def diagnostics(self, uri, version=None):
        """The diagnostics that are published for a version of a document."""
        def wanted(message):
            params = message.get("params")
            return message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri and \
                (version is None or params.get("version") == version)
        return self.wait(wanted)["params"]["diagnostics"]


class SocketClient(Client):
    """An editor on the daemon's socket."""

    def __init__(self, path, capabilities=None, options=None, folders=(), initialize=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(e2e.DEADLINE)
        self.socket.connect(path)
        self.output = self.socket.makefile("rb")
        self.begin(capabilities, options, folders, initialize)

    def __exit__(self, kind, *_):
        if self.socket.fileno() >= 0:
            if kind is None:
                self.end()
            self.hang_up()

    def hang_up(self):
        self.output.close()
        self.socket.close()

    def end(self):
        """Leaves as an editor does; the server closes the connection."""
        assert self.call("shutdown")["result"] is None
        self.notify("exit")
        while self.read() is not None:
            pass
        self.hang_up()

    def send_bytes(self, data):
        self.socket.sendall(data)


def processes_of(daemon):
    """The language servers that know a daemon's socket, also after the daemon is gone: {pid: parent}."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                text = file.read()
            with open("/proc/%s/environ" % name, "rb") as file:
                variables = file.read().split(b"\0")
        except OSError:
            continue
        state, parent = text.rpartition(")")[2].split()[:2]
        if "(pycompile-lsp)" in text and state != "Z" and os.fsencode("PYCOMPILED_SOCKET=" + daemon.socket) in variables:
            found[int(name)] = int(parent)
    return found


def language_servers(daemon):
    """The language servers that the daemon has started."""
    return [pid for pid, parent in processes_of(daemon).items() if parent == daemon.process.pid]


def wait_until_none_is_left(daemon):
    end = time.monotonic() + e2e.DEADLINE
    while processes_of(daemon):
        assert time.monotonic() < end, "language servers are left behind"
        time.sleep(0.01)
    assert "language server failed" not in daemon.read_log(), daemon.read_log()


def text_edit(start, end, text):
    """A change of a range. Positions are (line, character)."""
    return {"range": {"start": dict(zip(("line", "character"), start)), "end": dict(zip(("line", "character"), end))},
            "text": text}


def span(diagnostic):
    start, end = diagnostic["range"]["start"], diagnostic["range"]["end"]
    return start["line"], start["character"], end["line"], end["character"]
