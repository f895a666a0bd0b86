"""The list of names in host/exactness.c that showing a warning interns, because a fresh process imports linecache and tokenize for the
line, against what each Python really interns. A class within a class or function whose qualified name is among them needs a pristine
process (docs/exactness.md), so the list must be complete."""
import json
import os
import re
import subprocess
import tempfile
import unittest

import e2e_support as e2e

# Prints which of the strings on standard input are interned: in the state of `python -m py_compile`, or once it has shown a warning. A
# string is, where interning an equal new one gives another object. Without input prints the strings of the modules that were imported.
PROBE = """
import runpy, py_compile, argparse, shutil, sys
before = set(sys.modules)
if sys.argv[1] == "shown":
    py_compile.compile(sys.argv[2], cfile=sys.argv[2] + "c")
new = [sys.modules[name] for name in sorted(set(sys.modules) - before)]
import json

def strings(value, found):
    if isinstance(value, str):
        found.add(value)
    elif isinstance(value, (tuple, frozenset)):
        for item in value:
            strings(item, found)
    elif hasattr(value, "co_code"):
        for name in ("co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_name", "co_qualname", "co_filename"):
            strings(getattr(value, name), found)
    return found

def is_interned(text):
    copy = "".join(list(text))
    return sys.intern(copy) is not copy

wanted = json.load(sys.stdin)
if wanted is None:
    found = set(sys.modules)
    for module in new:
        strings(tuple(str(value) for value in vars(module)), found)
        loader = getattr(module, "__loader__", None)
        code = loader.get_code(module.__name__) if hasattr(loader, "get_code") else None
        strings(code, found)
    print(json.dumps(sorted(found)))
else:
    print(json.dumps([text for text in wanted if is_interned(text)]))
"""
QUALIFIED = re.compile(r"[^\W\d]\w*(\.<locals>)?(\.[^\W\d]\w*(\.<locals>)?)*\.[^\W\d]\w*")


def heads():
    """The list in the host."""
    with open(os.path.join(os.path.dirname(e2e.SOURCE), "host", "exactness.c"), encoding="utf-8") as file:
        listed = re.search(r"\*const heads\[\] = \{([^}]*)\};", file.read())[1]
    return tuple(re.findall(r'"([^"]+)"', listed))


class Names(unittest.TestCase):
    def probe(self, python, state, wanted):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run([python, "-I", "-W", "default", self.probe_file, state, self.source], input=json.dumps(wanted), env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
        return json.loads(done.stdout)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = e2e.write_file(folder.name, "x.py", "x = 1 is 1\n")
        self.probe_file = e2e.write_file(folder.name, "probe.py", PROBE)  # from 3.14 on the option -c imports linecache

    def test_list_is_complete(self):
        """From 3.13 on; earlier versions do not ask the list."""
        listed = heads()
        self.assertIn("TokenInfo.", listed)
        tried = 0
        for version, python in e2e.pythons().items():
            if e2e.version_tuple(version) < (3, 13):
                continue
            tried += 1
            with self.subTest(version):
                candidates = self.probe(python, "shown", None)
                qualified = [text for text in candidates if QUALIFIED.fullmatch(text)]
                before = set(self.probe(python, "fresh", qualified))
                after = [text for text in self.probe(python, "shown", qualified) if text not in before]
                if e2e.version_tuple(version) == (3, 13):  # later py_compile imports both modules before it compiles
                    self.assertIn("Untokenizer.compat", after)
                self.assertEqual([text for text in after if not text.startswith(listed)], [])
        if tried == 0:
            self.skipTest("no Python here asks the list")


if __name__ == "__main__":
    e2e.main()
