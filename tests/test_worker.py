"""pycompile-worker: the protocol of Bazel's persistent workers in both encodings, and the arguments of rules_python's
precompiler. tests/test_bazel.py has the real Bazel."""
import os
import shutil
import subprocess

import e2e_support as e2e
from worker_support import (ENCODINGS, SOURCES, WORKER, Worker, WorkerCase, encode_json, encode_proto, source_arguments,
                            varint)


class Protocol(WorkerCase):
    def test_same_bytes_as_py_compile(self):
        for encoding in ENCODINGS:
            with Worker(self.folder, encoding) as worker:
                for version, python in e2e.pythons().items():
                    for number, (mode, optimize) in enumerate([("CHECKED_HASH", -1), ("UNCHECKED_HASH", 2), ("TIMESTAMP", 1)]):
                        options = ["--invalidation_mode", mode.lower(), "--optimize=%d" % optimize, "--python_version", version]
                        response = worker.call(*options, *source_arguments("good.py"), request_id=number)
                        self.assertEqual(response, {"exitCode": 0, "output": "", "requestId": number, "wasCancelled": False})
                        self.assertEqual(self.data("out/good.pyc"), self.expected(python, "good.py", mode, optimize))
                self.assertEqual(worker.close(), 0)
            self.assertEqual(self.left(), [])

    def test_defaults(self):
        """The hash is checked, the level is the interpreter's own, the version the server's first."""
        with Worker(self.folder) as worker:
            self.assertEqual(worker.call(*source_arguments("good.py"))["exitCode"], 0)
        self.assertEqual(self.data("out/good.pyc"), self.expected(self.python, "good.py"))

    def test_errors_are_the_compilers_words(self):
        for encoding in ENCODINGS:
            with Worker(self.folder, encoding) as worker:
                response = worker.call(*source_arguments("bad.py"), request_id=7)
                self.assertEqual(response["exitCode"], 1)
                self.assertTrue(response["output"].startswith('  File "pkg/bad.py", line 1\n'), response["output"])
                self.assertIn("SyntaxError: ", response["output"])
                self.assertNotIn("Traceback", response["output"])
                self.assertFalse(os.path.exists(os.path.join(self.folder, "out/bad.pyc")))
                response = worker.call(*source_arguments("warns.py"), request_id=8)
                self.assertEqual(response["exitCode"], 0)
                self.assertIn("pkg/warns.py:1: SyntaxWarning: ", response["output"])
                response = worker.call(*source_arguments("missing.py"), request_id=9)
                self.assertEqual(response["exitCode"], 1)
                self.assertIn("No such file", response["output"])

    def test_several_sources_in_a_request(self):
        with Worker(self.folder) as worker:
            response = worker.call(*source_arguments("warns.py"), *source_arguments("bad.py"), *source_arguments("good.py"))
        self.assertEqual(response["exitCode"], 1)
        self.assertLess(response["output"].index("warns.py"), response["output"].index("bad.py"))
        self.assertEqual(self.data("out/good.pyc"), self.expected(self.python, "good.py"))

    def test_a_version_that_cannot_be_served_is_refused(self):
        with Worker(self.folder) as worker:
            for number, version in enumerate(["3.8", "2.7", "4.0"]):
                response = worker.call("--python_version", version, *source_arguments("good.py"), request_id=number)
                self.assertEqual(response["exitCode"], 1)
                self.assertIn("no host for Python " + version, response["output"])
            for number, version in enumerate(["", "3", self.version + ".0", self.version + "t", "python" + self.version,
                                              "pypy" + self.version, " " + self.version, self.python]):
                response = worker.call("--python_version", version, *source_arguments("good.py"), request_id=number)
                self.assertEqual(response["exitCode"], 2)
                self.assertIn("--python_version: '%s' is no version" % version, response["output"])
        with Worker(self.folder, options=["--python_version", "3.8"]) as worker:
            self.assertIn("no host for Python 3.8", worker.call(*source_arguments("good.py"))["output"])
        self.assertFalse(os.path.exists(os.path.join(self.folder, "out")))

    @staticmethod
    def magic(python):
        script = "import importlib.util as u; print(int.from_bytes(u.MAGIC_NUMBER[:2], 'little'))"
        return int(subprocess.run([python, "-c", script], check=True, capture_output=True, timeout=e2e.DEADLINE).stdout)

    def test_a_magic_number_that_cannot_be_served_is_refused(self):
        with Worker(self.folder) as worker:
            for version, python in e2e.pythons().items():
                magic = self.magic(python)
                for options in (["--magic_number=%d" % magic], ["--magic_number=%d" % magic, "--python_version", version]):
                    response = worker.call(*options, *source_arguments("good.py"))
                    self.assertEqual((response["exitCode"], response["output"]), (0, ""))
                    self.assertEqual(self.data("out/good.pyc"), self.expected(python, "good.py"))
                    os.unlink(os.path.join(self.folder, "out/good.pyc"))
                for options in (["--magic_number=%d" % (magic - 1)], ["--magic_number=%d" % (magic - 1), "--python_version", version]):
                    response = worker.call(*options, *source_arguments("good.py"))
                    self.assertEqual(response["exitCode"], 2)
                    self.assertIn("makes files with the magic number %d; served: " % (magic - 1), response["output"])
                    self.assertIn("%d (%s)" % (magic, version), response["output"])
            response = worker.call("--magic_number=%d" % magic, "--python_version", "3.8", *source_arguments("good.py"))
            self.assertIn("no host for Python 3.8 makes files with the magic number", response["output"])
            for wrong in ("0", "-1", "65536", "x", ""):
                self.assertIn("--magic_number", worker.call("--magic_number", wrong, *source_arguments("good.py"))["output"])
        self.assertEqual(os.listdir(os.path.join(self.folder, "out")), [])

    def test_arguments_that_are_wrong(self):
        good = source_arguments("good.py")
        cases = [([], "required: --src"), (good + ["--src", "x"], "there must be as many of each"),
                 (["--optimize", "3"] + good, "--optimize"), (["--optimize", "x"] + good, "--optimize"),
                 (["--invalidation_mode", "never"] + good, "--invalidation_mode: invalid choice: 'never'"),
                 (["--python_version", "three"] + good, "--python_version"), (["--what"] + good, "unrecognized arguments: --what"),
                 (good + ["--log_level"], "--log_level: expected one argument"), (["@src/none"], "src/none: No such file")]
        with Worker(self.folder) as worker:
            for number, (arguments, words) in enumerate(cases, 1):
                response = worker.call(*arguments, request_id=number)
                self.assertEqual(response["exitCode"], 2, arguments)
                self.assertIn(words, response["output"])
            response = worker.call("--log_level", "DEBUG", "--worker_impl=serial", *good, request_id=99)
            self.assertEqual(response["exitCode"], 0)

    def test_argument_files(self):
        self.file("src/params", "\n".join(["--optimize", "1", *source_arguments("good.py")]) + "\n")
        self.file("src/@odd.py", "x = 1\n")
        with Worker(self.folder) as worker:
            self.assertEqual(worker.call("@src/params")["exitCode"], 0)
            self.assertEqual(self.data("out/good.pyc"), self.expected(self.python, "good.py", optimize=1))
            response = worker.call("--src", "src/@odd.py", "--src_name", "@@odd.py", "--pyc", "out/odd.pyc")
            self.assertEqual(response["exitCode"], 0, response)
            self.assertEqual(self.data("out/odd.pyc"), self.expected(self.python, "@odd.py", dfile="@odd.py"))
            self.file("src/loop", "@src/loop\n")
            self.assertIn("nested too deeply", worker.call("@src/loop")["output"])

    def test_sandbox_folder(self):
        """It stands before the paths, and not before the name."""
        box = "__sandbox/3/w"
        for name in SOURCES:
            self.file(box + "/src/" + name, SOURCES[name])
        self.file(box + "/params", "\n".join(source_arguments("good.py")))
        for encoding in ENCODINGS:
            with Worker(self.folder, encoding) as worker:
                response = worker.call("@params", request_id=3, sandbox_dir=box)
                self.assertEqual((response["exitCode"], response["output"]), (0, ""))
                self.assertEqual(self.data(box + "/out/good.pyc"), self.expected(self.python, "good.py"))
                self.assertFalse(os.path.exists(os.path.join(self.folder, "out/good.pyc")))
            os.unlink(os.path.join(self.folder, box, "out/good.pyc"))

    def test_defaults_of_the_command_line(self):
        """Arguments that stand beside --persistent_worker belong to every request."""
        with Worker(self.folder, options=["--optimize", "2", "--worker_impl", "async"]) as worker:
            self.assertEqual(worker.call(*source_arguments("good.py"))["exitCode"], 0)
        self.assertEqual(self.data("out/good.pyc"), self.expected(self.python, "good.py", optimize=2))

    def test_cache(self):
        """There is none unless it is asked for."""
        with Worker(self.folder) as worker:
            worker.call(*source_arguments("good.py"))
        self.assertEqual(self.left(), [])
        options = ["--cache_dir", os.path.join(self.folder, "cache"), "--workers=1"]
        for _ in range(2):
            with Worker(self.folder, options=options) as worker:
                self.assertEqual(worker.call(*source_arguments("good.py"))["exitCode"], 0)
            self.assertEqual(self.data("out/good.pyc"), self.expected(self.python, "good.py"))
        self.assertEqual(self.left(), ["cache"])


class Streams(WorkerCase):
    def requests(self, encode):
        """Some requests, as Bazel writes them: without anything between them."""
        return b"".join([encode(source_arguments("good.py"), [("src/good.py", b"d" * 64)], request_id=1),
                         encode(["--python_version", "3.8", "--optimize", '"{}\\'] + source_arguments("bad.py"), request_id=2),
                         encode(source_arguments("bad.py"), request_id=3)])

    def check_answers(self, worker):
        self.assertEqual(worker.answer(1)["exitCode"], 0)
        self.assertEqual(worker.answer(2)["exitCode"], 2)
        self.assertEqual(worker.answer(3)["exitCode"], 1)

    def test_byte_by_byte(self):
        for encoding, (encode, _) in ENCODINGS.items():
            with Worker(self.folder, encoding) as worker:
                for byte in self.requests(encode):
                    worker.write(bytes([byte]))
                self.check_answers(worker)

    def test_split_in_two(self):
        for encoding, (encode, _) in ENCODINGS.items():
            data = self.requests(encode)
            with Worker(self.folder, encoding) as worker:
                for at in range(1, len(data), 7):
                    worker.write(data[:at])
                    worker.write(data[at:])
                    self.check_answers(worker)

    def test_json_with_white_space(self):
        with Worker(self.folder) as worker:
            worker.write(b' \n{ "arguments"\n: ["--src", "src/good.py", "--src_name", "a", "--pyc", "out/a.pyc"] ,\n "request_id": 5}\n\n')
            self.assertEqual(worker.answer(5)["exitCode"], 0)
            self.assertEqual(worker.close(), 0)

    def test_protocol_buffer_that_begins_like_json(self):
        """Its length is 123, which is '{'; its first argument has 34 bytes, which is '"'."""
        first = "--src=src/".ljust(34 - len("good.py"), "/") + "good.py"
        rest = ["--src_name=n", "--pyc=out/good.pyc"]
        for filler in range(200):
            data = encode_proto([first, *rest, "--log_level=" + "x" * filler])
            if data[0] == 123:
                break
        self.assertEqual(data[:3], b'{\n"')
        with Worker(self.folder, "proto") as worker:
            worker.write(data)
            self.assertEqual(worker.answer()["exitCode"], 0)

    def test_long_lists_of_inputs(self):
        """A hermetic interpreter's files are inputs of every action."""
        inputs = [("external/python/lib/python3.13/module_%d.py" % i, b"0123456789abcdef" * 4) for i in range(4000)]
        for encoding, (encode, _) in ENCODINGS.items():
            data = encode(source_arguments("good.py"), inputs, request_id=1)
            self.assertGreater(len(data), 400000)
            with Worker(self.folder, encoding) as worker:
                for _ in range(20):
                    worker.write(data)
                for _ in range(20):
                    self.assertEqual(worker.answer(1)["exitCode"], 0)

    def test_flood(self):
        """Thousands of requests before the first answer is read: every one is answered."""
        for encoding, (encode, _) in ENCODINGS.items():
            with Worker(self.folder, encoding) as worker:
                for number in range(1, 6001):
                    worker.write(encode(source_arguments("good.py") if number % 10 == 0 else ["--what"], request_id=number))
                for number in range(1, 6001):
                    self.assertEqual(worker.answer(number)["exitCode"], 0 if number % 10 == 0 else 2)

    def test_requests_that_are_none(self):
        with Worker(self.folder) as worker:
            for number, text in enumerate([b'{"requestId":1,"arguments":1}', b'{"requestId":2,"arguments":[1]}',
                                           b'{"requestId":3,"cancel":1}', b'{"requestId":4,"sandboxDir":[]}'], 1):
                worker.write(text)
                self.assertIn("not understood", worker.answer(number)["output"])
            worker.write(b'{"requestId":"x"}')
            self.assertIn("requestId is not", worker.answer()["output"])
            worker.write(b'{"requestId":6 1}')
            self.assertEqual(worker.answer()["exitCode"], 2)
            self.assertEqual(worker.call(*source_arguments("good.py"), request_id=7)["exitCode"], 0)
        with Worker(self.folder, "proto") as worker:
            worker.write(b"\x03abc")
            self.assertEqual(worker.answer()["exitCode"], 2)
            self.assertEqual(worker.call(*source_arguments("good.py"), request_id=7)["exitCode"], 0)

    def test_streams_that_are_none(self):
        """What was taken is finished; then the worker leaves with status 1."""
        good = encode_json(source_arguments("good.py"), request_id=1)
        for encoding, data in [("json", good + b"[]"), ("json", good + b"x"), ("json", good + b'{"arg'),
                               ("proto", encode_proto(source_arguments("good.py"), request_id=1) + b"\xff" * 9),
                               ("proto", encode_proto(source_arguments("good.py"), request_id=1) + varint(1 << 30)),
                               ("proto", encode_proto(source_arguments("good.py"), request_id=1) + b"\x30abc")]:
            with Worker(self.folder, encoding) as worker:
                worker.write(data)
                worker.process.stdin.close()
                self.assertEqual(worker.answer(1)["exitCode"], 0)
                self.assertEqual(worker.close(), 1)
            self.assertIn(b"standard input is not understood", worker.log)


class Cancelling(WorkerCase):
    def test_what_waits_is_dropped(self):
        """After the answer nothing is written, neither of what ran nor of what waited."""
        arguments = []
        for number in range(400):
            name = "m%03d.py" % number
            self.file("src/" + name, "x = %d\n" % number * 2000)
            arguments += source_arguments(name)
        for encoding in ENCODINGS:
            shutil.rmtree(os.path.join(self.folder, "out"), ignore_errors=True)
            with Worker(self.folder, encoding, ["--workers", "1"]) as worker:
                worker.send(*arguments, request_id=5)
                worker.send(request_id=5, cancel=True)
                self.assertTrue(worker.answer(5)["wasCancelled"])
                out = os.path.join(self.folder, "out")
                written = sorted(os.listdir(out)) if os.path.isdir(out) else []
                self.assertLess(len(written), 400)
                self.assertEqual(worker.call(*source_arguments("good.py", "other"), request_id=6)["exitCode"], 0)
                worker.send(request_id=5, cancel=True)  # is done already: no answer
                self.assertEqual(worker.close(), 0)
                self.assertEqual(sorted(os.listdir(out)) if os.path.isdir(out) else [], written)
                self.assertEqual(worker.responses, {5: [], 6: []})

    def test_unknown_work(self):
        with Worker(self.folder) as worker:
            worker.send(request_id=9, cancel=True)
            self.assertEqual(worker.call(*source_arguments("good.py"), request_id=10)["exitCode"], 0)
            self.assertEqual(worker.close(), 0)
            self.assertNotIn(9, worker.responses)


class CommandLine(WorkerCase):
    def run_worker(self, *arguments):
        return subprocess.run([WORKER, *arguments], cwd=self.folder, capture_output=True, timeout=e2e.DEADLINE, text=True,
                              stdin=subprocess.DEVNULL)

    def test_compiles_its_arguments(self):
        run = self.run_worker(*source_arguments("good.py"))
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))
        self.assertEqual(self.data("out/good.pyc"), self.expected(self.python, "good.py"))
        self.file("params", "\n".join(source_arguments("bad.py")))
        run = self.run_worker("--log_level", "ERROR", "@params")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertTrue(run.stderr.startswith('  File "pkg/bad.py", line 1\n'), run.stderr)

    def test_mistakes(self):
        self.assertEqual(self.run_worker().returncode, 2)
        self.assertEqual(self.run_worker("--workers").returncode, 2)
        self.assertIn("expected one argument", self.run_worker("--cache_dir").stderr)

    def test_help(self):
        self.assertIn("--persistent_worker", self.run_worker("--help").stdout)
        self.assertTrue(self.run_worker("--version").stdout.startswith("pycompile-worker "))


if __name__ == "__main__":
    e2e.main()
