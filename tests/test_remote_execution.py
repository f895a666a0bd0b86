"""The rules in bazel/ with a remote executor: BuildBox's server, which runs each action in a folder that holds its inputs alone."""
import os
import shutil
import socket
import subprocess
import time
import unittest

import e2e_support as e2e
from bazel_support import COUNT, Workspace, major_version, needs_bazel

try:
    from reapi_proxy import Proxy
except ImportError:
    Proxy = None

SERVER = shutil.which("buildbox-casd")
RUNNER = shutil.which("buildbox-run-hosttools")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Executor:
    """The server, and the proxy before it. Its cache of actions is in the folder."""

    def __init__(self, folder):
        port = free_port()
        self.process = subprocess.Popen([SERVER, "--bind=127.0.0.1:%d" % port, "--buildbox-run=" + RUNNER, "--jobs=2", folder])
        self.wait(port)
        self.proxy = Proxy("127.0.0.1:%d" % port)
        self.option = "--remote_executor=grpc://127.0.0.1:%d" % self.proxy.port

    def wait(self, port):
        end = time.monotonic() + e2e.DEADLINE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.process.kill()
                    raise
            time.sleep(0.05)

    def close(self):
        self.proxy.close()
        self.process.terminate()
        self.process.wait(e2e.DEADLINE)


@unittest.skipUnless(SERVER and RUNNER, "there is no BuildBox")
@unittest.skipUnless(Proxy, "Python has no gRPC")
@needs_bazel
class RemoteExecution(Workspace):
    @classmethod
    def setUpClass(cls):
        if major_version() < 7:
            raise unittest.SkipTest("this Bazel is too old for that server")
        super().setUpClass()

    def test_actions_have_what_they_need(self):
        """Their bytes are those of this machine's, and the next time none of them runs."""
        executor = Executor(os.path.join(self.folder, "cas"))
        self.addCleanup(executor.close)
        options = ["//pkg:lib", executor.option, "--strategy=PyCompile=remote"]
        said = self.build(*options)
        self.assertIn("%d remote" % (COUNT + 1), said)
        self.assertIn("pkg/good/warns.py:1: SyntaxWarning: ", said)
        outputs = self.check_outputs()
        self.bazel("clean")
        self.assertIn("%d remote cache hit" % (COUNT + 1), self.build(*options))
        self.assertEqual(self.outputs(), outputs)
        self.bazel("clean")
        self.build("//pkg:lib", "--strategy=PyCompile=worker")
        self.assertEqual(self.outputs(), outputs)


if __name__ == "__main__":
    e2e.main()
