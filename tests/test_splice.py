"""The cache's basis: a stream that was compiled under one file name, with another name spliced in, equals a fresh compile
under that name, byte for byte. For every Python that there is a host for; a sample of its standard library and of the
installed packages, or with PYCOMPILED_SPLICE=all every file of both."""
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unittest

import e2e_support as e2e

SPLICE = os.path.join(e2e.BUILD, "tests", "pyc_streams")
SAMPLE = 40  # files of each Python; the same from run to run
FOUND, BOUND, INVALID = range(3)

# The Python in question runs this. It does what `python -m py_compile` does, in a fork of a process that has the same
# imports and has compiled nothing, so each stream is a fresh interpreter's. It reads lines "FILE\0NAME\0NAME..." and
# writes for each name the stream after its length, or length 0 if the file does not compile.
COMPILE = r"""
import runpy, py_compile, argparse, shutil, importlib.util, os, struct, sys, warnings
warnings.simplefilter("ignore")
sys.stderr = None
out = sys.stdout.buffer

def stream(file, name):
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            cfile = sys.argv[1]
            py_compile.compile(file, cfile, name, doraise=True)
            with open(cfile, "rb") as f, open(sender, "wb") as pipe:
                pipe.write(f.read()[16:])
        finally:
            os._exit(0)
    os.close(sender)
    with open(receiver, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    return data

for line in sys.stdin.buffer:
    file, *names = map(os.fsdecode, line.rstrip(b"\n").split(b"\0"))
    for name in names:
        data = stream(file, name)
        out.write(struct.pack("=I", len(data)) + data)
    out.flush()
"""

SOURCES = {
    # Every kind of constant, names that are constants, file names that are identifiers.
    "kinds.py": "def self(a, *, b=1.5, c=2j, d=10**30, e='\\xe9', f='\\ud800', g=b'x', h=(1, (2,)), i=...):\n"
                "    'ab'; __name__; return a in {1, 2, 3} or a in {'x', 'y'} or a[1:2]\n"
                "class ab:\n    x = ['self', 'ab', '/usr/ab.py']\n"
                "    async def f(self): return [y async for y in self if (lambda: y)()]\n",
    "empty.py": "",
    "dotted.py": "import os.path\ndef self(): pass\n",
    "one.py": "x = '/usr/ab.py'\n",
    "latin.py": "# coding: latin-1\nx = '\xe9'\n".encode("latin-1"),
    "identifiers.py": "\xe9 = a = 1\ndef \xfc(\xe9): return \xe9\n".encode(),
    "warns.py": "x = '\\d'; 1 is 1\n",
}


def names_for(path):
    """Other names: shorter, an identifier or a constant of sources, longer than 255 bytes, not ASCII, not UTF-8."""
    base = os.path.basename(path)
    return [b"ac", b"ab", b"self", b"__name__", b"ab.f", b"os.path", b"/usr/ab.py", b"./" + base, b"/other/checkout" + path,
            b"/" + 21 * b"0123456789ab" + b"/a", b"/" + 21 * b"0123456789ab" + b"/ab", b"/" + 300 * b"x" + base,
            "/\xe9t\xe9/".encode() + base, "/\u4e2d\U0001f40d/".encode() + base, b"/\xff\xfe/\xc3/" + base,
            300 * "\xe9".encode() + base, b"/\xed\xa0\x80/" + base]


def read_exactly(file, count):
    data = file.read(count)
    assert len(data) == count, "it ended early"
    return data


class Compiler:
    """A process of that Python that compiles."""

    def __init__(self, python, folder):
        environment = dict(os.environ, PYTHONHASHSEED="0", PYTHONUTF8="1")
        self.process = subprocess.Popen([python, "-S", "-c", COMPILE, os.path.join(folder, "out.pyc")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def streams(self, file, names):
        self.process.stdin.write(b"\0".join([file, *names]) + b"\n")
        self.process.stdin.flush()
        out = self.process.stdout
        return [read_exactly(out, struct.unpack("=I", read_exactly(out, 4))[0]) for _ in names]


class Splicer:
    def __init__(self, minor):
        self.process = subprocess.Popen([SPLICE, str(minor), "splice"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait() == 0

    def splice(self, name, stream):
        self.process.stdin.write(struct.pack("=I", len(name)) + name + struct.pack("=I", len(stream)) + stream)
        self.process.stdin.flush()
        status, length = struct.unpack("=II", read_exactly(self.process.stdout, 8))
        return status, read_exactly(self.process.stdout, length)


def library(python):
    """The sources of that Python's standard library and of the packages that are installed beside it."""
    folder = subprocess.check_output([python, "-c", "import os; print(os.path.dirname(os.__file__))"], text=True)
    found = [os.path.join(top, name) for top, _, files in os.walk(folder.strip()) for name in files
             if name.endswith(".py") and "\n" not in top + name]
    found.sort()
    if os.environ.get("PYCOMPILED_SPLICE") != "all":
        random.Random(6).shuffle(found)
        del found[SAMPLE:]
    return found


class Splice(unittest.TestCase):
    def check(self, splicer, stream, name, wanted, may_refuse):
        """3.13 interns file names, so a name that is also an identifier or a constant is one object with it. Then, and only
        then, a splice is refused."""
        status, spliced = splicer.splice(name, stream)
        if status == BOUND:
            self.assertTrue(may_refuse, name)
        else:
            self.assertEqual(status, FOUND, name)
            self.assertEqual(spliced, wanted, name)


def make_test(version, python):
    def test(self):
        folder = tempfile.mkdtemp(prefix="pycompiled-splice-")
        self.addCleanup(shutil.rmtree, folder)
        files = library(python)
        for name, text in SOURCES.items():
            files.append(os.path.join(folder, name))
            with open(files[-1], "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
        compiled = 0
        with Compiler(python, folder) as compiler, Splicer(version.partition(".")[2]) as splicer:
            for path in map(os.fsencode, files):
                names = [path, *names_for(path)]
                streams = compiler.streams(path, names)
                if not streams[0]:
                    self.assertNotIn(os.path.basename(os.fsdecode(path)), SOURCES)
                    continue
                compiled += 1
                for name, wanted in zip(names, streams):
                    may_refuse = name != path and name in streams[0]
                    self.check(splicer, streams[0], name, wanted, may_refuse)
                    self.check(splicer, wanted, path, streams[0], may_refuse)
                self.assertEqual(splicer.splice(b"a", streams[0])[0], BOUND)
        self.assertGreater(compiled, 0.9 * len(files) - 5)
        print("%s: %d files under %d names each" % (version, compiled, len(names)))
    return test


for _version, _python in e2e.pythons().items():
    setattr(Splice, "test_" + _version.replace(".", "_"), make_test(_version, _python))

if __name__ == "__main__":
    e2e.main()
