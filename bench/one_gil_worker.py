"""A worker for Bazel in plain Python, as bench/bazel has it for comparison: one interpreter, whose GIL lets one thread compile at a
time. It takes the arguments of pycompile-worker, and Bazel's worker protocol in protocol buffers.

--worker_impl=async (the default) gives requests to threads, and serial compiles one after the other. --copy compiles nothing, and
copies the source: what remains is Bazel's own work. Without --persistent_worker the arguments are the work."""

import argparse
import concurrent.futures
import py_compile
import shutil
import sys
import threading


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def read_request(stream):
    """The next request: its arguments, its id, whether it cancels, its sandbox folder. None at the end."""
    length = shift = 0
    while True:
        byte = stream.read(1)
        if not byte:
            return None
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            break
    data, at = stream.read(length), 0
    arguments, number, cancel, sandbox = [], 0, False, ""
    while at < length:
        tag, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        if tag >> 3 == 1:
            arguments.append(value.decode())
        elif tag >> 3 == 3:
            number = value
        elif tag >> 3 == 4:
            cancel = bool(value)
        elif tag >> 3 == 6:
            sandbox = value.decode() + "/"
    return arguments, number, cancel, sandbox


class Worker:
    def __init__(self, options, parser):
        self.options, self.parser = options, parser
        self.lock = threading.Lock()

    def work(self, arguments, sandbox=""):
        """Does the work of these arguments. Returns the exit code and the words for the user."""
        wish = self.parser.parse_args(arguments)
        mode = py_compile.PycInvalidationMode[wish.invalidation_mode.upper()]
        try:
            for src, name, pyc in zip(wish.src, wish.src_name, wish.pyc):
                if self.options.copy:
                    shutil.copyfile(sandbox + src, sandbox + pyc)
                else:
                    py_compile.compile(sandbox + src, sandbox + pyc, name, doraise=True, optimize=wish.optimize, invalidation_mode=mode)
        except (OSError, py_compile.PyCompileError) as error:
            return 1, str(error)
        return 0, ""

    def answer(self, arguments, number, sandbox):
        status, words = self.work(arguments, sandbox)
        words = words.encode(errors="replace")
        data = b"\x08" + varint(status) + b"\x12" + varint(len(words)) + words + b"\x18" + varint(number)
        with self.lock:
            sys.stdout.buffer.write(varint(len(data)) + data)
            sys.stdout.buffer.flush()

    def serve(self):
        with concurrent.futures.ThreadPoolExecutor() as threads:
            while (request := read_request(sys.stdin.buffer)) is not None:
                arguments, number, cancel, sandbox = request
                if cancel:
                    continue
                if self.options.worker_impl == "serial":
                    self.answer(arguments, number, sandbox)
                else:
                    threads.submit(self.answer, arguments, number, sandbox)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0], fromfile_prefix_chars="@")
    parser.add_argument("--persistent_worker", action="store_true")
    parser.add_argument("--worker_impl", choices=("async", "serial"), default="async")
    parser.add_argument("--copy", action="store_true")
    parser.add_argument("--invalidation_mode", default="checked_hash")
    parser.add_argument("--optimize", type=int, default=-1)
    parser.add_argument("--python_version")
    for name in ("--src", "--src_name", "--pyc"):
        parser.add_argument(name, action="append", default=[])
    options = parser.parse_args()
    worker = Worker(options, parser)
    if options.persistent_worker:
        worker.serve()
        return 0
    status, words = worker.work(sys.argv[1:])
    sys.stderr.write(words)
    return status


if __name__ == "__main__":
    sys.exit(main())
