"""The cache: a source that was compiled once is answered without compiling, at any path, with a fresh compile's bytes and
warnings. Nothing that happens to the cache, or to a process that writes to it, can make an answer wrong."""
import contextlib
import fcntl
import glob
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import e2e_support as e2e
import store_damage
from e2e_support import Daemon

KILLS = int(os.environ.get("PYCOMPILED_CACHE_KILLS", "4"))
KILL_FILES = int(os.environ.get("PYCOMPILED_CACHE_KILL_FILES", "250"))
# Damages of a whole store, at random and crafted. The long run: PYCOMPILED_CACHE_DAMAGES=2500,500
RANDOM_DAMAGES, CRAFTED_DAMAGES = map(int, os.environ.get("PYCOMPILED_CACHE_DAMAGES", "100,60").split(","))
SOURCES = {
    "plain.py": b"def f(a, b=(1, 2), *, c=None):\n    'doc'\n    return [x for x in a if x in {'p', 'q', b}]\n",
    "empty.py": b"",
    "classes.py": b"class A:\n    x = [1.5, 2j, 10**30, b'y', '\\xe9', '\\ud800']\n    async def f(self): return lambda: self\n",
    "latin.py": "# coding: latin-1\nx = '\xe9'\n".encode("latin-1"),
    "warns.py": b"import os\nx = '\\d'\nif x == '\\y':\n    pass\n",
    "sets.py": b"def f(x): return x in {'a', 'bc', 'def'}\ndef g(x): return x in {'a', 'bc', 'def'}\n",
}
NAMES = ["b.py", "other/a-much-longer-name-than-before.py", "d/\xe9t\xe9.py", "e/\u4e2d\U0001f40d.py", "f/\udcff\udcfe.py",
         "g/" + "/".join(["x" * 100] * 3) + "/long.py"]


def on_every_version(run):
    def test(self):
        for version, python in e2e.pythons().items():
            with self.subTest(version):
                run(self, version, python)
    return test


def read(path):
    with open(path, "rb") as file:
        return file.read()


def outcome(answer):
    return answer["result"]["outcome"]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.cache = os.path.join(self.folder, "cache")

    def write(self, name, data):
        return e2e.write_file(self.folder, name, data)

    def daemon(self, *options):
        return Daemon(*options, environment={"PYCOMPILED_CACHE_DIR": self.cache})

    def ctl(self, *words, status=0):
        run = subprocess.run([e2e.CTL, "cache", "--dir", self.cache, *words], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        self.assertEqual(run.returncode, status, run.stdout)
        return run.stdout

    def stats(self):
        return json.loads(self.ctl("--json", "stats"))

    def fresh(self, version, python, path, *flags):
        """What py_compile writes and prints in a fresh process, for the file at the place where we compiled it. Up to 3.10, where
        the bytes are pycompiled's own: what it writes without the cache."""
        cfile = os.path.join(self.folder, "fresh.pyc")
        script = "import os, sys, py_compile; py_compile.compile(os.fsencode(sys.argv[1]).decode('utf-8', 'surrogateescape'), " \
                 "sys.argv[2], doraise=True)"
        run = subprocess.run([python, "-I", *flags, "-c", script, path, cfile], stderr=subprocess.PIPE, check=True,
                             env={"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"})
        if e2e.version_tuple(version) < (3, 11):
            with Daemon("--no-cache") as daemon, daemon.connect() as connection:
                connection.compile(path, cfile=cfile, python=version)
        return read(cfile), run.stderr


class Parameters(Case):
    # Has what optimize and -W options bear on: a docstring, an assertion, a warning.
    SOURCE = "'doc'\nassert x\nif x is 1:\n    pass\n"

    def values(self, param):
        schema = param["schema"]
        if "enum" in schema:
            return schema["enum"]
        if schema["type"] == "boolean":
            return [False, True]
        if schema["type"] == "integer":
            few = [schema["minimum"] + i for i in range(5)]
            return few if param["name"] != "timeout_ms" else [0, schema["maximum"]]
        if schema["type"] == "array":
            return [[], ["ignore"], ["error"], ["ignore:::other"], [""]]
        return ["", self.folder + "/other.py", "__main__.py", "other", "x = 1\n"]

    def said(self, answer):
        """All that a client sees of a compile, but for how the outcome came about."""
        if "error" in answer:
            return answer["error"]
        result = {key: value for key, value in answer["result"].items() if key not in ("outcome", "elapsed_us", "trace")}
        if result["cfile"] and os.path.exists(os.path.join(self.folder, result["cfile"])):
            path = os.path.join(self.folder, result["cfile"])
            result["bytes"] = read(path)
            os.unlink(path)
        return result

    def check_parameter(self, connection, base, param, value):
        request = dict(base, **{param["name"]: value})
        self.said(connection.call("compile", dict(base, force=True)))  # in the cache now
        cached = self.said(connection.call("compile", request))
        plain = self.said(connection.call("compile", dict(request, cache="bypass")))
        self.assertEqual(cached, plain, (param["name"], value))

    @on_every_version
    def test_no_request_gets_the_outcome_of_another(self, version, python):
        """Each parameter that the protocol has: what the cache answers is what is compiled without it."""
        with self.daemon() as daemon, daemon.connect() as connection:
            methods = {method["name"]: method for method in connection.call("rpc.discover")["result"]["methods"]}
            base = {"file": self.write(version + "/a.py", self.SOURCE), "cwd": self.folder, "python": version}
            for param in methods["compile"]["params"]:
                if param["name"] in ("file", "cwd", "python"):
                    continue
                for value in self.values(param):
                    if (param["name"], value) == ("cfile", ""):
                        continue  # an OSError that names a temporary file
                    self.check_parameter(connection, base, param, value)
            self.assertGreater(connection.call("status")["result"]["cache"]["hits"], 0)


class Hits(Case):
    def check_hit(self, version, python, connection, path):
        result = connection.compile(path, python=version)["result"]
        self.assertEqual(result["outcome"], "cached", path)
        wanted, said = self.fresh(version, python, path)
        self.assertEqual(read(result["cfile"]), wanted, path)
        texts = "".join(item["text"] for item in result["warnings"])
        self.assertEqual(texts.encode("utf-8", "backslashreplace"), said)

    @on_every_version
    def test_other_paths(self, version, python):
        with self.daemon() as daemon, daemon.connect() as connection:
            for name, data in SOURCES.items():
                first = connection.compile(self.write("%s/first/%s" % (version, name), data), python=version)
                self.assertEqual(outcome(first), "compiled")
                for other in [name, *NAMES]:
                    path = self.write(os.path.join(version, "again", os.path.basename(name), other), data)
                    self.check_hit(version, python, connection, path)
            status = connection.call("status")["result"]["cache"]
            hits = len(SOURCES) * (len(NAMES) + 1)
            self.assertEqual((status["folder"], status["hits"], status["misses"]), (self.cache, hits, len(SOURCES)))
            self.assertGreater(status["bytes"], 0)

    @on_every_version
    def test_levels_and_headers(self, version, python):
        script = "import sys, py_compile as p; p.compile(sys.argv[1], sys.argv[2], invalidation_mode=" \
                 "p.PycInvalidationMode[sys.argv[3].replace('-', '_').upper()], optimize=int(sys.argv[4]))"
        data = b"def f():\n    'doc'\n    assert f, __debug__\n" + version.encode()
        with self.daemon() as daemon, daemon.connect() as connection:
            for optimize in (0, 1, 2):
                path = self.write("levels/%d.py" % optimize, data)
                self.assertEqual(outcome(connection.compile(path, python=version, optimize=optimize)), "compiled")
            for optimize in (0, 1, 2):
                for mode in ("timestamp", "checked-hash", "unchecked-hash"):
                    path, cfile = self.write("moved/%d%s.py" % (optimize, mode), data), os.path.join(self.folder, "c.pyc")
                    answer = connection.compile(path, python=version, cfile=cfile, optimize=optimize, invalidation_mode=mode)
                    self.assertEqual(outcome(answer), "cached")
                    subprocess.run([python, "-I", "-c", script, path, cfile + "2", mode, str(optimize)], check=True)
                    wanted = read(cfile + "2")
                    self.assertEqual(read(cfile)[:16], wanted[:16])
                    if e2e.version_tuple(version) >= (3, 11):
                        self.assertEqual(read(cfile), wanted)

    def test_a_name_that_is_a_constant_too(self):
        data = b"x = '/build/a.py', 'self'\ny = '/build/b.py'\n"
        with self.daemon() as daemon, daemon.connect() as connection:
            for version in e2e.hosts():
                def compile_as(file, dfile, version=version):
                    return outcome(connection.compile(self.write(file, data), dfile=dfile, python=version))
                self.assertEqual(compile_as("a.py", "/build/a.py"), "compiled")
                self.assertEqual(compile_as("b.py", "/build/a.py"), "cached")
                self.assertEqual(compile_as("c.py", "/build/c.py"), "cached")
                self.assertEqual(compile_as("d.py", "/build/b.py"), "compiled")
                self.assertEqual(compile_as("e.py", "/build/b.py"), "cached")
                self.assertEqual(compile_as("f.py", "self"), "compiled")
                self.assertEqual(compile_as("g.py", "self"), "cached")
                for name in ("/build/a.py", "/build/b.py", "/build/c.py", "self"):
                    cfile = os.path.join(self.folder, "c.pyc")
                    wanted = [connection.compile(self.write("h.py", data), dfile=name, cfile=cfile, cache=use, python=version)
                              and read(cfile)[16:] for use in ("bypass", "use", "use")]
                    self.assertEqual(wanted[1:], wanted[:2], name)

    def test_warning_filters(self):
        with self.daemon() as daemon, daemon.connect() as connection:
            for version in e2e.hosts():
                data = SOURCES["warns.py"] + version.encode()
                paths = [self.write("%s/%d.py" % (version, i), data) for i in range(9)]
                def compile_with(*options, path=paths[8], version=version):
                    return connection.compile(path, python=version, warnings=list(options))
                self.assertEqual(outcome(compile_with(path=paths[0])), "compiled")
                for path in paths[1:3]:
                    self.assertEqual(outcome(compile_with(path=path)), "cached")
                for _ in range(2):
                    self.assertEqual(compile_with("error")["error"]["code"], -32001)
                self.assertEqual(compile_with("ignore")["result"]["warnings"], [])
                again = compile_with("ignore", path=paths[3])
                self.assertEqual((outcome(again), again["result"]["warnings"]), ("cached", []))
                self.assertEqual(compile_with("error")["error"]["code"], -32001)
                # A filter for one module is a filter for one path.
                module = "ignore:::" + paths[4][:-3]
                self.assertEqual(compile_with("default", module, path=paths[4])["result"]["warnings"], [])
                self.assertNotEqual(compile_with("default", module, path=paths[5])["result"]["warnings"], [])
                again = compile_with("default", module, path=paths[4])
                self.assertEqual((outcome(again), again["result"]["warnings"]), ("cached", []))

    def test_stats_are_not_late(self):
        """pycompilectl sees hits and misses a moment after the last of them, and a busy worker does not wait for that."""
        with self.daemon("--workers", "2") as daemon, daemon.connect() as connection:
            path = self.write("a.py", "x = 1\n")
            self.assertEqual(outcome(connection.compile(path)), "compiled")
            for _ in range(20):
                self.assertEqual(outcome(connection.compile(path)), "cached")
            start = time.monotonic()
            while (stats := self.stats())["hits"] < 20:
                self.assertLess(time.monotonic() - start, 5, stats)
            self.assertEqual((stats["hits"], stats["misses"]), (20, 1))

    def test_bypass_and_refresh(self):
        with self.daemon() as daemon, daemon.connect() as connection:
            path = self.write("a.py", "x = 1\n")
            for use, wanted, stored in (("bypass", "compiled", 0), ("use", "compiled", 1), ("use", "cached", 1),
                                        ("bypass", "compiled", 1), ("refresh", "compiled", 2), ("use", "cached", 2)):
                self.assertEqual(outcome(connection.compile(path, cache=use)), wanted)
                self.assertEqual(self.stats()["stored"], stored)
            self.assertEqual(connection.compile(path, cache="no")["error"]["code"], -32602)
            # Texts and checks neither read nor write the cache.
            self.assertEqual(outcome(connection.compile(path, source="x = 1\n")), "compiled")
            self.assertEqual(outcome(connection.call("check", {"file": path})), "checked")

    def test_a_file_that_cannot_be_written(self):
        with self.daemon() as daemon, daemon.connect() as connection:
            path = self.write("a.py", SOURCES["warns.py"])
            shown = {"warnings": ["default"]}
            self.assertEqual(outcome(connection.compile(path, **shown)), "compiled")
            for use in ("use", "bypass"):
                error = connection.compile(path, cfile="/dev/null/a.pyc", cache=use, **shown)["error"]
                self.assertEqual((error["code"], error["data"]["type"]), (-32002, "NotADirectoryError"))
                self.assertEqual(len(error["data"]["warnings"]), 2)
            self.assertEqual(connection.compile(path, cfile=self.write("s", ""), **shown)["result"]["outcome"], "cached")
            os.symlink("s", os.path.join(self.folder, "link"))
            answer = connection.compile(path, cfile=os.path.join(self.folder, "link"), **shown)
            self.assertEqual(answer["error"]["data"]["type"], "FileExistsError")

    def test_clients(self):
        with self.daemon() as daemon:
            environment = dict(daemon.environment, PYCOMPILED_AUTOSTART="0")
            path = self.write("src/a.py", "x = 1\n")

            def run(*args, **more):
                out = subprocess.run([*args], env=dict(environment, **more), cwd=self.folder, stdout=subprocess.PIPE, check=True)
                return json.loads(out.stdout.splitlines()[0])["result"]["outcome"]
            for tool in ([e2e.CLIENT, "--json", path], [e2e.COMPILEALL, "-f", "--json", os.path.dirname(path)]):
                run(*tool)
                self.assertEqual(run(*tool), "cached")
                self.assertEqual(run(*tool, "--no-cache"), "compiled")
                self.assertEqual(run(*tool, "--recache"), "compiled")
                self.assertEqual(run(*tool, PYCOMPILE_CACHE="bypass"), "compiled")
                self.assertEqual(run(*tool, PYCOMPILE_CACHE="nonsense"), "cached")


class WithoutInterpreter(Case):
    """A host without a server, asked through its sockets."""

    @contextlib.contextmanager
    def host(self, program):
        pairs = [socket.socketpair() for _ in range(2)]
        for _, peer in pairs:
            os.set_inheritable(peer.fileno(), True)
        fds = [peer.fileno() for _, peer in pairs]
        process = subprocess.Popen([program, "--control=%d" % fds[0], "--workers=%d-%d" % (fds[1], fds[1]),
                                    "--cache=" + self.cache], pass_fds=fds)
        for _, peer in pairs:
            peer.close()
        with pairs[0][0] as control, pairs[1][0] as worker, worker.makefile("rb") as file:
            control.settimeout(e2e.DEADLINE)
            worker.settimeout(e2e.DEADLINE)

            def call(number, path):
                data = json.dumps({"jsonrpc": "2.0", "id": number, "method": "compile", "params": {"file": path}}).encode()
                worker.sendall(b"Content-Length: %d\r\n\r\n" % len(data) + data)
                length = int(file.readline().split(b":")[1])
                file.readline()
                return json.loads(file.read(length))
            yield control, call
            control.shutdown(socket.SHUT_RDWR)
        self.assertEqual(process.wait(e2e.DEADLINE), 0)

    def test_hit(self):
        for version, program in e2e.hosts().items():
            path, other = self.write("a.py", "x = %s\n" % version), self.write("b.py", "y = %s\n" % version)
            with self.daemon() as daemon, daemon.connect() as connection:
                self.assertEqual(outcome(connection.compile(path, python=version)), "compiled")
            with self.host(program) as (control, call):
                self.assertEqual(outcome(call(1, path)), "cached")
                if e2e.version_tuple(version) < (3, 12):  # later versions have several interpreters, and the first one comes up anyway
                    self.assertNotIn(b'"ready"', control.recv(1 << 16, socket.MSG_PEEK))
                self.assertEqual(outcome(call(2, other)), "compiled")
                self.assertIn(b'"ready"', control.recv(1 << 16))


class Shared(Case):
    def test_two_daemons(self):
        with self.daemon() as one, self.daemon() as two, one.connect() as first, two.connect() as second:
            for i in range(50):
                path = self.write("%d.py" % i, "x = %d\n" % i)
                asked, other = (first, second) if i % 2 else (second, first)
                self.assertEqual(outcome(asked.compile(path)), "compiled")
                self.assertEqual(outcome(other.compile(path)), "cached")

    def test_several_workers(self):
        """An entry of which one worker has answered is found by every other."""
        with self.daemon("--workers", "4") as daemon, daemon.connect() as connection:
            for version in e2e.hosts():
                files = [self.write("%d.py" % i, "x = %d, %s\n" % (i, version)) for i in range(100)]
                for wanted in ("compiled", "cached"):
                    asked = {connection.request("compile", {"file": file, "python": version}) for file in files}
                    answers = [connection.receive() for _ in asked]
                    self.assertEqual({outcome(answer) for answer in answers}, {wanted})

    def test_another_format_is_left_alone(self):
        other = self.write("cache/v0-le64/store", "of another version")
        with self.daemon() as daemon, daemon.connect() as connection:
            connection.compile(self.write("a.py", "x = 1\n"))
        self.ctl("clear")
        self.assertEqual(read(other), b"of another version")


class Trouble(Case):
    def store(self):
        (path,) = glob.glob(os.path.join(self.cache, "v*", "store"))
        return path

    def test_a_damaged_entry(self):
        mark = b"a-constant-that-is-nowhere-else"
        with self.daemon() as daemon, daemon.connect() as connection:
            path = self.write("a.py", b"x = '%s'\n" % mark)
            connection.compile(path)
            wanted = read(connection.compile(path)["result"]["cfile"])
            place = read(self.store()).index(mark)
            with open(self.store(), "r+b") as file:
                file.seek(place)
                file.write(b"A")
            answer = connection.compile(path)
            self.assertEqual((outcome(answer), read(answer["result"]["cfile"])), ("compiled", wanted))
            self.assertEqual(self.stats()["damaged"], 1)
            self.assertEqual(outcome(connection.compile(path)), "cached")
        data = read(self.store())
        with open(self.store(), "r+b") as file:
            start = -1
            while (start := data.find(mark, start + 1)) >= 0:
                file.seek(start)
                file.write(b"A")
        self.assertIn(b"1 damaged", self.ctl("verify", status=1))
        self.assertIn(b"0 damaged", self.ctl("verify"))

    def test_garbage(self):
        with self.daemon() as daemon, daemon.connect() as connection:
            path = self.write("a.py", "x = 1\n")
            connection.compile(path)
        with open(self.store(), "r+b") as file:
            file.write(os.urandom(os.path.getsize(self.store())))
        with self.daemon() as daemon, daemon.connect() as connection:
            self.assertEqual(outcome(connection.compile(path)), "compiled")
            self.assertEqual(outcome(connection.compile(path)), "cached")

    def test_removed_while_used(self):
        with self.daemon() as daemon, daemon.connect() as connection:
            path = self.write("a.py", "x = 1\n")
            for _ in range(3):
                self.assertEqual(outcome(connection.compile(path)), "compiled")
                self.assertEqual(outcome(connection.compile(path)), "cached")
                self.ctl("clear")

    def test_a_folder_that_cannot_be(self):
        self.write("cache", "not a folder")
        with self.daemon() as daemon, daemon.connect() as connection:
            for version in e2e.hosts():
                path = self.write("a.py", "x = %s\n" % version)
                for _ in range(2):
                    self.assertEqual(outcome(connection.compile(path, python=version)), "compiled")
            self.assertIsNone(connection.call("status")["result"]["cache"])
            self.assertEqual(daemon.read_log().count("without the cache"), 1)
        self.ctl("stats", status=1)

    def test_a_folder_that_others_may_write_to(self):
        os.mkdir(self.cache)
        os.chmod(self.cache, 0o777)
        with self.daemon() as daemon, daemon.connect() as connection:
            self.assertEqual(outcome(connection.compile(self.write("a.py", "x = 1\n"))), "compiled")
            self.assertIn("may be written to by other users", daemon.read_log())

    def test_a_full_disk(self):
        """A limit on the size of files, which fails like a full disk."""
        with self.daemon("--workers", "1") as daemon, daemon.connect() as connection:
            files = [self.write("%d.py" % i, "x = %r\n" % os.urandom(5000)) for i in range(60)]
            connection.compile(files[0])
            for pid in daemon.pids():
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (100 << 10, 100 << 10))
            for file in files * 2:
                self.assertIn(outcome(connection.compile(file)), ("compiled", "cached"))
            self.assertEqual(daemon.read_log().count("cache cannot be written to"), 1)
            self.assertEqual(daemon.status()["counters"]["crashes"], 0)
        self.assertIn(b"0 damaged", self.ctl("verify"))

    def test_limit(self):
        with self.daemon("--cache-limit", "16", "--workers", "1") as daemon, daemon.connect() as connection:
            files = [self.write("%d.py" % i, "x = '%s'\n" % os.urandom(150000).hex()) for i in range(80)]
            for file in files:
                self.assertEqual(outcome(connection.compile(file)), "compiled")
            stats = self.stats()
            self.assertEqual(stats["limit"], 16 << 20)
            self.assertLessEqual(stats["file_bytes"], 16 << 20)
            self.assertGreater(stats["evicted"], 0)
            again = {outcome(connection.compile(file)) for file in files}  # entries of the same hour leave in any order
            self.assertEqual(again, {"cached", "compiled"})
        self.ctl("limit", "8M", status=1)
        self.ctl("limit", "32M")
        self.assertEqual(self.stats()["limit"], 32 << 20)

    def test_hits_do_not_wait_for_a_compile(self):
        """Answers to hits are sent together, but before an interpreter is used: a job that crashes it is not blamed on them."""
        files = [self.write("%d.py" % i, "x = %d\n" % i) for i in range(6)]
        slow = self.write("slow.py", b"a = 1\n" * 250000)
        with self.daemon("--workers", "1") as daemon, daemon.connect() as connection:
            for _ in range(5):  # so that the worker is known to be fast, and gets many jobs at once
                for file in files:
                    connection.compile(file)
            for file in [*files, slow]:
                connection.request("compile", {"file": file})
            for _ in files:
                self.assertEqual(outcome(connection.receive()), "cached")
            self.assertEqual(daemon.status()["jobs"], 1)
            os.kill(daemon.pids()[0], signal.SIGKILL)
            self.assertEqual(outcome(connection.receive()), "compiled")

    def test_killed_while_writing(self):
        """Kills a whole daemon at any moment: every .pyc is then whole, and every answer of the cache is right."""
        files = [self.write("%d.py" % i, "def f%d(): return %r\n" % (i, "x" * (i * 40))) for i in range(KILL_FILES)]
        version = next(iter(e2e.hosts()))
        chosen = random.Random(7)
        with self.daemon("--no-cache") as daemon, daemon.connect() as connection:
            wanted = [read(connection.compile(file, python=version)["result"]["cfile"]) for file in files]
        for _ in range(KILLS):
            with self.daemon("--workers", "2") as daemon, daemon.connect() as connection:
                for i in chosen.sample(range(len(files)), len(files)):
                    connection.request("compile", {"file": files[i], "python": version,
                                                   "cache": chosen.choice(["use", "refresh"])})
                for _ in range(chosen.randrange(len(files))):
                    self.assertIn("result", connection.receive())
                for pid in [daemon.process.pid, *daemon_hosts(daemon.process.pid)]:
                    os.kill(pid, signal.SIGKILL)
                daemon.process.wait()
            self.assertIn(b" 0 damaged", self.ctl("verify"))
            with self.daemon() as daemon, daemon.connect() as connection:
                for i in chosen.sample(range(len(files)), 40):
                    self.assertEqual(read(connection.compile(files[i], python=version)["result"]["cfile"]), wanted[i])
        self.assertGreater(self.stats()["hits"], 0)


class Damage(Case):
    """A file of the store in any state, met by hosts that have it open, by hosts that open it, and by pycompilectl."""

    def setUp(self):
        super().setUp()
        self.random = random.Random(int(os.environ.get("PYCOMPILED_CACHE_SEED", "5")))
        self.files = [self.write("%d.py" % i, "def f%d():\n    return %r\n" % (i, "abc" * (i * i * 40))) for i in range(6)]
        self.files += [self.write("broken%d.py" % i, "x = %r\ny = 1 is 1\nreturn\n" % ("abc" * i * 50)) for i in range(3)]
        self.slowest = 0
        self.limit = 1 if "PYCOMPILED_CACHE_DAMAGES" in os.environ else 5  # seconds; the short run is for busy machines too

    def compile_all(self, connection):
        """All of the files at once: each answer right, and soon. Returns how many were cached."""
        start, cached = time.monotonic(), 0
        asked = {connection.request("compile", {"file": file}): file for file in self.files}
        while asked:
            answer = connection.receive()
            self.slowest = max(self.slowest, time.monotonic() - start)
            hit, told = self.said(answer)
            cached += hit
            self.assertEqual(told, self.wanted[asked.pop(answer["id"])])
        return cached

    def said(self, answer):
        """Whether the cache had it, and the code or the error."""
        if "result" in answer:
            return outcome(answer) == "cached", read(answer["result"]["cfile"])[16:]
        self.assertEqual(answer["error"]["code"], -32001)
        return answer["error"]["data"].pop("cached", False), answer["error"]

    def look(self, number):
        """What a person would do; each works on every store."""
        start = time.monotonic()
        words = ("stats", "verify", "clear", "--json stats", "limit 17M", "limit 16M")[number % 6].split()
        run = subprocess.run([e2e.CTL, "cache", "--dir", self.cache, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertIn(run.returncode, (0, 1) if words == ["verify"] else (0,), run.stdout)
        self.slowest = max(self.slowest, time.monotonic() - start)

    def run_damages(self, count, damage):
        with self.daemon("--no-cache") as daemon, daemon.connect() as connection:
            self.wanted = {file: self.said(connection.compile(file))[1] for file in self.files}
        with self.daemon("--workers", "2", "--cache-limit", "16") as daemon, daemon.connect() as connection:
            self.compile_all(connection)
            self.assertEqual(self.compile_all(connection), len(self.files))
            (store,) = glob.glob(os.path.join(self.cache, "v*", "store"))
            image, hits = read(store), 0
            for i in range(count):
                data = damage(image, self.random) if i else store_damage.put(image, 41, b"\0")
                if i % 2:  # while it is open
                    with open(store, "r+b" if os.path.exists(store) else "wb") as file:
                        file.write(data)
                        file.truncate()
                else:  # for those that open it
                    self.write(os.path.relpath(store + ".other", self.folder), data)
                    os.replace(store + ".other", store)
                if i % 16 == 3:
                    self.look(i // 16)
                hits += self.compile_all(connection)
                if i % 16 == 11:
                    self.look(i // 16)
                if i % 8 == 7:
                    self.assertGreater(self.compile_all(connection), 0)
            self.assertEqual(daemon.status()["counters"]["crashes"], 0)
        print("%d damages: %d of %d answers cached, the slowest after %.3f s" % (count, hits, count * len(self.files), self.slowest))
        self.assertGreater(hits, 0)
        self.assertLess(self.slowest, self.limit)

    def test_at_random(self):
        self.run_damages(RANDOM_DAMAGES, store_damage.at_random)

    def test_crafted(self):
        self.run_damages(CRAFTED_DAMAGES, store_damage.crafted)

    def test_something_else_in_its_place(self):
        with self.daemon("--no-cache") as daemon, daemon.connect() as connection:
            self.wanted = {file: self.said(connection.compile(file))[1] for file in self.files}
        self.ctl("stats")
        (store,) = glob.glob(os.path.join(self.cache, "v*", "store"))
        with self.daemon("--workers", "2") as daemon, daemon.connect() as connection:
            for number, _ in enumerate(store_damage.other_things(store)):
                self.look(number)
                self.compile_all(connection)
                self.assertEqual(self.compile_all(connection), len(self.files))
            self.assertEqual(daemon.status()["counters"]["crashes"], 0)

    def test_a_process_that_was_stopped_in_the_store(self):
        """It keeps the lock: others compile, find what is there, and may clear it."""
        with self.daemon("--no-cache") as daemon, daemon.connect() as connection:
            self.wanted = {file: self.said(connection.compile(file))[1] for file in self.files}
        with self.daemon("--workers", "2") as daemon, daemon.connect() as connection:
            self.compile_all(connection)
            (store,) = glob.glob(os.path.join(self.cache, "v*", "store"))
            folder = os.open(os.path.dirname(store), os.O_RDONLY)
            self.addCleanup(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_EX)
            self.assertEqual(self.compile_all(connection), len(self.files))
            for i in range(20):
                self.assertEqual(outcome(connection.compile(self.write("new%d.py" % i, "x = %d\n" % i))), "compiled")
            for number in range(3):
                self.look(number)
            self.compile_all(connection)
            fcntl.flock(folder, fcntl.LOCK_UN)
            self.assertLess(self.slowest, self.limit)


def daemon_hosts(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


if __name__ == "__main__":
    e2e.main()
