"""The canonical form of .pyc files: the same bytes from a fresh interpreter and from one that has compiled and imported much
and hashes otherwise; code that is equal to the compiler's; a form of which it is the canonical form itself. For every
Python that there is a host for; a sample of its standard library, or with PYCOMPILED_CANONICAL=N so many files of it."""
import glob
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unittest

import e2e_support as e2e

STREAMS = os.path.join(e2e.BUILD, "tests", "pyc_streams")
HEADER = 16  # bytes of a .pyc before its stream
SAMPLE = int(os.environ.get("PYCOMPILED_CANONICAL", "60"))

SOURCES = {
    "constants.py": "a = ('x y', 1.5, -0.0, 0.0, 2j, 10**40, b'x', (1, (2, 'x y')), ..., None, True)\n"
                    "b = ['x y', 1.5, (1, (2, 'x y')), 'a', '.', '\\xe9', '\\u20ac', '\\ud800', '']\n",
    "sets.py": "def f(x): return x in {'b', 'a', 'x y', 1, 2.5, (1, 'a'), (1, 'b'), None, b'x'} or x in {'a', 'b', 'x y'}\n"
               "def g(x): return x in {'a', 'x y', 'b'}\n",
    "names.py": "import os.path\nclass K:\n    x = 'K.f'\n    def f(self): return [y for y in '.0' if (lambda: y)()]\n"
                "def o():\n    class L:\n        def m(self): return 'o.<locals>.L', 'o.<locals>.L.m'\n    return L, 'o.<locals>.L'\n",
    "same.py": "def f(): return 'abc d'\ndef g(): return 'abc d'\nf = lambda: ('abc d', 5000), lambda: ('abc d', 5000)\n",
    "empty.py": "",
}

# The Python in question runs this. It reads names of files and writes each one's stream after its length, or length 0
# where the file does not compile. "fresh": a process that has compiled nothing else; "used": one that keeps what it
# has compiled, and has interned what the sources may hold as constants.
COMPILE = r"""
import importlib.machinery, marshal, os, struct, sys
way, kept = sys.argv[1], []
if way == "used":
    import argparse, asyncio, collections, email, functools, json, logging, typing, unittest
    kept += [sys.intern(text) for text in ("x y", "abc d", "o.<locals>.L", ".0", "K.f", ".", "\xe9", "\u20ac", " ", "\n")]

def stream(name):
    with open(name, "rb") as file:
        data = file.read()
    try:
        code = importlib.machinery.SourceFileLoader("<py_compile>", name).source_to_code(data, name)
        kept.append(code)
        return marshal.dumps(code)
    except (SyntaxError, ValueError):
        return b""

def fresh(name):
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        with open(sender, "wb") as pipe:
            pipe.write(stream(name))
        os._exit(0)
    os.close(sender)
    with open(receiver, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    return data

sys.stderr = None
for line in sys.stdin.buffer.read().split(b"\0"):
    data = (fresh if way == "fresh" else stream)(os.fsdecode(line))
    sys.stdout.buffer.write(struct.pack("=I", len(data)) + data)
"""

# The Python in question runs this. It reads pairs of streams, each after its length, and ends with status 0 if the two
# of each pair load as equal code.
COMPARE = r"""
import marshal, struct, sys, types
data, at, streams = sys.stdin.buffer.read(), 0, []
while at < len(data):
    size, = struct.unpack_from("=I", data, at)
    streams.append(data[at + 4:at + 4 + size])
    at += 4 + size

def shape(value):
    if isinstance(value, types.CodeType):
        return [(name, shape(getattr(value, name))) for name in sorted(dir(value))
                if name.startswith("co_") and name != "co_lnotab" and not callable(getattr(value, name))]
    if isinstance(value, (tuple, list)):
        return type(value), [shape(part) for part in value]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(map(repr, map(shape, value)))
    return type(value), repr(value)

for first, second in zip(streams[::2], streams[1::2]):
    assert shape(marshal.loads(first)) == shape(marshal.loads(second))
"""


def packed(streams):
    return b"".join(struct.pack("=I", len(data)) + data for data in streams)


def unpacked(data):
    streams, at = [], 0
    while at < len(data):
        size, = struct.unpack_from("=I", data, at)
        streams.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return streams


def compiled(python, way, names, seed):
    return unpacked(subprocess.run([python, "-c", COMPILE, way], input=b"\0".join(map(os.fsencode, names)), check=True,
                                   stdout=subprocess.PIPE, env=dict(os.environ, PYTHONHASHSEED=str(seed))).stdout)


def canonical(minor, streams):
    """The canonical forms; a stream that has none fails."""
    data = subprocess.run([STREAMS, str(minor), "canonical"], input=packed(part for data in streams for part in (b"", data)),
                          check=True, stdout=subprocess.PIPE).stdout
    forms, at = [], 0
    while at < len(data):
        status, size = struct.unpack_from("=II", data, at)
        assert status == 0, "no canonical form of stream %d" % len(forms)
        forms.append(data[at + 8:at + 8 + size])
        at += 8 + size
    assert len(forms) == len(streams)
    return forms


class TestCanonical(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def files(self, python):
        for name, source in SOURCES.items():
            e2e.write_file(self.folder, name, source)
        library = e2e.library_sources(python)
        return [os.path.join(self.folder, name) for name in SOURCES] + random.Random(5).sample(library, min(SAMPLE, len(library)))

    def test_form(self):
        for version, python in e2e.pythons().items():
            with self.subTest(version=version):
                minor = int(version.partition(".")[2])
                names = self.files(python)
                fresh = compiled(python, "fresh", names, 0)
                used = compiled(python, "used", names, 1)
                pairs = [(name, *streams) for name, *streams in zip(names, fresh, used) if streams[0]]
                self.assertGreater(len(pairs), len(SOURCES) - 1 + SAMPLE // 2)
                forms = canonical(minor, [first for _, first, _ in pairs])
                others = canonical(minor, [second for _, _, second in pairs])
                self.assertEqual([name for (name, _, _), form, other in zip(pairs, forms, others) if form != other], [])
                self.assertTrue(any(first != second for _, first, second in pairs))
                self.assertEqual(canonical(minor, forms), forms)
                subprocess.run([python, "-c", COMPARE], check=True,
                               input=packed(part for (_, first, _), form in zip(pairs, forms) for part in (first, form)))


class TestOption(unittest.TestCase):
    """What a request with `canonical` writes is the canonical form of what py_compile writes."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def write_sources(self):
        sources = {**SOURCES, "warns.py": "x = '\\d', 1 is 1\n", "latin.py": "\xe9 = 'a', '\xe9'\n", "other/name": SOURCES["names.py"] + "pass\n"}
        return [e2e.write_file(self.folder, name, source) for name, source in sources.items()]

    def result(self, connection, path, **params):
        """The outcome, and the .pyc that is written."""
        params.setdefault("cfile", os.path.join(self.folder, "out.pyc"))
        answer = connection.compile(path, **params)
        self.assertIn("result", answer)
        with open(params["cfile"], "rb") as file:
            return answer["result"]["outcome"], file.read()

    def test_request(self):
        paths = self.write_sources()
        with e2e.Daemon("--workers=1") as daemon, daemon.connect() as connection:
            for version in e2e.pythons():
                minor = int(version.partition(".")[2])
                for path in paths:
                    with self.subTest(version=version, path=path):
                        _, exact = self.result(connection, path, python=version)
                        form = exact[:HEADER] + canonical(minor, [exact[HEADER:]])[0]
                        outcome, first = self.result(connection, path, python=version, canonical=True)
                        self.assertEqual((outcome, first), ("compiled", form))
                        self.assertEqual(self.result(connection, path, python=version, canonical=True), ("cached", form))
                        self.assertEqual(self.result(connection, path, python=version)[1], exact)
                    with self.subTest(version=version, path=path, what="another name"):
                        renamed = dict(python=version, dfile="/other/checkout.py")
                        _, exact = self.result(connection, path, cache="bypass", **renamed)
                        form = exact[:HEADER] + canonical(minor, [exact[HEADER:]])[0]
                        self.assertEqual(self.result(connection, path, canonical=True, **renamed)[1], form)

    def test_clients(self):
        path = self.write_sources()[2]
        with e2e.Daemon("--workers=1") as daemon, daemon.connect() as connection:
            form = self.result(connection, path, canonical=True)[1]
            exact = self.result(connection, path)[1]
            self.assertNotEqual(form, exact)
            for tool, name in ((e2e.CLIENT, path), (e2e.COMPILEALL, os.path.dirname(path))):
                more = ["-f"] if tool == e2e.COMPILEALL else []
                for option, expected in (["--canonical"], form), ([], exact):
                    subprocess.run([tool, "-q", "-Wignore", *more, *option, name], env=daemon.environment, check=True)
                    written = glob.glob(os.path.join(os.path.dirname(path), "__pycache__", "names.*.pyc"))
                    with open(written[0], "rb") as file:
                        self.assertEqual(file.read(), expected)


if __name__ == "__main__":
    unittest.main()
