"""Every kind of file that docs/exactness.md names, shuffled, on warm workers: exit status, output and bytes are those of a fresh
`python -m py_compile` each. Files share their names and strings, so that what one leaves behind would show in the next.

PYCOMPILED_KINDS     how many files a version (default 60)
PYCOMPILED_SEED      where the seeds start (default 1)
PYCOMPILED_PYTHONS   these versions alone: 3.13,3.11
PYCOMPILED_KEEP      a folder for the sources that differ"""
import os
import random
import subprocess
import tempfile
import unittest

import e2e_support as e2e
import test_mutation

COUNT = int(os.environ.get("PYCOMPILED_KINDS", "60"))
SEED = int(os.environ.get("PYCOMPILED_SEED", "1"))

# Names of the library that are alive in a fresh process or only after a warning was shown, and names that are nobody's.
NAMES = ["Untokenizer", "compat", "TokenInfo", "exact_type", "updatecache", "getline", "detect_encoding", "find_cookie", "cookie_re",
         "blank_re", "read_or_stop", "ArgumentParser", "add_argument", "cmp_to_key", "randint", "nchypergeom_fisher", "K", "mro",
         "foo", "bar_baz", "quux%d", "corge%d", "utf_8_sig", "getregentry", "StreamReader", "lookup", "normalize", "ucd_3_2_0", "a", "é",
         "ÿ", "λ", "name", "text", "lineno", "category", "line", "perror", "main"]
STRINGS = ["a", "b", "é", "\\xe9", "ÿ", "{", "}", "{}", "", " ", "main.<locals>.perror", "Untokenizer.compat", "<module>", "<lambda>",
           "case.py", "case", "./case.py", "foo.<locals>.bar_baz", "foo.bar_baz", "K.mro", "not a name", "λ", ".0", "1"]


class Source:
    """One file, made of a few pieces."""

    def __init__(self, seed, version):
        self.rng = random.Random("kinds %s" % seed)
        self.version = version
        self.number = seed

    def name(self):
        name = self.rng.choice(NAMES)
        return name % self.rng.randrange(9) if "%" in name else name

    def plain_name(self):
        """One that cannot be taken for Latin-1."""
        while not (name := self.name()).isascii():
            pass
        return name

    def string(self):
        return "'%s'" % (self.plain_name() if self.rng.random() < 0.7 else self.rng.choice(STRINGS))

    def constant(self):
        # Up to 3.10 a set is marshalled in the order of its hashes, and that of None is its address, which varies.
        none = "None" if e2e.version_tuple(self.version) >= (3, 11) else "2.5"
        return self.rng.choice([self.string, self.string, lambda: str(self.rng.randrange(400)), lambda: "1.5", lambda: none,
                                lambda: "b'%s'" % self.plain_name()])()

    def elements(self):
        return [self.constant() for _ in range(self.rng.randrange(1, 5))]

    def ordinary(self):
        return "def %s(%s, *, %s=%s):\n    return %s.%s, %s, [%s for %s in %s]\n" % (
            self.plain_name(), "p", "q", self.constant(), self.plain_name(), self.plain_name(), self.constant(), self.plain_name(),
            self.plain_name(), self.plain_name())

    def sets(self):
        """Equal sets in two code objects, with and without one of their strings having been a name before."""
        elements = self.elements()
        other = elements[:]
        if self.rng.random() < 0.3:
            self.rng.shuffle(other)
        pattern = self.rng.choice(["def f%d(x): return x in {%s}\n", "f%d = lambda x: x in {%s}\n", "class f%d:\n    y = x in {%s}\n",
                                   "def f%d():\n    for i in {%s}: pass\n", "f%d = [i for i in x if i in {%s}]\n",
                                   "def f%d(x): return x in {%s, (1, 'in_a_tuple')}\n", "def f%d(x): return x == {%s, 'three', 3}\n"])
        before = "%s = 1\n" % self.plain_name() if self.rng.random() < 0.3 else ""
        after = "%s = 1\n" % self.plain_name() if self.rng.random() < 0.3 else ""
        times = self.rng.choice([2, 2, 3])
        return before + "".join(pattern % (i, ", ".join(elements if i % 2 else other)) for i in range(times)) + after

    def nested(self):
        """Classes whose qualified name is a constant."""
        outer, inner = self.plain_name(), self.plain_name()
        lines = ["class %s:\n    class %s:\n        x = %s\n", "def %s():\n    class %s:\n        x = %s\n    return %s\n"]
        text = self.rng.choice(lines)
        text = text % (outer, inner, self.string(), inner) if text.count("%s") == 4 else text % (outer, inner, self.string())
        return text + ("x = '%s.%s', '%s.<locals>.%s'\n" % (outer, inner, outer, inner) if self.rng.random() < 0.5 else "")

    def warns(self):
        return self.rng.choice([
            "x = '\\d%s'\n" % self.plain_name(), "x = '''\n\n\\w %s\n'''\n" % self.plain_name(), "assert (%s, %s)\n" % ("x", self.string()),
            "x = 1 is %s\n" % self.rng.choice(["1", "'a'", "()"]), "x = %s('%s')\n" % ("[]", "y"), "def f():\n\treturn 'é' is \"\\q\"\n",
            "  \nif x is 3: pass\n", "x = b'\\z'; y = '\\777'\n", "x = f'{y}\\s'\n", "def f():\n    try: pass\n    finally: return 1\n",
            "x = 0x1for x in y\n", "\f\nx = 'a' is x\n", "x = '\\d' # %s\r\n" % ("é" * 30), "x = ~True\n", "x = '\u2028', '\\d'\n",
            "x = (\n  'a'\n  '\\d'\n)\n", "print(1 is 1, 2 is 2,\n  3 is 3)\n"])

    def errors(self):
        return self.rng.choice([
            "x = = 1\n", "return 1\n", "x = '\0'\n", "def f():\npass\n", "if x:\n\ty\n        z\n", "x = 'é\n", "x = (1,\n", "x = $\n",
            "def f(a, a): pass\n", "def f():\n    global x\n    x = 1\n    nonlocal y\n", "x = '\\N{no such name}'\n", "f'{a b}'\n",
            "x = 1e\n", "λ = λ = = λ  # %s\n" % ("ü" * 20), "class C: yield 1\n", "from __future__ import nothing\n", "x = '''\n\n\n",
            "*x = 1\n", "async def f(): [await x for x in y]\nawait z\n", "x = 1__0\n",
            "print 'hello'\n", "def f(*): pass\n", "x = {**a for a in b}\n", "break\n", "   x = 1\n", "x = '\udc80'\n", "None = 1\n"])

    def latin(self):
        return self.rng.choice(["é = 1\n", "def f(ÿ): return ÿ\n", "x.é\n", "f(é=1)\n", "x = 'é', '\\xe9', 'ÿ'\n", "def f(): return 'é'\n",
                                "e\u0301 = 2\n", "x = f'{é}'\n", "import é\n", "x = 'aé'[1]\n", "global_é = 'é'\n", "class ÿ: x = 'ÿ'\n"])

    def imports(self):
        return self.rng.choice(["x = '\\N{DASH}'\n", "λ = 1\n", "x = '\\N{DIGIT ONE}', 'lookup'\n", "def λλ(ππ): return ππ\n"])

    def make(self):
        kinds = [self.ordinary, self.sets, self.nested, self.warns, self.errors, self.latin, self.imports]
        pieces = [self.ordinary() for _ in range(self.rng.randrange(3))]
        weights = [1, 5, 3, 4, 2, 2, 1]
        for kind in self.rng.choices(kinds, weights, k=self.rng.choice([1, 1, 1, 2, 2, 3])):
            pieces.insert(self.rng.randrange(len(pieces) + 1), kind())
        text = "".join(pieces)
        chance = self.rng.random()
        if chance < 0.04:
            return ("# coding: latin-1\n" + text).encode("latin-1", "replace")
        if chance < 0.08:
            return b"# coding: %s\n" % self.rng.choice([b"utf-8", b"ascii", b"utf8", b"nonsense", b"utf-8-sig", b"rot13", b"cp1252"]) + \
                text.encode("utf-8", "surrogateescape")
        if chance < 0.12:
            return b"\xef\xbb\xbf" + text.encode("utf-8", "surrogateescape")
        if chance < 0.15:
            text = text.replace("\n", self.rng.choice(["\r\n", "\r"]))
        if chance > 0.95:
            text = text.rstrip("\n")
        return text.encode("utf-8", "surrogateescape")


class Kinds(unittest.TestCase):
    """Names that a .pth file's imports leave would show in the equal sets here."""
    compare = test_mutation.Mutation.compare
    make_measure = staticmethod(lambda version, python, folder: e2e.empty_python(python, folder))

    def test_status_tells_why(self):
        """The files that a pristine process compiles are counted by reason; ordinary kinds are none of them."""
        sources = {"exact_warnings": "# coding: utf-7\nx = 1 is 1\n", "exact_options": "x = 1\n"}
        others = ["x = 1\n", "x = 1 is 1\n", "x = = 1\n", "x = '\\0'\n", "def f(x): return x in {'foo'}\ndef g(x): return x in {'foo'}\n",
                  "# coding: latin-1\nx = 1 is 1\n", "é = 1\n"]
        for version in e2e.pythons():
            if e2e.version_tuple(version) < (3, 11):
                continue
            with self.subTest(version), e2e.Daemon("--no-cache") as daemon, daemon.connect() as connection:
                for number, text in enumerate(others):
                    name = os.path.basename(daemon.file("%d.py" % number, text))
                    connection.compile(name, cwd=daemon.folder, python=version, warnings=["default", "error::no.such.Category"])
                    connection.compile(name, cwd=daemon.folder, python=version, warnings=["default"], dfile="/nowhere/x.py")
                self.assertEqual(daemon.status()["counters"]["exact"], 0)
                for reason, text in sources.items():
                    options = ["error::json.decoder.JSONDecodeError"] if reason == "exact_options" else []
                    connection.compile(daemon.file(reason + ".py", text), python=version, warnings=options)
                    self.assertEqual(daemon.status()["counters"][reason], 1)
                self.assertEqual(daemon.status()["counters"]["exact"], len(sources))

    def test_lines_in_other_encodings(self):
        """Warnings show their line as linecache decodes it, in place from 3.11 on."""
        encodings = ["latin-1", "ISO_8859_1", "iso-8859-15", "cp1252", "windows-1251", "koi8_r", "cp437", "euc_jp", "Shift_JIS", "cp932",
                     "gbk", "gb2312", "big5", "euc-kr", "cp949", "ascii", "us-ascii", "utf8", "utf-7", "utf-8-sig", "latin-1-unix", "nonsense"]
        sources = []
        for encoding in encodings:
            def text(letters, encoding=encoding):
                try:
                    return letters.encode(encoding)
                except (LookupError, UnicodeEncodeError):
                    return b"-"
            sign = text("\u00e9\u3042\u0436") if encoding == "gbk" else text("é") if text("é") != b"-" else text("あж")
            head = b"# coding: " + encoding.encode()
            sources += [head + b"\nx = 1 is 1 # " + sign + b"\n", b"#\n" + head + b" " + sign + b"\r\nx = '" + sign + b"' is 1",
                        head + b"\rx = 1 is 1 # " + sign + b"\rx = 2 is 2\r"]
        sources += [b"# \xe9\n# coding: latin-1\nx = 1 is 1\n", b"x = 1 is 1\n# coding: latin-1 \xc3\xa9\nx = 2 is 2\n",
                    b"# coding: latin-1\nx = 1 is 1 # \x85 \x0c \x1c\nx = 2 is 2\n", b"# coding: cp1252\nx = 1 is 1 # \x81\n",
                    b"# coding: euc-jp\nx = 1 is 1 # \xa4\n", b"# coding: latin-1 coding: ascii\nx = 1 is 1 # \xe9\n"]

        def cases(comparison):
            comparison.run_all(lambda number: comparison.case(number, sources[number], repr(sources[number]),
                                                              environment={"PYTHONWARNINGS": "default"}), range(len(sources)))

        for version, python in e2e.pythons().items():
            if version in os.environ.get("PYCOMPILED_PYTHONS", version).split(","):
                with self.subTest(version):
                    self.compare(version, python, cases)

    def test_a_name_that_no_file_has(self):
        """Warnings of a source that is compiled under the absolute name of no file have no line."""
        script = "import py_compile, sys; py_compile.compile(sys.argv[1], dfile=sys.argv[2], cfile=sys.argv[3])"
        for version, python in e2e.pythons().items():
            with self.subTest(version), tempfile.TemporaryDirectory() as folder, e2e.Daemon("--no-cache") as daemon, \
                    daemon.connect() as connection:
                here, there = os.path.join(folder, "x.py"), os.path.join(folder, "x.pyc")
                with open(here, "w", encoding="utf-8") as file:
                    file.write("x = 1 is 1\n")
                for dfile in ("/nowhere/x.py", here, os.path.join(folder, "other.py"), "nowhere.py"):
                    real = subprocess.run([python, "-W", "default", "-c", script, here, dfile, there], cwd=folder, text=True,
                                          capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": "0"}).stderr
                    answer = connection.compile(here, cwd=folder, dfile=dfile, cfile=there, python=version, warnings=["default"])
                    self.assertEqual([w["text"] for w in answer["result"]["warnings"]], [real], dfile)

    @unittest.skipUnless("3.12" in e2e.pythons(), "on CPython 3.12 alone workers wait for such a source")
    def test_names_of_one_latin_letter_hold_nobody_up(self):
        """While the compiler waits for the file with the line of an error, the other workers go on."""
        with e2e.Daemon("--no-cache", "--workers", "2") as daemon, daemon.connect() as slow, daemon.connect() as other:
            pipe = os.path.join(daemon.folder, "pipe")
            os.mkfifo(pipe)
            slow.request("compile", {"file": daemon.file("a.py", "é = 1\nreturn\n"), "dfile": pipe, "python": "3.12"})
            with open(pipe, "wb"):  # which waits for the compiler
                for number in range(4):
                    answer = other.compile(daemon.file("b%d.py" % number, "x = 1\n"), python="3.12", priority="interactive")
                    self.assertIn("result", answer)
                os.unlink(pipe)
            self.assertEqual(slow.receive()["error"]["code"], -32001)

    def test_false_memory_error(self):
        """A source on which py_compile ends in a MemoryError that is none (up to 3.13): the last line of its traceback is ours."""
        source = b"y = 5 in {1e400*0j, (1e400*0j), -(1e400*0j)}\n"
        for version, python in e2e.pythons().items():
            if e2e.version_tuple(version) < (3, 11):
                continue  # there is none, and the order of these elements, which are hashed by their address, varies
            with self.subTest(version), tempfile.TemporaryDirectory() as folder, e2e.Daemon("--no-cache") as daemon:
                with open(os.path.join(folder, "case.py"), "wb") as file:
                    file.write(source)
                real = test_mutation.run([python, "-m", "py_compile", "case.py"], folder, daemon.environment)
                ours = test_mutation.run([e2e.CLIENT, "--python", version, "case.py"], folder, daemon.environment)
                real["stderr"] = b"".join(real["stderr"].splitlines(True)[-1:])
                self.assertEqual(real, ours)


def make_kinds(version, python):
    def test(self):
        def cases(comparison):
            def one(number):
                seed = "%s %d" % (version, number)
                data = Source(seed, version).make()
                call = test_mutation.variation(seed, version)
                comparison.case(number, data, "%r; %s" % (data[:300], call), **call)
            comparison.run_all(one, range(SEED, SEED + COUNT))

        self.compare(version, python, cases)
    return test


for _version, _python in e2e.pythons().items():
    if _version in os.environ.get("PYCOMPILED_PYTHONS", _version).split(","):
        setattr(Kinds, "test_kinds_" + _version.replace(".", "_"), make_kinds(_version, _python))

if __name__ == "__main__":
    e2e.main()
