"""What differs between versions of CPython, 3.14 and 3.15 above all: new syntax, -W options, surroundings, help texts, marshal.
Each source is compiled twice, under two names, so that the cache answers too."""
import os
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

import e2e_support as e2e
from test_client import tree, write

SPLICE = os.path.join(e2e.BUILD, "tests", "pyc_streams")
FOUND = 0  # pyc_streams' status

# Syntax that some version has first, and what a later one warns about. Older versions refuse it in their own words.
SYNTAX = {
    "t_string.py": "name = 'x'\na = t'hello {name!r:>{10}} {name=}'\nb = t''\nc = rt'\\d{name}' t'{1 + 2}'\n",
    "t_and_f.py": "a = t'x' f'y'\n",
    "t_open.py": "a = t'{'\n",
    "annotations.py": "class A:\n    x: B = 1\n    if x:\n        y: 'C' = 2\n    def f(self, a: D, *b: E, **c: [F for F in G]) -> A:\n"
                      "        z: H = a\n        return z\nk: A = A()\ndef g[T](x: T) -> T: return x\n",
    "future.py": "from __future__ import annotations\nx: undefined = 1\ndef f(a: b) -> c: pass\n",
    "except.py": "try:\n    pass\nexcept A, B:\n    pass\n",
    "except_as.py": "try:\n    pass\nexcept A, B as c:\n    pass\n",
    "finally.py": "def f():\n    for i in a:\n        try:\n            pass\n        finally:\n            continue\n"
                  "def g():\n    try:\n        pass\n    finally:\n        return 1\n",
    "escapes.py": "a = '\\d \\z'\nb = b'\\q'\nc = '\\400'\n",
    "lazy.py": "lazy import json\nlazy from os import path as p\nlazy = 1\nimport sys\n",
    "lazy_name.py": "lazy = 1\nlazy.x = lazy\nprint(lazy)\n",
    "lazy_function.py": "def f():\n    lazy import json\n",
    "lazy_modules.py": "__lazy_modules__ = ['json']\nimport json\n",
    "unpacking.py": "a = [*x for x in y]\nb = {*x for x in y}\nc = {**x for x in y}\nd = (*x for x in y)\n",
    "match_literal.py": "match a:\n    case +1: pass\n    case -1 + 2j: pass\n    case {'x': 1, **r}: pass\n",
    "slices.py": "def f(a): return a[1:2], a[::3], a[1:2, 'x'], a[b:c]\n",
    "sets.py": "def f(a): return a in {1: 2}, a in {'x', 'y'}, a in (1, 2)\n",
    "type.py": "type A[T: int = str, *U, **V] = dict[T, U]\nclass B[T = int]: pass\n",
    "nested_f.py": "a = f'{'x' + f'{'y'}'}'\nb = f'{\n1\n}'\n",
    "async.py": "async def f():\n    return [await x async for x in y]\na = [x async for x in y]\n",
    # From 3.14 on the text of a SyntaxError is found by compiling pieces of the source, which warns again.
    "hint.py": "import a\nx = 0xfor y\nfrm b import c\n",
    "hint_in_line.py": "x = 1 is 1\nfro a in b: pass\n",
    "null.py": "frozendict = 1\nx = frozendict({1: 2}) if 0 else {}\n",
}

# -W options. A message or module between slashes is a regular expression from 3.15 on. There a module is compared with
# the dotted path of the file name, less any number of folders at its beginning.
OPTIONS = ("error:/.*invalid|.*literal/:SyntaxWarning", "error:/nothing like it/:SyntaxWarning", "error:/(/:SyntaxWarning",
           'ignore:"is" with:SyntaxWarning', "ignore:/.*is. with/", "error::SyntaxWarning:warn", "error::SyntaxWarning:inner.warn",
           "error::SyntaxWarning:outer.inner.warn", "error::SyntaxWarning:other.warn", "error::SyntaxWarning:/.*inner/",
           "ignore::SyntaxWarning:/inner/", "ignore::SyntaxWarning:/.*r.w/", "error::SyntaxWarning::1", "error::SyntaxWarning::2",
           "default", "once::SyntaxWarning:/warn/")
WARNS = b"x = 1 is 1\ny = '\\d'\n"
FOLDERS = ("outer/inner", "outer/other", "inner")

# The surroundings of a daemon: none of it may change a byte or a word.
SURROUNDINGS = ({"PYTHON_LAZY_IMPORTS": "all"}, {"PYTHON_LAZY_IMPORTS": "normal"}, {"PYTHON_COLORS": "1", "FORCE_COLOR": "1"},
                {"PYTHONUTF8": "0", "LC_ALL": "C"}, {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "2"},
                {"PYTHON_GIL": "1", "PYTHON_JIT": "1", "PYTHON_CONTEXT_AWARE_WARNINGS": "1",
                 "PYTHON_THREAD_INHERIT_CONTEXT": "1"})


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_in(self, daemon, command, files, names, environment):
        """Runs a program for each name in a new folder "work". Returns all that shows of it."""
        work = os.path.join(self.folder, "work")
        os.makedirs(work)
        for name, data in files.items():
            os.makedirs(os.path.dirname(os.path.join(work, name)), exist_ok=True)
            write(work, {name: data})
            os.utime(os.path.join(work, name), (1600000000, 1600000000))
        shown = []
        for name in names:
            run = subprocess.run([*command, name], cwd=work, capture_output=True, stdin=subprocess.DEVNULL,
                                 timeout=e2e.DEADLINE, env={**daemon.environment, **environment})
            shown.append((name, run.returncode, run.stdout, run.stderr))
        found = shown, tree(work)
        shutil.rmtree(work)
        return found

    def compare(self, daemon, version, python, files, names, ours=None, **environment):
        """As py_compile in the same environment; `ours` is the client's where that differs."""
        environment = {"PYTHONHASHSEED": "0", **environment}
        real = self.run_in(daemon, [python, "-m", "py_compile"], files, names, environment)
        for _ in range(2):
            got = self.run_in(daemon, [e2e.CLIENT, "--python", version], files, names, environment if ours is None else ours)
            self.assertEqual(got, real, (version, names, environment))
        return real


def versions():
    """3.9's py_compile had another command line."""
    return [(v, python) for v, python in e2e.pythons().items() if e2e.version_tuple(v) >= (3, 10)]


class Syntax(Case):
    def test_new_syntax(self):
        with e2e.Daemon("--workers", "1") as daemon:
            for version, python in versions():
                files = {folder + name: text.encode() for folder in ("", "sub/") for name, text in SYNTAX.items()}
                shown, _ = self.compare(daemon, version, python, files, list(files))
                accepted = {name for name, status, _, _ in shown if status == 0}
                self.assertEqual("t_string.py" in accepted, e2e.version_tuple(version) >= (3, 14))
                self.assertEqual({"lazy.py", "unpacking.py"} <= accepted, e2e.version_tuple(version) >= (3, 15))

    def test_cached_under_another_name(self):
        """Every source that compiles is a hit under its second name, on the newest version too."""
        with e2e.Daemon("--workers", "1") as daemon, daemon.connect() as connection:
            for version in e2e.hosts():
                for name, text in SYNTAX.items():
                    paths = [daemon.file(os.path.join(folder, name), text) for folder in ("first", "second")]
                    answers = [connection.compile(path, python=version) for path in paths]
                    if "result" in answers[0] and not answers[0]["result"]["warnings"]:
                        self.assertEqual([a["result"]["outcome"] for a in answers], ["compiled", "cached"], (version, name))


class Warnings(Case):
    def test_options(self):
        """Two equal files in folders of other names: an option may concern one of them alone, whatever is cached."""
        names = [folder + "/warn.py" for folder in FOLDERS]
        names += [os.path.join(self.folder, "work", name) for name in names] + ["./outer/../inner/warn.py"]
        files = {folder + "/warn.py": WARNS for folder in FOLDERS}
        with e2e.Daemon("--workers", "1") as daemon:
            for version, python in versions():
                effects = {}
                for option in OPTIONS:
                    shown, _ = self.compare(daemon, version, python, files, names, PYTHONWARNINGS=option)
                    effects[option] = [status for _, status, _, _ in shown]
                self.check_effects(e2e.version_tuple(version), effects)

    def check_effects(self, version, effects):
        """The comparison is not empty: from 3.15 on these options do something."""
        new = version >= (3, 15)
        self.assertEqual(any(effects["error:/.*invalid|.*literal/:SyntaxWarning"]), new)
        self.assertEqual(effects["error::SyntaxWarning:inner.warn"][:3], [1, 0, 1] if new else [0, 0, 0])
        self.assertEqual(effects["error::SyntaxWarning:/.*inner/"][:3], [1, 0, 1] if new else [0, 0, 0])

    def test_guesses(self):
        """From 3.14 on pieces of a source with an error are compiled again, several times, for a hint: the action "once" shows
        their warnings each time."""
        files = {"case.py": b"z = b'\\q \\777', '\\400'\nx = 1 is 1\nThis is no code without a comma allowInfo (X>=7)\n"}
        with e2e.Daemon("--workers", "1") as daemon:
            for version, python in versions():
                for options in ("once", "default", "module"):
                    shown, _ = self.compare(daemon, version, python, files, list(files), PYTHONWARNINGS=options)
                    self.assertEqual(shown[0][3].count(b"<input>:1:") > 2, e2e.version_tuple(version) >= (3, 14), shown[0])

    def test_main(self):
        """The filters of a Python without options know a module by the name __main__."""
        names = ("__main__.py", "pkg/__main__.py", "__main__/__init__.py", "__main__/x.py", "pkg/x.py")
        files = {name: WARNS + b"'\\400'; 0or 1\n" for name in names}
        with e2e.Daemon("--workers", "1") as daemon:
            for version, python in versions():
                for options in ("", "default::DeprecationWarning"):
                    self.compare(daemon, version, python, files, names, PYTHONWARNINGS=options)


class Surroundings(Case):
    def test_environment_of_the_daemon(self):
        files = {name: SYNTAX[name].encode() for name in ("t_string.py", "annotations.py", "escapes.py", "lazy.py", "hint.py")}
        files["warn.py"], files["\xe9.py"] = WARNS, "\xe9 = '\xe9\\d'\nreturn \xe9\n".encode()
        files["latin.py"] = b"# coding: latin-1\nx = '\xe9\\d'\n"
        clean = {"PYTHONHASHSEED": "0"}
        for surroundings in SURROUNDINGS:
            with e2e.Daemon("--workers", "1", "--no-cache", environment=surroundings) as daemon:
                daemon.environment = {name: value for name, value in daemon.environment.items() if name not in surroundings}
                for version, python in versions():
                    self.compare(daemon, version, python, files, list(files), ours=clean)

    def test_lazy_imports_of_the_client(self):
        """The client's switches are no concern of the compiler, as in py_compile itself."""
        with e2e.Daemon("--workers", "1") as daemon:
            for version, python in versions():
                for value in ("all", "normal"):
                    self.compare(daemon, version, python, {"lazy.py": SYNTAX["lazy.py"].encode(), "warn.py": WARNS},
                                 ["lazy.py", "warn.py"], PYTHON_LAZY_IMPORTS=value)


class FreeThreaded(Case):
    """A project of a free-threaded build, such as python3.13t in PATH, is served by the default build of the version."""

    # Loads each .pyc, and says which code differs from what this interpreter makes of the source.
    COMPARE = """if True:
        import marshal, sys, sysconfig, warnings
        assert sysconfig.get_config_var("Py_GIL_DISABLED") == 1
        warnings.simplefilter("ignore")
        for path in sys.argv[1:]:
            with open(__import__("importlib.util").util.cache_from_source(path), "rb") as file:
                code = marshal.loads(file.read()[16:])
            with open(path, "rb") as file:
                if compile(file.read(), path, "exec", dont_inherit=True) != code:
                    print(path)
    """

    def test_served_by_the_default_build(self):
        found = {v: path for v in e2e.pythons() if (path := shutil.which("python%st" % v))}
        if not found:
            self.skipTest("no free-threaded Python in PATH")
        question = "import sys, importlib.util as u; print(u.MAGIC_NUMBER.hex(), sys.implementation.cache_tag)"
        for version, free in found.items():
            facts = {subprocess.check_output([python, "-c", question]) for python in (free, e2e.pythons()[version])}
            self.assertEqual(len(facts), 1, facts)
            sources = [path for path in e2e.library_sources(free) if "/test/" not in path and "lib2to3" not in path][:300]
            paths = [os.path.join(self.folder, "%d_%s" % (i, os.path.basename(path))) for i, path in enumerate(sources)]
            for path, copy in zip(sources, paths):
                shutil.copy(path, copy)
            write(self.folder, {".python-version": (version + "t\n").encode()})
            with e2e.Daemon() as daemon:
                subprocess.run([e2e.CLIENT, *paths], cwd=self.folder, env=daemon.environment, check=True, timeout=e2e.DEADLINE)
            different = subprocess.run([free, "-c", self.COMPARE, *paths], check=True, stdout=subprocess.PIPE, text=True).stdout
            self.assertEqual(different, "", version)
            write(self.folder, {"module_to_import.py": b"x = 1\n"})
            with e2e.Daemon() as daemon:
                subprocess.run([e2e.CLIENT, "module_to_import.py"], cwd=self.folder, env=daemon.environment, check=True,
                               timeout=e2e.DEADLINE)
            said = subprocess.run([free, "-v", "-c", "import module_to_import"], cwd=self.folder, check=True,
                                  stderr=subprocess.PIPE, text=True).stderr
            self.assertRegex(said, r"module_to_import\.cpython-\d+\.pyc matches")


class Help(unittest.TestCase):
    def test_options(self):
        """Each version's help names other options, or the same in other words; the clients have them all."""
        for module, program in (("py_compile", e2e.CLIENT), ("compileall", e2e.COMPILEALL)):
            ours = self.options([program, "--help"])
            for version, python in versions():
                theirs = self.options([python, "-m", module, "--help"])
                self.assertIn("--help", theirs)
                self.assertEqual(theirs - ours, set(), (version, module))

    @staticmethod
    def options(command):
        environment = dict(os.environ, COLUMNS="200", NO_COLOR="1")
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
        lines = re.findall(r"^  (-.*?)(?:  .*)?$", text, re.M)
        return {option for line in lines for option in re.findall(r"(?:^|, )(--?[\w-]+)", line)}


class Marshal(unittest.TestCase):
    # Streams that no source gives, with every type of object; with the name in argv[1].
    SCRIPT = """if True:
        import marshal, sys
        code = compile("def f(a): return a[1:2]", sys.argv[1], "exec")
        constants = [None, 1.5, 2j, b"x", "x", "\\xe9", (1,), frozenset([1]), 10**30, ..., True, *code.co_consts]
        if sys.version_info >= (3, 14):
            constants += [slice(1, 2), slice((1,), "x", None)]
        if sys.version_info >= (3, 15):
            constants += [frozendict(), frozendict({1: "x", (2,): slice(1), "y": frozendict({"x": code.co_consts[0]})})]
        sys.stdout.buffer.write(marshal.dumps(code.replace(co_consts=tuple(constants))))
    """

    def test_every_type(self):
        names = ("/first/name.py", "/another/name of other length.py")
        for version, python in versions():
            first, second = (subprocess.run([python, "-c", self.SCRIPT, name], check=True, stdout=subprocess.PIPE).stdout
                             for name in names)
            name = names[1].encode()
            records = struct.pack("=I", len(name)) + name + struct.pack("=I", len(first)) + first
            out = subprocess.run([SPLICE, version.partition(".")[2], "splice"], input=records, check=True, stdout=subprocess.PIPE).stdout
            self.assertEqual((struct.unpack("=II", out[:8]), out[8:]), ((FOUND, len(second)), second), version)


if __name__ == "__main__":
    e2e.main()
