"""The benchmarks still run, and judge what they measure. No figure is looked at: a test says nothing about speed."""
import contextlib
import importlib
import io
import os
import subprocess
import sys
import unittest

import e2e_support as e2e

BENCH = os.path.join(os.path.dirname(e2e.SOURCE), "bench")


def load(name):
    """A module of the benchmarks. They import one another by name."""
    sys.path.insert(0, BENCH)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(BENCH)


class Scale(unittest.TestCase):
    @unittest.skipUnless(os.path.exists("/proc/self/schedstat"), "this kernel does not count a process's time in nanoseconds")
    def test_a_small_run(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYCOMPILE")}
        done = subprocess.run([os.path.join(BENCH, "scale"), "--workers", "2", "--requests", "100", "--seconds", "0.02", "--repeat", "1",
                               "--compile-ms", "0.1", e2e.BUILD], env=environment, capture_output=True, text=True, timeout=e2e.DEADLINE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = [line.split() for line in done.stdout.splitlines()[2:]]
        self.assertEqual([(row[0], row[1], row[2]) for row in rows], [("2", "0.00", "load"), ("2", "0.10", "load"), ("2", "0.10", "client")])
        for row in rows:
            self.assertGreater(float(row[3]), 0)


class Kinds(unittest.TestCase):
    """Figures that were made up: each kind takes the time of ordinary files, but for one."""

    def printed(self, **times):
        kinds = load("kinds")
        best = {f"{kind} {who}": 2.0 if who in ("one", "compileall") else 1.0 for kind in kinds.KINDS for who in ("all", "two", "one", "compileall")}
        best.update({name.replace("_", " "): value for name, value in times.items()})
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            kinds.print_kinds("3.13", {"files": 400, "cases": {"relative": {"best": best, "best_cpu": best}}})
        return out.getvalue().splitlines()

    def test_all_goals_are_met(self):
        lines = self.printed()
        self.assertEqual([line for line in lines if "MISSED" in line], [])
        self.assertEqual(len([line for line in lines[-4:] if ", met)" in line]), 4)

    def test_the_worst_figure_is_judged(self):
        lines = self.printed(warns_all=3.5, NUL_all=1.6, sets_two=1.2)
        self.assertRegex(lines[-4], r"3\.50 .*MISSED.* warns, relative")
        self.assertRegex(lines[-3], r"1\.60 .*MISSED.* NUL, relative")
        self.assertRegex(lines[-2], r"0\.57 .*MISSED.* warns, relative")
        self.assertRegex(lines[-1], r"1\.67 .*MISSED.* sets, relative")
        self.assertTrue(any("sets, relative" in line and "2 workers against 1: 1.67" in line for line in lines[:-4]), lines)

    def test_files_of_a_pristine_process_have_no_goal(self):
        self.assertEqual([line for line in self.printed(residue_all=20) if "MISSED" in line], [])


if __name__ == "__main__":
    e2e.main()
