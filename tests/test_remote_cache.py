"""The remote tier of the cache: with a real server, and with servers that are dead, slow, full or hostile."""
import os
import shutil
import subprocess
import tempfile
import time
import unittest

import e2e_support as e2e
from redis_support import Impostor, Redis, find_program, free_port, read_reply
from test_cache import NAMES, SOURCES

SECRET = "a secret of thirty-two characters"
EXACT = b"# coding: utf-7\nx = 1 is 1\n"  # for a pristine process


def has_server():
    with tempfile.TemporaryDirectory() as folder:
        return find_program(folder) is not None


def status_of(daemon):
    return daemon.status()["cache"]["remote"]


def wait_for(daemon, **wanted):
    """Waits until the counts have these values; entries are stored in the background."""
    end = time.monotonic() + e2e.DEADLINE
    while (now := status_of(daemon)) | wanted != now:
        assert time.monotonic() < end, (now, wanted)
        time.sleep(0.005)


def peak_kib(pid):
    """The largest resident size that a process has had."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def answer_no_store(connection, file):
    """A server that has nothing, and never answers a store."""
    while True:
        if read_reply(file)[0] == b"GET":
            connection.sendall(b"$-1\r\n")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.count = 0

    def write(self, name, data):
        return e2e.write_file(self.folder, name, data)

    def new_file(self):
        """A source that was not compiled before."""
        self.count += 1
        return self.write("new/%d.py" % self.count, b"x = 'file %d'\n" % self.count)

    def daemon(self, url, *options, secret=SECRET, **environment):
        """A daemon with its own local cache."""
        return e2e.Daemon("--workers", "2", *options, environment={
            "PYCOMPILED_REMOTE_CACHE": url, "PYCOMPILED_REMOTE_SECRET": secret, **environment})

    def compile_new(self, daemon, count):
        """Compiles that many new files at once."""
        with daemon.connect() as connection:
            ids = {connection.request("compile", {"file": self.new_file()}) for _ in range(count)}
            while ids:
                answer = connection.receive()
                self.assertEqual(answer["result"]["outcome"], "compiled")
                ids.discard(answer["id"])


@unittest.skipUnless(has_server(), "neither Redis nor Valkey is installed")
class WithServer(Case):
    def compile_all(self, daemon, folder, version):
        """The outcomes and the .pyc files of SOURCES, each at its own place below the folder."""
        found = {}
        with daemon.connect() as connection:
            for (name, data), place in zip([*SOURCES.items(), ("exact.py", EXACT)], NAMES + ["h.py"]):
                path = self.write(os.path.join(folder, version, name, place), data)
                result = connection.compile(path, python=version)["result"]
                with open(result["cfile"], "rb") as file:
                    found[name] = result["outcome"], path, file.read()[16:], len(result["warnings"])
        return found

    def test_two_daemons(self):
        """Each has its own cache. A source that one has compiled the other does not compile; it writes a fresh compile's bytes."""
        with Redis() as redis, self.daemon(redis.url) as first, self.daemon(redis.url) as second:
            for number, version in enumerate(e2e.hosts(), 1):
                count = len(SOURCES) + 1
                ones = self.compile_all(first, "one", version)
                wait_for(first, stored=number * count, away=False, failures=0, dropped=0)
                twos = self.compile_all(second, "a/longer/name/of/two", version)
                for name, (outcome, _, _, warnings) in twos.items():
                    self.assertEqual((ones[name][0], outcome), ("compiled", "cached"), (version, name))
                    self.assertEqual(warnings, ones[name][3], (version, name))
                with second.connect() as connection:
                    for name, (_, path, code, _) in twos.items():
                        result = connection.compile(path, python=version, cache="bypass")["result"]
                        with open(result["cfile"], "rb") as file:
                            self.assertEqual(file.read()[16:], code, (version, name))
                again = self.compile_all(second, "again", version)  # from its own cache
                self.assertEqual({entry[0] for entry in again.values()}, {"cached"})
                wait_for(second, hits=number * count, misses=0, stored=0)
            self.assertEqual(redis.call("DBSIZE"), len(e2e.hosts()) * count)
            self.assertGreater(first.status()["counters"]["exact"], 0)

    def test_errors(self):
        """One daemon's errors are known to the other, under another name; one that was changed is refused."""
        source = b"x = 1 is 1\n\nx = (\n"
        with Redis() as redis:
            for number, version in enumerate(e2e.hosts(), 1):
                one, two = self.write(version + "/one.py", source), self.write(version + "/a/longer/name.py", source)
                with self.daemon(redis.url) as daemon, daemon.connect() as connection:
                    self.assertNotIn("cached", connection.compile(one, python=version)["error"]["data"])
                    wait_for(daemon, stored=1)
                    wanted = connection.compile(two, python=version, cache="bypass")["error"]
                with self.daemon(redis.url) as daemon, daemon.connect() as connection:
                    error = connection.compile(two, python=version)["error"]
                    self.assertTrue(error["data"].pop("cached"))
                    self.assertEqual(error, wanted)
                self.assertEqual(redis.call("DBSIZE"), number)
            for key in redis.call("KEYS", "*"):
                value = redis.call("GET", key)
                redis.call("SET", key, value.replace(b"line 3", b"line 4"))
            with self.daemon(redis.url) as daemon, daemon.connect() as connection:
                error = connection.compile(two, python=version)["error"]
                self.assertEqual(error, wanted)
                wait_for(daemon, refused=1)

    def test_stored_before_the_daemon_leaves(self):
        with Redis() as redis:
            with self.daemon(redis.url) as daemon:
                self.compile_new(daemon, 50)
            self.assertEqual(redis.call("DBSIZE"), 50)

    def test_what_others_have_written(self):
        """Bytes that were changed, cut off, taken from another entry, made up: all are refused, and the files compiled."""
        def swap(values):
            return values[1:] + values[:1]
        changes = [
            lambda values: [value[:40] + bytes([value[40] ^ 1]) + value[41:] for value in values],
            lambda values: [bytes([value[0] ^ 1]) + value[1:] for value in values],
            lambda values: [value[:-1] for value in values],
            lambda values: [value[:10] for value in values],
            lambda values: [b"" for value in values],
            swap,
        ]
        with Redis() as redis:
            for change in changes:
                redis.call("FLUSHALL")
                paths = [self.new_file() for _ in range(5)]
                with self.daemon(redis.url) as daemon:
                    self.compile_paths(daemon, paths, "compiled")
                keys = sorted(redis.call("KEYS", "*"))
                self.assertEqual(len(keys), 5)
                values = [redis.call("GET", key) for key in keys]
                for key, value in zip(keys, change(values)):
                    redis.call("SET", key, value)
                with self.daemon(redis.url) as daemon:
                    self.compile_paths(daemon, paths, "compiled")
                    wait_for(daemon, refused=5, hits=0, stored=5)
                with self.daemon(redis.url) as daemon:  # and put right
                    self.compile_paths(daemon, paths, "cached")

    def compile_paths(self, daemon, paths, outcome, **params):
        with daemon.connect() as connection:
            for path in paths:
                self.assertEqual(connection.compile(path, **params)["result"]["outcome"], outcome)

    def test_another_secret(self):
        """Neither sees or overwrites the other's entries."""
        path = self.new_file()
        with Redis() as redis:
            for secret in (SECRET, SECRET + "2"):
                with self.daemon(redis.url, secret=secret) as daemon:
                    self.compile_paths(daemon, [path], "compiled")
                    wait_for(daemon, stored=1, refused=0)
            self.assertEqual(redis.call("DBSIZE"), 2)
            for secret in (SECRET, SECRET + "2"):
                with self.daemon(redis.url, secret=secret) as daemon:
                    self.compile_paths(daemon, [path], "cached")

    def test_no_source_in_sight(self):
        """Names do not show what was compiled to a person who can read the server and does not have the secret."""
        path = self.write("a.py", b"x = 1\n")
        with Redis() as redis, Redis() as other:
            for server, secret in ((redis, SECRET), (other, SECRET[::-1])):
                with self.daemon(server.url, secret=secret) as daemon:
                    self.compile_paths(daemon, [path], "compiled")
            self.assertNotEqual(redis.call("KEYS", "*"), other.call("KEYS", "*"))

    def test_bypass_and_refresh(self):
        paths = [self.new_file() for _ in range(2)]
        with Redis() as redis:
            with self.daemon(redis.url) as daemon:
                self.compile_paths(daemon, paths, "compiled", cache="bypass")
                wait_for(daemon, stored=0, misses=0)
                self.compile_paths(daemon, paths, "compiled", cache="refresh")
                wait_for(daemon, stored=2, misses=0)
            with self.daemon(redis.url) as daemon:
                self.compile_paths(daemon, paths, "cached")

    def test_read_only(self):
        path = self.new_file()
        with Redis() as redis, self.daemon(redis.url) as writer, self.daemon(redis.url, "--remote-read-only") as reader:
            self.compile_paths(reader, [path], "compiled")
            self.compile_paths(writer, [path], "compiled")
            wait_for(writer, stored=1)
            wait_for(reader, stored=0, dropped=0, misses=1)
            path = self.new_file()
            self.compile_paths(writer, [path], "compiled")
            wait_for(writer, stored=2)
            self.compile_paths(reader, [path], "cached")

    def test_full(self):
        """The server takes nothing more: the daemon goes on asking it."""
        with Redis("--maxmemory", "1") as redis, self.daemon(redis.url) as daemon:
            self.compile_new(daemon, 20)
            wait_for(daemon, dropped=20, stored=0, misses=20, away=False, failures=0)
            redis.call("CONFIG", "SET", "maxmemory", "0")
            self.compile_new(daemon, 20)
            wait_for(daemon, dropped=20, stored=20, misses=40)

    def test_idle_connections_are_closed(self):
        with Redis() as redis, self.daemon(redis.url) as daemon:
            for stored in (5, 10, 15):
                self.compile_new(daemon, 5)
                wait_for(daemon, stored=stored, away=False, failures=0)
                redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def test_passwords_and_databases(self):
        user = ["--user", "farm", "on", ">secret/@word", "~*", "&*", "+@all"]
        with Redis("--requirepass", "other word", *user) as redis:
            for where, db in ((":other%20word@", 0), ("farm:secret%2F%40word@", 3)):
                path = self.new_file()
                url = redis.url.replace("//", "//" + where) + "?db=%d" % db
                for outcome in ("compiled", "cached"):
                    with self.daemon(url) as daemon:
                        self.compile_paths(daemon, [path], outcome)
                        self.assertNotIn("word", str(daemon.status()))
                        for pid in [daemon.process.pid, *daemon.pids()]:
                            with open("/proc/%d/cmdline" % pid, "rb") as file:
                                self.assertNotIn(b"word", file.read())
            for url in (redis.url, redis.url.replace("//", "//farm:wrong@"), redis.url.replace("//", "//:other%20word@") + "?db=99"):
                with self.daemon(url) as daemon:
                    self.compile_new(daemon, 20)
                    status = status_of(daemon)
                    self.assertEqual((status["away"], status["failures"], status["stored"]), (True, 1, 0), status)
                    log = daemon.read_log()
                    self.assertEqual(log.count("is left alone for 10 s"), 1, log)
                    self.assertRegex(log, "NOAUTH|WRONGPASS|DB index|database")
                    self.assertNotIn("wrong", log)

    def test_by_tcp(self):
        port = free_port()
        path = self.new_file()
        with Redis("--port", str(port), "--bind", "127.0.0.1") as redis:
            for host, outcome in (("127.0.0.1", "compiled"), ("localhost", "cached")):
                with self.daemon("redis://%s:%d/" % (host, port)) as daemon:
                    self.compile_paths(daemon, [path], outcome)
            self.assertEqual(redis.call("DBSIZE"), 1)

    def certificate(self, *, name):
        """A self-signed certificate: (file, file of its key)."""
        names = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name, "-out", names[0], "-keyout", names[1]],
                       check=True, stderr=subprocess.DEVNULL)
        return names

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate with")
    def test_tls(self):
        probe = subprocess.run([e2e.DAEMON], env={**os.environ, "PYCOMPILED_REMOTE_CACHE": "rediss://x",
                                                  "PYCOMPILED_REMOTE_SECRET": "short"}, stderr=subprocess.PIPE)
        if b"without TLS" in probe.stderr:
            self.skipTest("hiredis has no TLS here")
        port = free_port()
        cert, key = self.certificate(name="localhost")
        path = self.new_file()
        with Redis("--tls-port", str(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert,
                   "--tls-auth-clients", "no"):
            for outcome in ("compiled", "cached"):
                with self.daemon("rediss://localhost:%d?ssl_ca_certs=%s" % (port, cert)) as daemon:
                    self.compile_paths(daemon, [path], outcome)
                    wait_for(daemon, away=False, failures=0)
            for url in ("rediss://127.0.0.1:%d?ssl_ca_certs=%s" % (port, cert), "rediss://localhost:%d" % port,
                        "rediss://localhost:%d?ssl_ca_certs=/no/such/file" % port):
                with self.daemon(url) as daemon:
                    self.compile_new(daemon, 1)
                    wait_for(daemon, away=True, failures=1, stored=0)
                    self.assertIn("cannot begin TLS", daemon.read_log())

    def test_comes_back(self):
        """The server was dead when the daemon started; ten seconds later it is asked again."""
        with Redis() as redis:
            redis.stop()
            os.unlink(redis.path)
            with self.daemon(redis.url) as daemon:
                self.compile_new(daemon, 10)
                self.assertTrue(status_of(daemon)["away"])
                redis.start()
                while status_of(daemon)["away"]:
                    self.compile_new(daemon, 1)
                    time.sleep(0.05)
                stored = status_of(daemon)["stored"]
                self.compile_new(daemon, 5)
                wait_for(daemon, stored=stored + 5, failures=1)


class WithoutServer(Case):
    def left_alone(self, url, *options, files=40, **environment):
        """Whatever the server does, every file is compiled, and the server is left alone. Returns the status and the log."""
        with self.daemon(url, *options, **environment) as daemon:
            self.compile_new(daemon, files)
            status = status_of(daemon)
            self.assertEqual((status["away"], status["failures"], status["hits"]), (True, 1, 0), status)
            self.compile_new(daemon, files)
            self.assertEqual(status_of(daemon)["misses"], status["misses"])
            log = daemon.read_log()
            self.assertEqual(log.count("is left alone for 10 s"), 1, log)
            return status, log

    def test_dead(self):
        for url in ("unix:///no/such/socket", "redis://127.0.0.1:%d" % free_port(), "redis://no-such-host.invalid",
                    "redis://%s" % ("x" * 300)):
            _, log = self.left_alone(url)
            self.assertIn("cannot connect", log)

    def test_silent(self):
        """The server takes the question and never answers: each worker waits once."""
        with Impostor(lambda connection, file: file.read()) as server:
            status, log = self.left_alone(server.url, "--remote-timeout", "50")
            self.assertLessEqual(status["misses"], 2)
            self.assertIn("no answer in time", log)

    def test_slow(self):
        """Its answers come later than compiling would take."""
        questions = []

        def answer(connection, file):
            while True:
                question = read_reply(file)[0]
                questions.append(question)
                time.sleep(0.05)
                connection.sendall(b"$-1\r\n" if question == b"GET" else b"+OK\r\n")
        with Impostor(answer) as server:
            _, log = self.left_alone(server.url, "--remote-timeout", "10000", files=200)
            self.assertIn("slower than compiling", log)
            self.assertLess(questions.count(b"GET"), 100)

    def test_a_slow_beginning(self):
        """The first answer on a connection comes late: its time is not lost with each lookup."""
        def answer(connection, file):
            read_reply(file)
            time.sleep(1)
            connection.sendall(b"$-1\r\n")
            answer_no_store(connection, file)
        with Impostor(answer) as server, self.daemon(server.url, "--remote-timeout", "30000") as daemon:
            self.compile_new(daemon, 4)
            wait_for(daemon, misses=4, away=False, failures=0)

    def test_asks_ahead(self):
        """A worker does not wait for an answer before it asks for its next files."""
        bursts = []

        def answer(connection, file):
            stream, done = b"", 0
            while data := connection.recv(1 << 16):
                stream += data
                asked = stream.count(b"\r\nGET\r\n") - done
                time.sleep(0.1)
                connection.sendall(b"$-1\r\n" * asked)
                done += asked
                bursts.append(asked)
        with Impostor(answer) as server, self.daemon(server.url, "--remote-timeout", "10000", "--remote-read-only") as daemon:
            self.compile_new(daemon, 40)
            self.assertGreaterEqual(max(bursts), 4, bursts)

    def test_drops(self):
        """It sends a byte now and then, and never a whole answer."""
        def answer(connection, file):
            file.readline()
            while True:
                connection.sendall(b"$")
                time.sleep(0.02)
        with Impostor(answer) as server:
            self.left_alone(server.url, "--remote-timeout", "100")

    def test_nonsense(self):
        def flood(connection):
            while True:
                connection.sendall(b"x" * 65536)
        for nonsense in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 1000, b"$-5\r\n", b"*3\r\n:1\r\n", b":12\r\n",
                         b"$99999999999999999999\r\n", b"*1000000000\r\n", b"-ERR no\r\n", b""):
            def answer(connection, file, nonsense=nonsense):
                file.readline()
                connection.sendall(nonsense)
                if nonsense.startswith(b"$999"):
                    flood(connection)
            with Impostor(answer) as server:
                self.left_alone(server.url, "--remote-timeout", "200", files=10)

    def test_endless_value(self):
        """A value that announces a gigabyte is not taken into memory."""
        def answer(connection, file):
            file.readline()
            connection.sendall(b"$1000000000\r\n")
            for _ in range(20000):
                connection.sendall(b"x" * 50000)
        with Impostor(answer) as server, self.daemon(server.url, "--remote-timeout", "100000", "--workers", "1") as daemon:
            self.compile_new(daemon, 1)
            wait_for(daemon, away=True, failures=1)
            self.assertIn("too long", daemon.read_log())

    def test_endless_replies(self):
        """Whatever a SET is answered with, however long it goes on, a host keeps nothing of it: no array, no number, no line without an end."""
        for head, rest in ((b"*50000000\r\n", b"$1\r\nx\r\n" * 4096), (b"*1\r\n" * 4, b"*1\r\n" * 4096), (b"+", b"x" * 16384),
                           (b"-", b"x" * 16384), (b":", b"1" * 16384), (b"$1000000000\r\n", b"x" * 16384), (b"$1\r\nx\r\n", b"")):
            def answer(connection, file, head=head, rest=rest):
                while read_reply(file)[0] == b"GET":
                    connection.sendall(b"$-1\r\n")
                connection.sendall(head)
                for _ in range(8000 if rest else 0):  # 100 MB and more, if it were read
                    connection.sendall(rest)
            with self.subTest(head), Impostor(answer) as server, \
                    self.daemon(server.url, "--remote-timeout", "100000", "--workers", "1") as daemon:
                self.compile_new(daemon, 1)
                before = max(peak_kib(pid) for pid in daemon.pids())
                self.compile_new(daemon, 1)
                wait_for(daemon, away=True, failures=1, stored=0)
                self.assertLess(max(peak_kib(pid) for pid in daemon.pids()) - before, 4096)
                self.compile_new(daemon, 5)

    def test_its_words_in_the_log(self):
        """Cut, on one line, and without anything that a terminal obeys."""
        def answer(connection, file):
            read_reply(file)
            connection.sendall(b"-ERR \x1b[2J\x1b]0;title\x07 \xff\xc3\xa9 back\\slash \t" + b"x" * 5000 + b"\r\n")
        with Impostor(answer) as server:
            _, log = self.left_alone(server.url, "--remote-timeout", "200", files=5)
            (line,) = [line for line in log.splitlines() if "is left alone" in line]
            self.assertIn(r"ERR \x1b[2J\x1b]0;title\x07 \xff\xc3\xa9 back\x5cslash \x09xxx", line)
            self.assertTrue(line.endswith("x..."), line)
            self.assertLess(len(line), 500)

    def test_leaving_does_not_wait_long(self):
        """Entries that cannot be stored do not keep the daemon from leaving."""
        with Impostor(answer_no_store) as server, self.daemon(server.url) as daemon:
            self.compile_new(daemon, 5)
            self.assertEqual(daemon.stop(), 0)

    def test_storing_has_ten_seconds(self):
        """A server that never answers a store: the batch is given up, and the server is left alone."""
        with Impostor(answer_no_store) as server, self.daemon(server.url) as daemon:
            start = time.monotonic()
            self.compile_new(daemon, 1)
            wait_for(daemon, stored=0, dropped=1, away=True)
            self.assertTrue(9.5 < time.monotonic() - start < 20)


class Options(Case):
    def fails(self, *options, **environment):
        """The message with which the daemon refuses to start."""
        run = subprocess.run([e2e.DAEMON, "--socket", os.path.join(self.folder, "run", "socket"), *options], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env={**os.environ, **environment})
        self.assertEqual((run.returncode, run.stdout), (2, b""), run.stderr)
        self.assertEqual(run.stderr.count(b"\n"), 1)
        return run.stderr.decode()

    def test_without_a_secret(self):
        url = {"PYCOMPILED_REMOTE_CACHE": "redis://localhost"}
        for secret in ({}, {"PYCOMPILED_REMOTE_SECRET": ""}, {"PYCOMPILED_REMOTE_SECRET": "x" * 15},
                       {"PYCOMPILED_REMOTE_SECRET_FILE": self.write("short", b"x" * 15 + b"\n")},
                       {"PYCOMPILED_REMOTE_SECRET_FILE": self.write("long", b"x" * 15 + b"\n"), "PYCOMPILED_REMOTE_SECRET": "x" * 16}):
            self.assertIn("needs a secret of 16 bytes", self.fails(**url, **secret))
        message = self.fails("--remote-secret-file", "/no/such", **url)
        self.assertIn("/no/such: No such file or directory", message)
        self.assertIn("Is a directory", self.fails("--remote-secret-file", "/", **url))

    def test_bad_urls(self):
        for url in ("localhost", "ftp://localhost", "redis://localhost:0", "redis://localhost:99999", "redis://localhost:x",
                    "redis://[::1", "redis://[::1]x", "redis://a:%zz@localhost", "redis://user@localhost", "redis://localhost/x",
                    "redis://localhost?x=1", "redis://localhost?ssl_ca_certs=/a", "unix://relative", "redis://h%00st",
                    "redis://localhost/99999999999999999999"):
            self.assertIn("not a remote cache's URL", self.fails("--remote-cache", url))
        self.assertIn("more than one remote cache's URL", self.fails("--remote-cache", "redis://localhost redis://far read-only"))
        self.assertNotIn("hidden", self.fails("--remote-cache", "redis://:hidden@localhost:x"))

    def test_secret_file(self):
        name = self.write("secret", b"0123456789abcdef\r\n")
        with self.daemon("unix:///none", "--remote-secret-file", name, secret="") as daemon:
            self.compile_new(daemon, 1)
            self.assertEqual(status_of(daemon)["url"], "unix:///none")

    def test_without_a_cache(self):
        """Without a local cache there is no remote tier."""
        with self.daemon("nonsense", "--no-cache") as daemon:
            self.compile_new(daemon, 1)
            self.assertIsNone(daemon.status()["cache"])
        with e2e.Daemon() as daemon:
            self.assertIsNone(daemon.status()["cache"]["remote"])

    def test_hosts_hide_it(self):
        """The environment of a host's children and code does not have the secret."""
        with self.daemon("unix:///none") as daemon:
            self.compile_new(daemon, 1)
            self.assertNotIn(SECRET, str(daemon.status()) + daemon.read_log())
            for pid in daemon.pids():
                with open("/proc/%d/cmdline" % pid, "rb") as file:
                    self.assertNotIn(SECRET.encode(), file.read())


if __name__ == "__main__":
    e2e.main()
