"""For tests of the remote cache: a real Redis or Valkey server in its own folder, and servers that misbehave."""
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import e2e_support as e2e


def find_program(folder):
    """The server's program. Debian's redis-tools has it too, as a tool that acts by the name it is called by."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    tool = shutil.which("redis-check-rdb")
    if found is None and tool is not None:
        found = os.path.join(folder, "redis-server")
        if not os.path.exists(found):
            os.symlink(os.path.realpath(tool), found)
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """A server on a Unix socket. `options`: further arguments of its command line."""

    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.path = os.path.join(self.folder, "redis.socket")
        self.url = "unix://" + self.path
        self.options = list(options)
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        program = find_program(self.folder)
        assert program, "neither redis-server nor valkey-server is installed"
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([program, "--port", "0", "--unixsocket", self.path, "--save", "", "--dir", self.folder,
                                             *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + e2e.DEADLINE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.path)
                return
            except OSError:
                time.sleep(0.005)
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            raise AssertionError("the server does not come up: " + log.read())

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def call(self, *words, password=None):
        """One command's reply: a string, a number, bytes, None or a list of these."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.path)
            with connection.makefile("rb") as file:
                if password:
                    connection.sendall(encode("AUTH", password))
                    read_reply(file)
                connection.sendall(encode(*words))
                return read_reply(file)


def encode(*words):
    """A command, in Redis's serialization protocol."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def read_reply(file):
    line = file.readline()[:-2]
    kind, rest = line[:1], line[1:]
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else file.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return [read_reply(file) for _ in range(int(rest))]
    if kind == b"-":
        raise AssertionError(rest.decode())
    return rest.decode()


class Impostor:
    """A server that calls answer(connection, file) for each connection, in a thread of its own."""

    def __init__(self, answer):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.path = os.path.join(self.folder, "socket")
        self.url = "unix://" + self.path
        self.answer = answer
        self.connections = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(100)

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()

    def serve_one(self, connection):
        try:
            with connection.makefile("rb") as file:
                self.answer(connection, file)
        except (OSError, ValueError, IndexError):
            pass  # the connection is closed
