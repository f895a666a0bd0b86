"""The child that a pristine host has forked ahead of need: there is one, it costs next to nothing, and it ends with its host."""
import contextlib
import os
import re
import signal
import time
import unittest

import e2e_support as e2e

EXACT = b"# coding: utf-7\nx = 1 is 1\n"
PRIVATE_MAX_KB = 2048  # of an idle child: pages that it or its host has written to since, and page tables are not counted


def children(pid):
    with contextlib.suppress(OSError), open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return [int(child) for child in file.read().split()]
    return []


def sockets(pid):
    """The sockets that a process has open."""
    found = set()
    with contextlib.suppress(OSError):
        for fd in os.listdir("/proc/%d/fd" % pid):
            with contextlib.suppress(OSError):
                found.add(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
    return {name for name in found if name.startswith("socket:")}


def waiting(host):
    """The children that wait for a job: such a one has an end of a socketpair of its own, which it closes for its job."""
    return [child for child in children(host) if sockets(child) - sockets(host)]


def wait_until(get):
    """What get() returns once that is true."""
    end = time.monotonic() + e2e.DEADLINE
    while not (value := get()):
        if time.monotonic() > end:
            raise AssertionError("it does not happen")
        time.sleep(0.002)
    return value


def pristine_hosts(daemon):
    return [host["pid"] for pool in daemon.status()["pythons"] for host in pool["hosts"] if host["kind"] == "pristine"]


@unittest.skipUnless(os.path.exists("/proc/self/task/%d/children" % os.getpid()), "the kernel does not list the children of a process")
class Ahead(unittest.TestCase):
    def setUp(self):
        self.daemon = e2e.Daemon("--no-cache", "--workers", "1")
        self.addCleanup(self.daemon.__exit__, None, None, None)
        self.daemon.__enter__()
        self.path = self.daemon.file("exact.py", EXACT.decode())

    def compile(self):
        with self.daemon.connect() as connection:
            answer = connection.compile(self.path, warnings=["default"])
        self.assertEqual(len(answer["result"]["warnings"]), 1, answer)

    def ready(self, host):
        """The child that waits, once that of the last job is gone."""
        return wait_until(lambda: len(children(host)) == 1 and waiting(host))[0]

    def test_one_waits_and_takes_the_next_job(self):
        self.compile()
        host, = pristine_hosts(self.daemon)
        seen = []
        for _ in range(3):
            seen.append(self.ready(host))
            self.compile()
            wait_until(lambda: not e2e.exists(seen[-1]))
        self.assertEqual(len(set(seen)), 3)
        self.assertEqual(pristine_hosts(self.daemon), [host])
        self.assertEqual(self.daemon.status()["counters"]["exact"], 4)

    def test_it_costs_next_to_nothing(self):
        with open(next(iter(e2e.hosts().values())), "rb") as file:
            watched = e2e.is_sanitized() or b"__tsan_init" in file.read()
        if watched or not os.path.exists("/proc/self/smaps_rollup"):
            self.skipTest("the memory that the host itself takes cannot be told here")
        self.compile()
        child = self.ready(pristine_hosts(self.daemon)[0])
        with open("/proc/%d/smaps_rollup" % child, encoding="ascii") as file:
            private = sum(map(int, re.findall(r"Private_\w+: +(\d+) kB", file.read())))
        self.assertLess(private, PRIVATE_MAX_KB)

    def test_it_is_killed_while_it_waits(self):
        self.compile()
        host, = pristine_hosts(self.daemon)
        child = self.ready(host)
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: not e2e.exists(child))  # else it may still take the job, which ends its host
        self.compile()
        self.ready(host)
        status = self.daemon.status()["counters"]
        self.assertEqual((status["crashes"], status["exact"]), (0, 2))

    def test_it_ends_with_its_host(self):
        self.compile()
        host, = pristine_hosts(self.daemon)
        child = self.ready(host)
        os.kill(host, signal.SIGKILL)
        wait_until(lambda: not e2e.exists(child) and not pristine_hosts(self.daemon))
        self.compile()
        other, = pristine_hosts(self.daemon)
        child = self.ready(other)
        self.daemon.stop()
        wait_until(lambda: not e2e.exists(child))


if __name__ == "__main__":
    e2e.main()
