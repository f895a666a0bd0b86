"""Constants that the Python module restates, because it is of the standard library alone, against those of C."""
import glob
import importlib
import json
import os
import re
import sys
import unittest

import e2e_support as e2e

ROOT = os.path.dirname(e2e.SOURCE)
# A constant of the module, its namesake in C, and how many of C's units make one of the module's.
RESTATED = [
    ("ATTEMPTS_MAX", "ATTEMPTS_MAX", 1),
    ("GHOSTS_MAX", "GHOSTS_MAX", 1),
    ("LOG_LINES", "LOG_LINES", 1),
    ("LOG_TAIL", "LOG_TAIL", 1),
    ("START_DEADLINE_S", "START_DEADLINE_MS", 1000),
    ("ACCEPT_DEADLINE_S", "ACCEPT_WAIT_MS", 1000),
    ("POLL_S", "ACCEPT_POLL_MS", 1000),
    ("PY_COMPILE_ERROR", "RPC_PY_COMPILE_ERROR", 1),
    ("OS_ERROR", "RPC_OS_ERROR", 1),
    ("UNAVAILABLE", "RPC_UNAVAILABLE", 1),
]


def load_modules():
    """Those of the package that have the constants."""
    sys.path.insert(0, os.path.join(ROOT, "client", "python"))
    names = ("_connection", "_daemon", "_exchange", "_patience", "_requests")
    return [importlib.import_module("pycompiled." + name) for name in names]


def constant_of(modules, name):
    return next(getattr(module, name) for module in modules if hasattr(module, name))


def constants_of_c():
    """Names of #define and of enum with their numbers, in the files that clients are made of."""
    found = {}
    for pattern in ("proto/*.[ch]", "client/*.[ch]"):
        for name in glob.glob(os.path.join(ROOT, pattern)):
            with open(name, encoding="utf-8") as file:
                for match in re.finditer(r"^(?:#define +|    )(\w+)(?: = | +)(-?\d+)\b", file.read(), re.M):
                    found.setdefault(match[1], set()).add(int(match[2]))
    return found


class Restated(unittest.TestCase):
    def test_numbers(self):
        modules, in_c = load_modules(), constants_of_c()
        for name, name_in_c, scale in RESTATED:
            self.assertIn(name_in_c, in_c)
            self.assertEqual(in_c[name_in_c], {round(constant_of(modules, name) * scale)}, name)

    def test_invalidation_modes(self):
        with open(os.path.join(e2e.BUILD, "proto", "openrpc.json"), encoding="utf-8") as file:
            methods = json.load(file)["methods"]
        params = {param["name"]: param for param in methods[0]["params"]}
        self.assertEqual(set(constant_of(load_modules(), "_MODES").values()), set(params["invalidation_mode"]["schema"]["enum"]))


if __name__ == "__main__":
    e2e.main()
