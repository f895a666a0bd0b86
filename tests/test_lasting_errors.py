"""Errors that the cache keeps: a source that was refused once is refused without compiling, under any name, in the words of a
compile. What depends on the machine or on the moment is not kept.

PYCOMPILED_LASTING_ERRORS=1 is the long run, with more names and files."""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e
from e2e_support import Daemon
from test_cache import NAMES, on_every_version

FULL = "PYCOMPILED_LASTING_ERRORS" in os.environ

# Each source compiles to the same error always.
LASTING = {
    "parser": b"x = 1\nx = (\n",
    "print": b"def f():\n    print 'hello'\n",
    "indent": b"if x:\npass\n",
    "dedent": b"if x:\n        pass\n    y\n",
    "tabs": b"if x:\n        a\n\tb\n",
    "compiler": b"def f():\n    yield\nreturn 1\n",
    "symbols": b"def f():\n    x = 1\n    global x\n",
    "null": b"x = 1\0\n",
    "utf8": b"x = 1\ny = '\xe9'\n",
    "wide": "x = 'é\U0001f40d' é é\n".encode(),
    "crlf": b"x = 1\r\nx = = 2\r\ny\r\n",
    "mark": b"\xef\xbb\xbfx = 1\nx y\n",
    "latin": "# coding: latin-1\nx = '\xe9'\nx y\n".encode("latin-1"),
    "end": b"try:\n    x = 1\n",
    "string": b"x = '''abc\n\n",
    "named": b"x = '/d/a.py', 'a.py' )\n",
    "escape": b"x = '\\x1'\n",
    "number": b"x = 0777\n",
    "warns": b"x = '\\d' is '\\y'\nif x == '\\z':\n    y = 1 is 1\nreturn\n",
    "warns on a line": b"def f():\n    return 1 is 1, 2 is 2\ny = 1 is 1\nnonlocal z\n",
}
# Warnings, which an option makes errors. The kind of warning, and whether there is one, depends on the version.
WARNING = {"identity": b"x = 1\ny = 1 is 1\n", "call": b"x = 1\n\ny = 'a' (x)\nz = '\\d'\n"}
# Names of other files.
DFILES = ("/d/a.py", "relative.py", "<string>", "é.py", "\udcff.py")
OPTIONS = ([], ["default"], ["error"], ["error::SyntaxWarning"], ["ignore"], ["always", "error::DeprecationWarning"], ["error:::other"])
FLEETING = {
    "codec": b"# coding: no-such\nx\n",
    "mark and codec": b"\xef\xbb\xbf# coding: latin-1\nx y\n",
    "stack": b"x = " + b"-" * 100000 + b"1\n",
    "long line": b"x = '" + b"a" * 2000 + b"' y\n",
    "first line with a mark": b"\xef\xbb\xbfx y\n",
}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def write(self, name, data):
        return e2e.write_file(self.folder, name, data)

    def plain(self, connection, **request):
        """The error of a compile, and whether the cache had it."""
        error = connection.call("compile", request)["error"]
        return error, error["data"].pop("cached", False)


class Words(Case):
    RELATIVE = ("a.py", NAMES[1], "odd \"'<string>(), line 3.py")

    def check(self, connection, request, *, kept=True):
        """The error is the one that a compile gives; the second time it is the cache's (or the first, if another name had it)."""
        wanted, cached = self.plain(connection, **dict(request, cache="bypass"))
        self.assertFalse(cached)
        first, _ = self.plain(connection, **request)
        again, cached = self.plain(connection, **request)
        self.assertEqual(first, wanted, request)
        self.assertEqual(again, wanted, request)
        self.assertEqual(cached, kept, request)

    def requests(self, version, name, data, options):
        """One source at several places, by absolute and by relative names, under its own name and others."""
        for place in ["a.py", *NAMES, "odd \"'<string>(), line 3.py", "new\nline.py"]:
            folder = os.path.join(self.folder, version, name.replace(" ", "-"))
            path = self.write(os.path.join(folder, place), data)
            base = {"cwd": folder, "python": version, "warnings": options}
            for file in (path, place, "./" + place) if FULL or place in self.RELATIVE else (path,):
                yield dict(base, file=file), "<string>" not in place
        for dfile in DFILES:
            yield dict(base, file=path, dfile=dfile), False
        yield dict(base, file=path, dfile=path), "<string>" not in path
        yield dict(base, file=path, optimize=2), "<string>" not in path

    @on_every_version
    def test_as_compiled(self, version, python):
        with Daemon() as daemon, daemon.connect() as connection:
            for name, data in LASTING.items():
                for request, kept in self.requests(version, name, data, []):
                    self.check(connection, request, kept=kept)
            self.assertGreater(daemon.status()["counters"]["cached_errors"], 0)

    @on_every_version
    def test_options(self, version, python):
        """A warning that an option makes an error, and warnings before an error."""
        sources = {name: LASTING[name] for name in ("warns", "warns on a line", "parser", "indent")} | WARNING
        with Daemon() as daemon, daemon.connect() as connection:
            for name, data in sources.items():
                for options in OPTIONS:
                    for request, kept in list(self.requests(version, name, data, options))[:None if FULL else 5]:
                        if "error" in connection.call("compile", dict(request, cache="bypass")):
                            self.check(connection, request, kept=kept)
                    # A filter for a module is a filter for a name.
                    for place in ("a.py", "b.py"):
                        path = self.write(os.path.join(version, name.replace(" ", "-"), place), data)
                        request = {"file": path, "python": version, "warnings": [*options, "error:::" + path[:-4] + "a"]}
                        answers = [connection.call("compile", dict(request, cache=use)) for use in ("bypass", "use", "use")]
                        if "error" in answers[0]:
                            answers[2]["error"]["data"].pop("cached")
                            self.assertEqual([answer["error"] for answer in answers[1:]], [answers[0]["error"]] * 2)

    @on_every_version
    def test_names_in_the_words(self, version, python):
        """A name that the words of an error hold anyway, and words that py_compile takes for a name."""
        sources = (b"def f(a, a): pass\n", b"from __future__ import a\n", b"x = 'File \"<string>\"' (\n", b"def invalid(a, a): pass\n")
        with Daemon() as daemon, daemon.connect() as connection:
            for number, data in enumerate(sources):
                for place in ("a", "b", "a.py", "invalid", "syntax", "n", "<a>", "<string>", "File \"<string>\""):
                    folder = os.path.join(self.folder, version, str(number))
                    self.write(os.path.join(folder, place), data)
                    request = {"file": place, "cwd": folder, "python": version}
                    wanted, _ = self.plain(connection, **dict(request, cache="bypass"))
                    for _ in range(2):
                        self.assertEqual(self.plain(connection, **request)[0], wanted, (data, place))

    @on_every_version
    def test_mutations(self, version, python):
        """Broken files of the library: nearly every error is kept, and each is the compile's."""
        count = kept = 0
        with Daemon() as daemon, daemon.connect() as connection:
            for path in sorted(glob.glob(os.path.join(e2e.library_folder(python), "*.py")))[::1 if FULL else 8]:
                with open(path, "rb") as file:
                    data = file.read()
                for change in (lambda d: d[:len(d) // 2], lambda d: d.replace(b"(", b"[", 1), lambda d: d.replace(b":\n", b"\n", 1),
                               lambda d: d.replace(b"    ", b"\t", 3)):
                    count += 1
                    one, two = (self.write("%s/%d/%s.py" % (version, count, name), change(data)) for name in ("one", "a/longer/two"))
                    if "error" not in connection.compile(one, python=version):
                        count -= 1
                        continue
                    error, cached = self.plain(connection, file=two, python=version)
                    kept += cached
                    wanted, _ = self.plain(connection, file=two, python=version, cache="bypass")
                    self.assertEqual(error, wanted)
        self.assertGreater(count, 20)
        self.assertGreater(kept, count * 0.9)


class Programs(Case):
    """The command lines, at every level of quiet, against a fresh python."""

    def fill(self, folder):
        for number, data in enumerate([*LASTING.values(), *WARNING.values()]):
            self.write("%s/tree/é %d/a.py" % (folder, number), data)
        return os.path.join(self.folder, folder)

    def run_in(self, folder, environment, *command):
        run = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return run.returncode, run.stdout, run.stderr

    @on_every_version
    def test_pycompile_client(self, version, python):
        clean = dict(os.environ, PYTHONUTF8="1")
        folder = self.fill("files")
        with Daemon() as daemon:
            ours = dict(daemon.environment, PYCOMPILED_AUTOSTART="0")
            for number in range(0, len(LASTING) + len(WARNING), 1 if FULL else 3):
                for options, quiet in (([], []), (["-Werror"], []), (["-Wdefault"], []), (["-Wdefault"], ["-q"])):
                    if version == "3.9":
                        quiet = []  # its py_compile has another command line
                    file = "tree/é %d/a.py" % number
                    wanted = self.run_in(folder, clean, python, *options, "-m", "py_compile", *quiet, file)
                    if version == "3.9":  # one more newline
                        wanted = *wanted[:2], wanted[2].rstrip(b"\n")
                    for _ in range(2):
                        got = self.run_in(folder, ours, e2e.CLIENT, "--python", version, *options, *quiet, file)
                        if version == "3.9":
                            got = *got[:2], got[2].rstrip(b"\n")
                        self.assertEqual(got, wanted, (file, options, quiet))
            self.assertGreater(daemon.status()["counters"]["cached_errors"], 5)

    def test_pycompileall_client(self):
        version, python = next(iter(e2e.pythons().items()))
        folder = self.fill("all")
        with Daemon() as daemon:
            ours = dict(daemon.environment, PYCOMPILED_AUTOSTART="0")
            clean = dict(os.environ, PYTHONUTF8="1")
            for options in ([], ["-Werror"]):
                for quiet in ([], ["-q"], ["-qq"]):
                    wanted = self.run_in(folder, clean, python, *options, "-m", "compileall", "-f", *quiet, "tree")
                    shutil.rmtree(os.path.join(folder, "tree"))
                    self.fill("all")
                    for _ in range(2):
                        got = self.run_in(folder, ours, e2e.COMPILEALL, "-f", "--python", version, *options, *quiet, "tree")
                        self.assertEqual((got[0], sorted(got[1].splitlines())), (wanted[0], sorted(wanted[1].splitlines())))
                        self.assertEqual(sorted(got[2].splitlines()), sorted(wanted[2].splitlines()))
            self.assertGreater(daemon.status()["counters"]["cached_errors"], len(LASTING))


class NotKept(Case):
    def entries(self, daemon):
        run = subprocess.run([e2e.CTL, "cache", "--json", "stats"], env=daemon.environment, stdout=subprocess.PIPE, check=True)
        return json.loads(run.stdout)["entries"]

    @on_every_version
    def test_what_depends_on_the_machine(self, version, python):
        with Daemon() as daemon, daemon.connect() as connection:
            for name, data in FLEETING.items():
                path = self.write("%s/%s.py" % (version, name), data)
                for _ in range(2):
                    answer = connection.compile(path, python=version)
                    self.assertIn("error", answer, name)
                    self.assertNotIn("cached", answer["error"].get("data") or {}, name)
            self.assertEqual(self.entries(daemon), 0)
            self.assertEqual(daemon.status()["counters"]["cached_errors"], 0)

    @on_every_version
    def test_what_is_no_error_of_the_compiler(self, version, python):
        with Daemon() as daemon, daemon.connect() as connection:
            broken = self.write(version + "/a.py", b"x = (\n")
            for request in ({"file": self.folder + "/none.py"}, {"file": broken, "source": "x = (\n"}, {"file": broken, "write": False},
                            {"file": broken, "cfile": self.folder}, {"file": broken, "cache": "bypass"}, {"file": broken, "dfile": "other.py"}):
                for _ in range(2):
                    error = connection.call("compile", dict(request, python=version))["error"]
                    self.assertNotIn("cached", error["data"])
            self.assertNotIn("cached", connection.call("check", {"file": broken, "python": version})["error"]["data"])
            self.assertEqual(self.entries(daemon), 0)
            # A place that cannot be written to is refused first, as py_compile does.
            self.plain(connection, file=broken, python=version)
            self.assertTrue(self.plain(connection, file=broken, python=version)[1])
            link = os.path.join(self.folder, version, "link")
            os.symlink("a.py", link)
            error = connection.compile(broken, cfile=link, python=version)["error"]
            self.assertEqual(error["data"]["type"], "FileExistsError")
            # A place that only a write would refuse is not reached.
            self.assertEqual(self.plain(connection, file=broken, cfile="/dev/null/a.pyc", python=version)[1], True)

    @on_every_version
    def test_refresh(self, version, python):
        with Daemon() as daemon, daemon.connect() as connection:
            path = self.write(version + "/a.py", b"x = (\n")
            for use, kept in (("refresh", False), ("use", True), ("refresh", False), ("bypass", False), ("use", True)):
                self.assertEqual(self.plain(connection, file=path, python=version, cache=use)[1], kept)
            self.write(version + "/a.py", b"x = 1\n")
            self.assertEqual(connection.compile(path, python=version)["result"]["outcome"], "compiled")
            counters, cache = daemon.status()["counters"], daemon.status()["cache"]
            self.assertEqual((counters["compile_errors"], counters["cached_errors"], cache["hits"]), (5, 2, 2))


if __name__ == "__main__":
    e2e.main()
