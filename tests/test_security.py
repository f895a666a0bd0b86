"""Access: sockets and folders of other users, links, and what a host inherits (docs/threat-model.md). Cases that need files
of other users run only as root."""
import contextlib
import os
import select
import shutil
import socket
import stat
import subprocess
import tempfile
import time
import unittest

import e2e_support as e2e
from e2e_support import Daemon

NOBODY, SOMEBODY = 65534, 65533  # two users that are not root
needs_root = unittest.skipUnless(os.geteuid() == 0, "needs root, to make files of other users")

# The variables that daemon/pool/host_process.c gives a host, and no others.
PASSED = {"LC_ALL", "PATH", "LD_LIBRARY_PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
          "LD_PRELOAD", "PYCOMPILE_HOST_OBJECT"}  # host/preload.h: gone when the host's main() begins


class Place(unittest.TestCase):
    """A folder for sockets, and copies of the programs that other users can reach."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        self.bin = os.path.join(self.folder, "bin")
        os.mkdir(self.bin)
        for program in (e2e.DAEMON, e2e.CLIENT):
            shutil.copy(program, self.bin)
        shutil.copy(os.path.join(e2e.SOURCE, "fake-host"), os.path.join(self.bin, "pycompile-host-9.9"))
        self.run_folder = os.path.join(self.folder, "run")
        self.path = os.path.join(self.run_folder, "socket")
        self.source = os.path.join(self.folder, "a.py")
        with open(self.source, "w", encoding="utf-8"):
            pass

    def make_run_folder(self, mode=0o700, owner=None):
        os.mkdir(self.run_folder)
        os.chmod(self.run_folder, mode)
        if owner is not None:
            os.chown(self.run_folder, owner, owner)

    def execute(self, name, *arguments, uid=None):
        environment = dict(os.environ, PYCOMPILED_SOCKET=self.path, ASAN_OPTIONS="detect_leaks=0")
        options = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        return subprocess.run([os.path.join(self.bin, name), *arguments], env=environment, text=True, cwd="/",
                              timeout=e2e.DEADLINE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, **options)

    def daemon_refuses(self, word, *arguments, uid=None):
        run = self.execute("pycompiled", *arguments, uid=uid)
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertIn(word, run.stdout)

    def client_refuses(self, word, uid=None):
        """The client says why, and starts no daemon."""
        run = self.execute("pycompile-client", self.source, uid=uid)
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertIn(word, run.stdout)
        self.assertNotIn("pycompiled failed", run.stdout)

    def both_refuse(self, word, uid=None):
        self.daemon_refuses(word, uid=uid)
        self.daemon_refuses(word, "--background", uid=uid)
        self.client_refuses(word, uid=uid)

    @contextlib.contextmanager
    def background_daemon(self, uid=None):
        run = self.execute("pycompiled", "--background", uid=uid)
        self.assertEqual(run.returncode, 0, run.stdout)
        try:
            yield
        finally:
            with e2e.Connection(self.path) as connection:
                connection.call("shutdown")
                while connection.receive() is not None:
                    pass


class Folders(Place):
    def test_folder_that_is_a_link(self):
        os.mkdir(os.path.join(self.folder, "elsewhere"), 0o700)
        os.symlink("elsewhere", self.run_folder)
        self.both_refuse("not a folder")
        self.assertEqual(os.listdir(os.path.join(self.folder, "elsewhere")), [])

    def test_folder_that_is_a_file(self):
        with open(self.run_folder, "w", encoding="utf-8"):
            pass
        self.both_refuse("not a folder")

    def test_folder_that_others_may_write(self):
        self.make_run_folder()
        for mode in (0o770, 0o720, 0o707, 0o702, 0o1777):
            os.chmod(self.run_folder, mode)
            self.both_refuse("other users")
            self.assertEqual(os.listdir(self.run_folder), [])

    def test_folder_that_is_made(self):
        with self.background_daemon():
            self.assertEqual(stat.S_IMODE(os.lstat(self.run_folder).st_mode), 0o700)
            modes = {name: stat.S_IMODE(os.lstat(os.path.join(self.run_folder, name)).st_mode)
                     for name in os.listdir(self.run_folder)}
            self.assertEqual(modes, {"socket": 0o600, "lock": 0o600, "log": 0o600})

    @needs_root
    def test_folder_of_another_user(self):
        self.make_run_folder(owner=NOBODY)
        self.both_refuse("another user (uid %d)" % NOBODY)
        os.chmod(self.run_folder, 0o755)
        os.chown(self.run_folder, SOMEBODY, SOMEBODY)
        self.both_refuse("another user (uid %d)" % SOMEBODY, uid=NOBODY)
        self.assertEqual(os.listdir(self.run_folder), [])


class Links(Place):
    """Names in the daemon's own folder that are links: their targets stay unchanged."""

    def setUp(self):
        super().setUp()
        self.make_run_folder()
        self.target = os.path.join(self.folder, "precious")
        with open(self.target, "w", encoding="utf-8") as file:
            file.write("precious")

    def tearDown(self):
        with open(self.target, encoding="utf-8") as file:
            self.assertEqual(file.read(), "precious")

    def link(self, name, target=None):
        os.symlink(target or self.target, os.path.join(self.run_folder, name))

    def test_lock(self):
        self.link("lock")
        self.daemon_refuses("cannot open the lock")

    def test_lock_to_nothing(self):
        self.link("lock", os.path.join(self.folder, "new"))
        self.daemon_refuses("cannot open the lock")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "new")))

    def test_log(self):
        self.link("log")
        self.daemon_refuses("cannot open the log", "--background")
        run = self.execute("pycompile-client", self.source)
        self.assertEqual(run.returncode, 1)
        self.assertIn("cannot open the log", run.stdout)
        self.assertNotIn("precious", run.stdout)

    def test_old_log(self):
        self.link("log.old")
        with open(os.path.join(self.run_folder, "log"), "wb") as file:
            file.write(b"x" * (2 << 20))
        with self.background_daemon():
            self.assertFalse(os.path.islink(os.path.join(self.run_folder, "log.old")))

    def test_socket(self):
        self.link("socket")
        self.both_refuse("not a socket")
        os.unlink(self.path)
        real = os.path.join(self.folder, "real")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(real)
            listener.listen()
            self.link("socket", real)
            self.both_refuse("not a socket")


@needs_root
class OtherUsers(Place):
    CONNECT = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
               "s.sendall(b'{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"status\"}\\n'); print(s.recv(100))")
    LISTEN = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen();"
              "print('up', flush=True); print(s.accept()[0].recv(100), flush=True)")

    def connect_as(self, uid):
        run = subprocess.run(["/usr/bin/env", "python3", "-c", self.CONNECT, self.path], text=True, user=uid, group=uid,
                             extra_groups=[], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/")
        return run.stdout.strip().splitlines()[-1]

    def open_up(self):
        os.chmod(self.run_folder, 0o755)
        os.chmod(self.path, 0o666)

    def test_modes_keep_others_out(self):
        with self.background_daemon():
            self.assertIn("PermissionError", self.connect_as(NOBODY))

    def test_the_daemon_asks_the_kernel_who_connects(self):
        with self.background_daemon():
            self.open_up()
            self.assertRegex(self.connect_as(NOBODY), r"^b''$|ConnectionResetError|BrokenPipeError")
            with open(os.path.join(self.run_folder, "log"), encoding="utf-8") as log:
                self.assertIn("refused a connection of uid %d" % NOBODY, log.read())
            self.assertIn("result", self.connect_as(0))

    def test_root_may_speak_to_any_daemon(self):
        self.make_run_folder(owner=NOBODY)
        with self.background_daemon(uid=NOBODY):
            self.open_up()
            self.assertIn("result", self.connect_as(NOBODY))
            self.assertIn("result", self.connect_as(0))
            self.assertRegex(self.connect_as(SOMEBODY), r"^b''$|ConnectionResetError|BrokenPipeError")
            self.client_refuses("another user (uid %d)" % NOBODY)  # it trusts no user but its own

    def test_socket_file_of_another_user(self):
        self.make_run_folder()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path)
            listener.listen()
            os.chown(self.path, NOBODY, NOBODY)
            self.client_refuses("another user (uid %d)" % NOBODY)

    def test_the_client_asks_the_kernel_who_listens(self):
        """The client sends an impostor nothing."""
        self.make_run_folder(owner=NOBODY)
        impostor = subprocess.Popen(["/usr/bin/env", "python3", "-c", self.LISTEN, self.path], user=NOBODY, group=NOBODY,
                                    extra_groups=[], stdout=subprocess.PIPE, text=True, cwd="/")
        with impostor:
            self.assertEqual(impostor.stdout.readline(), "up\n")
            os.chown(self.path, 0, 0)
            os.chown(self.run_folder, 0, 0)
            self.client_refuses("listens on %s belongs to another user (uid %d)" % (self.path, NOBODY))
            self.assertEqual(impostor.stdout.readline(), "b''\n")


class Inherited(Place):
    """The daemon holds none of its starter's descriptors open."""

    def test_pipe_of_the_caller(self):
        read_end, write_end = os.pipe()
        environment = dict(os.environ, PYCOMPILED_SOCKET=self.path)
        for command in (["pycompiled", "--background"], ["pycompile-client", self.source]):
            with self.subTest(command[0]):
                subprocess.run([os.path.join(self.bin, command[0]), *command[1:]], env=environment, check=True,
                               pass_fds=[write_end], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
                copy = os.dup(write_end)
                os.close(write_end)
                self.assertEqual(select.select([read_end], [], [], 0)[0], [])  # `copy` is ours
                os.close(copy)
                self.assertTrue(select.select([read_end], [], [], e2e.DEADLINE)[0])
                self.assertEqual(os.read(read_end, 1), b"")
                os.close(read_end)
                with self.background_daemon():
                    pass
                read_end, write_end = os.pipe()
        os.close(read_end)
        os.close(write_end)

    def test_no_standard_streams(self):
        program = os.path.join(self.bin, "pycompiled")
        environment = dict(os.environ, PYCOMPILED_SOCKET=self.path)
        subprocess.run(["bash", "-c", 'exec "$0" --background <&- >&- 2>&-', program], env=environment, check=True)
        with self.background_daemon(), e2e.Connection(self.path) as connection:
            self.assertIn("result", connection.compile("/a"))


class Hosts(unittest.TestCase):
    """What a real host inherits, of each version, shared and pristine."""

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.mkdtemp(prefix="pycompiled-test-")
        cls.addClassCleanup(shutil.rmtree, cls.place)
        cls.marker = os.path.join(cls.place, "ran")
        code = "open(%r, 'w').close()\n" % cls.marker
        for name in ("sitecustomize.py", "usercustomize.py", "startup.py", "runpy.py", "py_compile.py", "argparse.py"):
            cls.write(name, code)
        for version in e2e.hosts():
            cls.write(".local/lib/python%s/site-packages/usercustomize.py" % version, code)
            cls.write(".local/lib/python%s/site-packages/evil.pth" % version, "import sys; " + code)
        environment = {"HOME": cls.place, "PYTHONPATH": cls.place, "PYTHONSTARTUP": cls.place + "/startup.py",
                       "PYTHONHOME": cls.place, "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2", "PYTHONUTF8": "0",
                       "PYTHONHASHSEED": "7", "PYTHONPYCACHEPREFIX": cls.place, "PYTHONMALLOC": "debug",
                       "PYTHONUSERBASE": cls.place + "/.local", "PYTHONPLATLIBDIR": "evil", "LD_BIND_NOW": "1",
                       "MALLOC_PERTURB_": "7", "GCONV_PATH": cls.place, "NOTIFY_SOCKET": "/none", "SECRET": "1"}
        cls.daemon = Daemon(environment=environment)
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None)
        with cls.daemon.connect() as connection:
            for version in e2e.hosts():
                file = cls.daemon.file("warns%s.py" % version, "1 is 1\nassert x, 'kept'\n")
                answer = connection.compile(file, python=version)
                assert answer["result"]["warnings"], answer  # not an error, as PYTHONWARNINGS would have it
                with open(answer["result"]["cfile"], "rb") as pyc:
                    assert b"kept" in pyc.read()
                answer = connection.call("search", {"pattern": "x", "strings": ["x"], "python": version})  # by a pristine host
                assert "result" in answer, answer
            cls.hosts = [host for python in cls.daemon.status()["pythons"] for host in python["hosts"]]

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.place, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def each(self):
        self.assertEqual({host["kind"] for host in self.hosts}, {"shared", "pristine"})
        for host in self.hosts:
            with self.subTest(host["kind"], pid=host["pid"]):
                yield "/proc/%d/" % host["pid"]

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_environment(self):
        for proc in self.each():
            names = {item.partition("=")[0] for item in self.read(proc + "environ").split("\0") if item}
            self.assertLessEqual(names, PASSED)

    def test_nothing_of_the_user_is_run(self):
        self.assertFalse(os.path.exists(self.marker))

    def links(self, proc):
        """The descriptors of a process but for those of the cache."""
        links = {int(fd): os.readlink(proc + "fd/" + fd) for fd in os.listdir(proc + "fd")}
        cache = os.path.realpath(self.daemon.environment["PYCOMPILED_CACHE_DIR"]) + "/"
        return {fd: link for fd, link in links.items() if not link.startswith(cache)}

    def test_descriptors(self):
        for proc in self.each():
            options = self.read(proc + "cmdline")
            workers = options.partition("--workers=4-")[2].partition("\0")[0]
            given, own = list(range(3, int(workers) + 1)), int("--pristine" in options)  # its end of the pair to the child ahead
            end = time.monotonic() + e2e.DEADLINE
            links = {}
            while not links or (len(links) > 3 + len(given) + own and time.monotonic() < end):  # while it forks it has both ends
                with contextlib.suppress(FileNotFoundError):
                    links = self.links(proc)
            self.assertEqual(links.pop(0), "/dev/null")
            log = os.path.realpath(self.daemon.log)
            self.assertEqual({links.pop(1), links.pop(2)}, {log})
            self.assertEqual(sorted(links)[:len(given)], given)
            self.assertLessEqual(len(links) - len(given), own)
            self.assertTrue(all(link.startswith("socket:") for link in links.values()), links)

    def test_limits(self):
        for proc in self.each():
            self.assertIn("NoNewPrivs:\t1\n", self.read(proc + "status"))
            cores = next(line for line in self.read(proc + "limits").splitlines() if line.startswith("Max core"))
            self.assertRegex(cores, r" ([01]) +\1 ")
            self.assertEqual(self.read(proc + "oom_score_adj"), "500\n")
            data = next(line for line in self.read(proc + "limits").splitlines() if line.startswith("Max data size"))
            if not e2e.is_sanitized():
                self.assertRegex(data, r" (\d+) +\1 ")

    def test_working_directory(self):
        for proc in self.each():
            self.assertTrue(os.readlink(proc + "cwd").endswith(" (deleted)"), os.readlink(proc + "cwd"))


if __name__ == "__main__":
    e2e.main()
