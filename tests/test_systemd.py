"""Under systemd: the units, the notifications of the service, and passed sockets."""
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

import e2e_support as e2e
from e2e_support import Daemon

UNITS = os.path.join(e2e.BUILD, "systemd")
SOURCES = os.path.join(e2e.SOURCE, "..", "systemd")


def needs(program):
    return unittest.skipUnless(shutil.which(program), program + " is not installed")


class Units(unittest.TestCase):
    """The units as they are installed, with the program at the place where it was built."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copy(os.path.join(UNITS, "pycompiled-metrics@.service"), self.folder)
        shutil.copy(os.path.join(SOURCES, "pycompiled-metrics@.timer"), self.folder)
        for name in ("pycompiled", "pycompiled@"):
            shutil.copy(os.path.join(SOURCES, name + ".socket"), self.folder)
            with open(os.path.join(UNITS, name + ".service"), encoding="utf-8") as file:
                text = file.read()
            self.assertIn("/bin/pycompiled\n", text)
            self.assertNotIn("@bindir@", text)
            text = re.sub("(?m)^ExecStart=.*$", lambda _: "ExecStart=" + os.path.abspath(e2e.DAEMON), text)
            with open(os.path.join(self.folder, name + ".service"), "w", encoding="utf-8") as file:
                file.write(text)

    def analyze(self, *arguments):
        run = subprocess.run(["systemd-analyze", "--no-pager", *arguments], cwd=self.folder, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env=dict(os.environ, XDG_RUNTIME_DIR=self.folder, HOME=self.folder))
        return run.returncode, run.stdout

    @needs("systemd-analyze")
    def test_verify(self):
        for names, scope in ((("./pycompiled.service", "./pycompiled.socket"), "--user"),
                             (("./pycompiled@root.service", "./pycompiled@root.socket",
                               "./pycompiled-metrics@root.service", "./pycompiled-metrics@root.timer"), "--system")):
            for name in names:
                if "@root" in name:  # an instance, so that its user is looked up too
                    shutil.copy(os.path.join(self.folder, name.replace("root", "")), os.path.join(self.folder, name))
            status, text = self.analyze("verify", scope, "--man=no", *names)
            mine = [line for line in text.splitlines() if "pycompiled" in line]  # not others of this machine
            self.assertEqual((status, mine), (0, []), text)

    @needs("systemd-analyze")
    def test_verify_would_tell(self):
        with open(os.path.join(self.folder, "pycompiled.service"), "a", encoding="utf-8") as file:
            file.write("[Service]\nMemoryMaximum=1\n")
        self.assertIn("MemoryMaximum", self.analyze("verify", "--user", "--man=no", "./pycompiled.service")[1])

    @needs("systemd-analyze")
    def test_exposure(self):
        """The exposure in tenths. A user's manager cannot forbid as much, and systemd counts that too."""
        for name, most in (("pycompiled@.service", 15), ("pycompiled-metrics@.service", 65), ("pycompiled.service", 65)):
            status, text = self.analyze("security", "--offline=true", "--threshold=%d" % most, "./" + name)
            if "offline" in text and "Overall" not in text:
                self.skipTest("this systemd-analyze cannot look at a file")
            self.assertEqual(status, 0, text[-400:])


@unittest.skipUnless(os.geteuid() == 0, "not root, who alone can become another user")
@needs("setpriv")
class MetricsUnit(unittest.TestCase):
    """The command of the unit that publishes metrics, run as systemd runs it, for the user nobody. `systemctl` is another
    program, and so is `pycompilectl`, except where the real one can be had."""
    EVERYTHING = "# TYPE pycompiled_up gauge\npycompiled_up 1\n# EOF\n"

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        if not self.nobody_can("test", "-x", self.folder):
            self.skipTest("this process cannot become the user nobody, or nobody cannot reach " + self.folder)
        self.output = os.path.join(self.folder, "textfile")
        os.mkdir(self.output)
        self.published = os.path.join(self.output, "pycompiled-nobody.prom")
        with open(os.path.join(UNITS, "pycompiled-metrics@.service"), encoding="utf-8") as file:
            self.unit = file.read()

    def nobody_can(self, *command):
        run = subprocess.run(["setpriv", "--reuid", "nobody", "--clear-groups", *command], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        return run.returncode == 0

    def program(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def run_unit(self, ctl, active=True):
        self.program("systemctl", "[ \"$*\" = '--quiet is-active pycompiled@nobody.service' ] && exit %d\n" % (not active))
        command, = re.findall(r"(?ms)^ExecStart=(.*?[^\\])$", self.unit)
        words = [word.replace("$$", "$").replace("%i", "nobody") for word in shlex.split(command.replace("\\\n", " "))]
        words[2] = re.sub(r"\S+/pycompilectl", lambda _: ctl, words[2])
        environment = dict(os.environ, FOLDER=self.output, PATH=self.folder + ":" + os.environ["PATH"],
                           PYCOMPILED_SOCKET="/run/pycompiled-nobody/socket")
        run = subprocess.run(words, env=environment, umask=0o022, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return run.returncode

    def text(self):
        with open(self.published, encoding="utf-8") as file:
            return file.read()

    def test_root_opens_nothing_of_the_user(self):
        self.assertNotRegex(self.unit, r"(?m)^(Exec\w+=[-@:]*[+!]|ExecStartP|RuntimeDirectory|User=)")

    def test_the_user_asks_and_root_publishes(self):
        ctl = self.program("ctl", "echo \"pycompiled_asked{uid=\\\"$(id -u)\\\",socket=\\\"$PYCOMPILED_SOCKET\\\"} 1\"; echo '# EOF'\n")
        self.assertEqual(self.run_unit(ctl), 0)
        self.assertEqual(self.text(), 'pycompiled_asked{uid="%d",socket="/run/pycompiled-nobody/socket"} 1\n# EOF\n'
                         % pwd.getpwnam("nobody").pw_uid)
        status = os.stat(self.published)
        self.assertEqual((status.st_uid, stat.S_IMODE(status.st_mode)), (0, 0o644))
        self.assertEqual(os.listdir(self.output), [os.path.basename(self.published)])

    def test_only_metrics_of_its_own(self):
        ctl = self.program("ctl", "printf 'node_load1 9\\nroot:x:0:0\\n# HELP node_load1 x\\n%s'\n" % self.EVERYTHING)
        self.assertEqual(self.run_unit(ctl), 0)
        self.assertEqual(self.text(), self.EVERYTHING)

    def test_what_is_not_whole_is_not_published(self):
        self.run_unit(self.program("ctl", "printf '%s'\n" % self.EVERYTHING))
        for text in ("echo pycompiled_up 0", "exit 1", "yes pycompiled_up 0"):
            self.assertEqual(self.run_unit(self.program("ctl", text + "\n")), 1, text)
            self.assertEqual(self.text(), self.EVERYTHING)
            self.assertEqual(os.listdir(self.output), [os.path.basename(self.published)])

    def test_a_daemon_that_does_not_run_is_not_asked(self):
        ctl = self.program("ctl", "echo \"pycompiled_asked{socket=\\\"$PYCOMPILED_SOCKET\\\"} 1\"; echo '# EOF'\n")
        self.assertEqual(self.run_unit(ctl, active=False), 0)
        self.assertEqual(self.text(), 'pycompiled_asked{socket="/nonexistent/socket"} 1\n# EOF\n')

    def test_absence_by_the_real_program(self):
        if not self.nobody_can(os.path.abspath(e2e.CTL), "--help"):
            self.skipTest("the user nobody cannot run what was built")
        self.assertEqual(self.run_unit(os.path.abspath(e2e.CTL), active=False), 0)
        self.assertIn("\npycompiled_up 0\n# EOF\n", self.text())


class Notify(unittest.TestCase):
    """The notifications of the service at $NOTIFY_SOCKET."""

    def listen(self, name):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notify.close)
        notify.settimeout(e2e.DEADLINE)
        notify.bind(name)
        return notify

    def folder(self):
        folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def said(self, notify, last):
        words = []
        while not words or words[-1] != last:
            words.append(notify.recv(1000).decode())
        return words

    def test_ready_and_stopping(self):
        path = os.path.join(self.folder(), "notify")
        for name, address in ((path, path), ("@pycompiled-test-%d" % os.getpid(), "\0pycompiled-test-%d" % os.getpid())):
            notify = self.listen(address)
            with Daemon(fake=True, environment={"NOTIFY_SOCKET": name}) as daemon:
                self.assertEqual(self.said(notify, "READY=1"), ["READY=1"])
                with daemon.connect() as connection:  # ready means that
                    self.assertIn("result", connection.compile("/a"))
                self.assertEqual(daemon.stop(), 0)
                self.assertEqual(self.said(notify, "STOPPING=1"), ["STOPPING=1"])

    def test_status(self):
        notify = self.listen(os.path.join(self.folder(), "notify"))
        with Daemon(fake=True, environment={"NOTIFY_SOCKET": notify.getsockname()}):
            self.assertEqual(notify.recv(100), b"READY=1")
            self.assertRegex(notify.recv(100).decode(), r"^STATUS=\d+ workers, 0 queued$")

    def test_watchdog(self):
        notify = self.listen(os.path.join(self.folder(), "notify"))
        environment = {"NOTIFY_SOCKET": notify.getsockname(), "WATCHDOG_USEC": "20000"}
        with Daemon(fake=True, environment=environment) as daemon:
            self.assertEqual([notify.recv(100) for _ in range(4)], [b"READY=1"] + [b"WATCHDOG=1"] * 3)
            with daemon.connect() as connection:  # while it drains, too
                running = daemon.file("running")
                job = connection.request("compile", {"file": "/a:wait", "dfile": running})
                assigned = lambda: sum(daemon.status()["queue"].values()) == 0 and daemon.status()["jobs"] == 1
                while not assigned():
                    pass
                daemon.process.send_signal(signal.SIGTERM)
                self.said(notify, "STOPPING=1")
                self.assertEqual(notify.recv(100), b"WATCHDOG=1")
                os.unlink(running)
                self.assertEqual(connection.receive()["id"], job)

    def test_watchdog_of_another_process(self):
        notify = self.listen(os.path.join(self.folder(), "notify"))
        environment = {"NOTIFY_SOCKET": notify.getsockname(), "WATCHDOG_USEC": "2000", "WATCHDOG_PID": "1"}
        with Daemon(fake=True, environment=environment) as daemon:
            with daemon.connect() as connection:
                self.assertIn("result", connection.compile("/a:sleep=0.1"))
            daemon.stop()
            self.assertEqual(self.said(notify, "STOPPING=1"), ["READY=1", "STOPPING=1"])

    def test_nobody_there(self):
        """A missing service manager is no reason not to serve."""
        for name in (os.path.join(self.folder(), "none"), "nonsense", "@", "/" + "a" * 200):
            with Daemon(fake=True, environment={"NOTIFY_SOCKET": name}) as daemon:
                with daemon.connect() as connection:
                    self.assertIn("result", connection.compile("/a"))
                self.assertIn("NOTIFY_SOCKET", daemon.read_log())


class Passed(unittest.TestCase):
    """Sockets as systemd passes them (sd_listen_fds(3))."""

    def setUp(self):
        self.daemon = Daemon(fake=True)  # for its folder; it is not started
        self.addCleanup(shutil.rmtree, self.daemon.folder)
        self.program = self.daemon.program()
        self.path = self.daemon.socket
        os.mkdir(os.path.dirname(self.path), 0o700)

    def listener(self, kind=socket.SOCK_STREAM, path=None):
        listener = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(listener.close)
        listener.bind(path or self.path)
        return listener

    def start(self, *sockets, count=None):
        """Runs the daemon with these as descriptors 3, 4, ...; the caller reads its standard error."""
        words = ["exec"] + ["%d<&%d" % (3 + i, s.fileno()) for i, s in enumerate(sockets)]
        script = '%s; export LISTEN_FDS=%s LISTEN_PID=$$; exec "$0"' % (" ".join(words), count or len(sockets))
        process = subprocess.Popen(["bash", "-c", script, self.program], env=self.daemon.environment, text=True,
                                   pass_fds=[s.fileno() for s in sockets], stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        return process

    def refused(self, *sockets, word, **options):
        process = self.start(*sockets, **options)
        self.assertIn(word, process.stderr.read())
        self.assertEqual(process.wait(), 1)

    def test_no_request_is_lost_between_two_daemons(self):
        listener = self.listener()
        listener.listen()
        first = self.start(listener)
        with e2e.Connection(self.path) as connection:
            self.assertIn("result", connection.compile("/a"))
            self.assertEqual(connection.call("status")["result"]["socket"], self.path)
        first.send_signal(signal.SIGTERM)
        self.assertEqual(first.wait(), 0)
        with e2e.Connection(self.path) as connection:  # in the backlog
            job = connection.request("compile", {"file": "/b"})
            second = self.start(listener)
            self.assertEqual(connection.receive()["id"], job)
        second.send_signal(signal.SIGTERM)
        self.assertEqual(second.wait(), 0)
        self.assertTrue(os.path.exists(self.path))  # systemd's

    def test_what_is_not_one_listening_stream_socket(self):
        self.refused(self.listener(path=self.path + "1"), word="exactly one")  # does not listen
        self.refused(self.listener(socket.SOCK_DGRAM, self.path + "2"), word="exactly one")
        two = [self.listener(path=self.path + "3"), self.listener(path=self.path + "4")]
        for one in two:
            one.listen()
        self.refused(*two, word="exactly one")
        inet = socket.socket()
        self.addCleanup(inet.close)
        inet.listen()
        self.refused(inet, word="exactly one")
        with open(os.devnull) as file:
            self.refused(file, word="exactly one")

    def test_folder_that_others_may_write(self):
        folder = os.path.join(self.daemon.folder, "open")
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        listener = self.listener(path=os.path.join(folder, "socket"))
        listener.listen()
        self.refused(listener, word="other users")

    @needs("systemd-socket-activate")
    def test_systemd_socket_activate(self):
        process = subprocess.Popen(["systemd-socket-activate", "-l", self.path, self.program],
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.assertIn("Listening on " + self.path, process.stderr.readline())
        with e2e.Connection(self.path) as connection:
            self.assertIn("result", connection.compile("/a"))
            self.assertEqual(connection.call("status")["result"]["pid"], process.pid)
        process.send_signal(signal.SIGTERM)
        self.assertIn("SIGTERM", process.stderr.read())
        self.assertEqual(process.wait(), 0)
        self.assertTrue(os.path.exists(self.path))


if __name__ == "__main__":
    e2e.main()
