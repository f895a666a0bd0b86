"""A peer of pycompile-worker, as Bazel is one: both encodings of the worker protocol, written here from its description."""
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import e2e_support as e2e

WORKER = os.path.join(e2e.BUILD, "client", "pycompile-worker")


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number, value):
    """A member of a protocol buffer; a default is left out."""
    if not value:
        return b""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def encode_proto(arguments=(), inputs=(), request_id=0, cancel=False, verbosity=0, sandbox_dir=""):
    parts = [varint(1 << 3 | 2) + varint(len(a.encode())) + a.encode() for a in arguments]
    for path, digest in inputs:
        parts.append(field(2, field(1, path.encode()) + field(2, digest)))
    parts += [field(3, request_id), field(4, int(cancel)), field(5, verbosity), field(6, sandbox_dir.encode())]
    data = b"".join(parts)
    return varint(len(data)) + data


def encode_json(arguments=(), inputs=(), request_id=0, cancel=False, verbosity=0, sandbox_dir=""):
    request = {"arguments": list(arguments),
               "inputs": [{"path": path, "digest": base64.b64encode(digest).decode()} for path, digest in inputs],
               "requestId": request_id, "cancel": cancel, "verbosity": verbosity, "sandboxDir": sandbox_dir}
    return json.dumps({name: value for name, value in request.items() if value}).encode()


def read_varint(stream):
    value = shift = 0
    while True:
        byte = stream.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7f) << shift
        shift += 7
        if byte[0] < 0x80:
            return value


def decode_proto(stream):
    """The next response, or None at the end."""
    length = read_varint(stream)
    if length is None:
        return None
    data, at = stream.read(length), 0
    response = {"exitCode": 0, "output": "", "requestId": 0, "wasCancelled": False}
    names = {1: "exitCode", 2: "output", 3: "requestId", 4: "wasCancelled"}

    def number():
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 0x7f) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                return value
    while at < len(data):
        tag = number()
        if tag & 7 == 2:
            size = number()
            response[names[tag >> 3]] = data[at:at + size].decode()
            at += size
        else:
            response[names[tag >> 3]] = number()
    response["wasCancelled"] = bool(response["wasCancelled"])
    return response


def decode_json(stream):
    line = stream.readline()
    if not line:
        return None
    return {"exitCode": 0, "output": "", "requestId": 0, "wasCancelled": False, **json.loads(line)}


def children(pid):
    """The process and all below it."""
    found = [pid]
    with contextlib.suppress(OSError):  # it has ended
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as file:
                for child in file.read().split():
                    found += children(int(child))
    return found


def kill_server(worker, number):
    """Where all is done already, none may run any more."""
    with contextlib.suppress(ProcessLookupError):
        if worker.server() is not None:
            os.kill(worker.server(), number)


def kill_hosts(worker):
    server = worker.server()
    for pid in children(server)[1:] if server is not None else []:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until_gone(pids):
    end = time.monotonic() + e2e.DEADLINE
    while any(e2e.exists(pid) for pid in pids):
        if time.monotonic() > end:
            raise AssertionError("a process is left: %s" % [pid for pid in pids if e2e.exists(pid)])
        time.sleep(0.01)


def has_children_lists():
    return os.path.exists("/proc/self/task/%d/children" % os.getpid())


SOURCES = {
    "good.py": "def f(x: int) -> int:\n    '''Doc.'''\n    assert x\n    return x + 1\n",
    "bad.py": "def f(:\n    pass\n",
    "warns.py": "x = 1 is 1\n",
}


def source_arguments(name, folder="out", prefix="pkg/"):
    return ["--src", "src/" + name, "--src_name", prefix + name, "--pyc", "%s/%s.pyc" % (folder, name[:-3])]


ENCODINGS = {"json": (encode_json, decode_json), "proto": (encode_proto, decode_proto)}


class Worker:
    """A worker in a working folder. Responses are read by a thread, so that neither side waits for the other."""

    def __init__(self, folder, encoding="json", options=(), limits="", **variables):
        """`limits`: the arguments of the shell's ulimit that the worker is started under."""
        self.encode, self.decode = ENCODINGS[encoding]
        environment = {**os.environ, "TMPDIR": folder, "XDG_RUNTIME_DIR": folder, "HOME": folder, **variables}
        starved = ["sh", "-c", 'ulimit %s && exec "$0" "$@"' % limits] if limits else []
        self.process = subprocess.Popen([*starved, *e2e.WRAPPER, WORKER, "--persistent_worker", *options], cwd=folder,
                                        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.responses = {}
        self.changed = threading.Condition()
        self.ended = False
        self.log = b""
        self.threads = [threading.Thread(target=self.read), threading.Thread(target=self.read_log)]
        for thread in self.threads:
            thread.start()

    def read(self):
        while True:
            response = self.decode(self.process.stdout)
            with self.changed:
                if response is None:
                    self.ended = True
                else:
                    self.responses.setdefault(response["requestId"], []).append(response)
                self.changed.notify_all()
            if response is None:
                return

    def read_log(self):
        for line in self.process.stderr:
            with self.changed:
                self.log += line
                self.changed.notify_all()

    def wait_for_log(self, words):
        """Waits until the worker has said that on standard error."""
        with self.changed:
            if not self.changed.wait_for(lambda: words in self.log, e2e.DEADLINE):
                raise AssertionError("%r is not said: %r" % (words, self.log))

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, *arguments, **members):
        self.write(self.encode(arguments, **members))

    def answer(self, request_id=0):
        """Waits for the response to a request."""
        with self.changed:
            done = self.changed.wait_for(lambda: self.responses.get(request_id) or self.ended, e2e.DEADLINE)
            if not done or not self.responses.get(request_id):
                raise AssertionError("no response to %d: %s" % (request_id, self.log.decode(errors="replace")))
            return self.responses[request_id].pop(0)

    def call(self, *arguments, **members):
        self.send(*arguments, **members)
        return self.answer(members.get("request_id", 0))

    def server(self):
        """The process id of the worker's server, or None."""
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as file:
            found = file.read().split()
        return int(found[0]) if found else None

    def close(self):
        """Ends the input; returns the exit status."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        status = self.process.wait(e2e.DEADLINE)
        for thread in self.threads:
            thread.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
        self.close()


@unittest.skipUnless(os.path.exists(WORKER), "pycompile-worker was not built (protobuf-c is missing)")
class WorkerCase(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-worker-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name, text in SOURCES.items():
            self.file("src/" + name, text)
        self.version, self.python = next(iter(e2e.pythons().items()))

    def file(self, name, text=""):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def data(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def expected(self, python, name, mode="CHECKED_HASH", optimize=-1, dfile=None):
        """What py_compile writes in a process of its own."""
        out = os.path.join(self.folder, "expected.pyc")
        script = ("import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], sys.argv[3], doraise=True, "
                  "optimize=int(sys.argv[5]), invalidation_mode=py_compile.PycInvalidationMode[sys.argv[4]])")
        subprocess.run([python, "-c", script, "src/" + name, out, dfile or "pkg/" + name, mode, str(optimize)], check=True,
                       cwd=self.folder, stderr=subprocess.DEVNULL, timeout=e2e.DEADLINE)
        with open(out, "rb") as file:
            return file.read()

    def left(self):
        """What is in the working folder beside sources and outputs."""
        return sorted(set(os.listdir(self.folder)) - {"src", "out", "expected.pyc"})
