"""The standard library of each Python that there is a host for, tests included, compiled through the client: every .pyc
must hold the code object that compile() gives, and a file that py_compile refuses must be refused with its text."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e

# The Python in question runs this. It compares every .pyc below a folder, and prints those that differ and, for a source
# without one, the text of the compiler's PyCompileError.
COMPARE = r"""
import importlib.util, json, marshal, os, py_compile, sys, warnings
warnings.simplefilter("ignore")
sys.setrecursionlimit(1000)
seen = 0

def key(value):
    # What makes a constant what it is, for code in which a float that is not a number makes == say no.
    if hasattr(value, "co_code"):
        return [(name, key(getattr(value, name))) for name in sorted(dir(value))
                if name.startswith("co_") and name not in ("co_lines", "co_positions", "co_lnotab")
                and not callable(getattr(value, name))]
    if isinstance(value, tuple):
        return [key(item) for item in value]
    return type(value), sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)

for top, _, names in os.walk(sys.argv[1]):
    for name in names:
        if not name.endswith(".py"):
            continue
        path = os.path.join(top, name)
        cfile = importlib.util.cache_from_source(path)
        with open(path, "rb") as file:
            source = file.read()
        try:
            code = compile(source, path, "exec", dont_inherit=True)
        except Exception as error:
            text = py_compile.PyCompileError(type(error), error, path).msg
            if os.path.exists(cfile):
                print(json.dumps(["compiled", path, text]))
            else:
                print(json.dumps(["refused", path, text]))
            continue
        if not os.path.exists(cfile):
            print(json.dumps(["missing", path, ""]))
            continue
        with open(cfile, "rb") as file:
            data = file.read()
        status = os.stat(path)
        header = importlib.util.MAGIC_NUMBER + bytes(4) + (int(status.st_mtime) & 0xffffffff).to_bytes(4, "little")
        header += (status.st_size & 0xffffffff).to_bytes(4, "little")
        seen += 1
        if data[:16] != header:
            print(json.dumps(["header", path, ""]))
        elif marshal.loads(data[16:]) != code and key(marshal.loads(data[16:])) != key(code):
            print(json.dumps(["differs", path, ""]))
print(json.dumps(["seen", "", seen]))
"""


class StandardLibrary(unittest.TestCase):
    pass


def make_test(version, python):
    def test(self):
        folder = tempfile.mkdtemp(prefix="pycompiled-stdlib-")
        self.addCleanup(shutil.rmtree, folder)
        library = subprocess.check_output([python, "-c", "import os; print(os.path.dirname(os.__file__))"], text=True)
        copy = os.path.join(folder, "lib")
        shutil.copytree(library.strip(), copy, symlinks=False, ignore_dangling_symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__", "site-packages", "dist-packages", "*.so", "*.a"))
        names = [os.path.join(top, name) for top, _, files in os.walk(copy) for name in files if name.endswith(".py")]
        with e2e.Daemon("--no-cache", "--workers", "2") as daemon:
            run = subprocess.run([e2e.CLIENT, "-k", "--python", version, "-"], input="\n".join(names).encode(),
                                 capture_output=True, env=daemon.environment)
            counters = daemon.status()["counters"]
        found = subprocess.run([python, "-c", COMPARE, copy], capture_output=True, text=True)
        self.assertEqual(found.returncode, 0, found.stderr)
        stderr = run.stderr.decode("utf-8", "surrogateescape")
        refused = 0
        for line in found.stdout.splitlines():
            kind, path, text = json.loads(line)
            if kind == "seen":
                self.assertEqual(text, counters["compiled"])
                self.assertGreater(text, 400)
            else:
                self.assertEqual(kind, "refused", (path, text))
                self.assertIn(text.encode("utf-8", "backslashreplace").decode(), stderr)
                refused += 1
        self.assertEqual(run.returncode, 1 if refused else 0, stderr[-2000:])
        self.assertEqual(counters["compile_errors"], refused)
    return test


for _version, _python in e2e.pythons().items():
    setattr(StandardLibrary, "test_" + _version.replace(".", "_"), make_test(_version, _python))

if __name__ == "__main__":
    e2e.main()
