"""The clients under the system calls that Docker's default seccomp profile leaves, and as an unprivileged user."""
import os
import pwd
import subprocess
import sys
import unittest

import e2e_support as e2e

RUN = os.path.join(e2e.SOURCE, "run-restricted")
SUITE = [sys.executable, os.path.join(e2e.SOURCE, "test_client.py"), "Beyond", "Starting", "LikePyCompile.test_good_sources",
         "LikePyCompile.test_bad_sources", "LikePyCompile.test_os_errors", "LikePyCompile.test_environment_and_modes"]


def can_read(user, paths):
    """Whether a user can read files; asked in a process of the user's."""
    child = os.fork()
    if child == 0:
        try:
            entry = pwd.getpwnam(user)
            os.setgroups([])
            os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
            os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
            os._exit(0 if all(os.access(path, os.R_OK) for path in paths) else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


class Restricted(unittest.TestCase):
    def run_suite(self, *options):
        run = subprocess.run([RUN, *options, *SUITE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        if run.returncode == 77:
            self.skipTest(run.stdout.decode())
        self.assertEqual(run.returncode, 0, run.stdout.decode(errors="replace"))
        self.assertIn(b", 0 failed", run.stdout)

    @unittest.skipIf(e2e.is_sanitized(), "AddressSanitizer needs other system calls")
    def test_without_new_namespaces(self):
        self.run_suite("--same-user")

    def test_as_another_user(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user; we are an unprivileged one already")
        if not can_read("nobody", [*e2e.pythons().values(), sys.executable, os.path.abspath(__file__)]):
            self.skipTest("nobody cannot read a Python or these tests")
        self.run_suite("--user", "nobody", "--build", e2e.BUILD)


if __name__ == "__main__":
    e2e.main()
