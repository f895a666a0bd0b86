"""pycompileall-client end to end, against `python -m compileall` in equal folders: output, status, and files."""
import os
import shutil
import subprocess
import sys

import e2e_support as e2e
from compileall_support import GOOD, VERSION, Case, write


class Options(Case):
    def test_every_option(self):
        for options in (
            ["pkg"], ["."], ["-q", "pkg"], ["-qq", "pkg"], ["-l", "pkg"], ["-r", "0", "pkg"], ["-r1", "pkg"],
            ["-r", "2", "-l", "pkg"], ["-r", "-1", "pkg"], ["-f", "pkg"], ["-b", "pkg"], ["-b", "-o", "1", "pkg"],
            ["-d", "new", "pkg"], ["-d", "new", "pkg/"], ["-d", "/n", "pkg/bad.py", "pkg/sub-other"], ["-d", "", "pkg/sub"],
            ["-s", "pkg", "pkg"], ["-s", "other", "pkg"], ["-s", "other", "-q", "pkg/sub"], ["-s", "other", "-qq", "pkg/sub"],
            ["-p", "/pre", "pkg"], ["-s", "pkg", "-p", "pre/", "pkg"], ["-s", "", "pkg/sub"], ["-p", "", "pkg/sub"],
            ["-x", "bad|sub", "pkg"], ["-x", r"pkg/[^/]*\.py$", "-s", "x", "pkg"], ["-x", "(", "pkg"],
            ["-x", "(?i)UPPER|\u20ac", "pkg"], ["-i", "list"], ["-i", "list", "outside"], ["-i", "none", "pkg"],
            ["-q", "-i", "none"], ["-qq", "-i", "none"], ["-i", "nothing", "pkg/sub"],
            ["-e", "pkg", "pkg"], ["-e", "nowhere", "pkg"], ["-e", "/", "pkg"], ["-e", "", "pkg"], ["-e", "outside", "pkg"],
            ["-o", "0", "-o", "1", "-o", "2", "pkg"], ["-o2", "-o0", "-o", "2", "pkg"], ["-o", "-1", "-o", "1", "pkg"],
            ["-o", "3", "pkg/good.py"], ["-o", "1", "-o", "3", "pkg/sub"], ["-o", "-2", "pkg/sub"], ["-o", "x", "pkg"],
            ["-o0", "-o1", "-o2", "--hardlink-dupes", "pkg"], ["--hardlink-dupes", "pkg"],
            ["--hardlink", "-o0", "-o2", "pkg/good.py"],
            ["-d", "x", "-s", "y", "pkg"], ["-d", "x", "-p", "y", "pkg"], ["-j", "2", "pkg/sub/mod.py"], ["-j-1", "pkg"],
            ["-r", "x", "pkg"], ["--nonsense", "pkg"], ["-r"], ["--invalidation-mode", "x", "pkg"],
            ["--invalidation-mode", "checked-hash", "pkg"], ["--invalidation-mode=unchecked-hash", "pkg"],
            ["--invalidation-mode", "timestamp", "pkg"], ["--inv", "timestamp", "pkg/sub"],
            ["missing"], ["missing", "pkg/sub"], ["-q", "missing"], ["-qq", "missing"], ["pkg/noext", "pkg/data.txt"],
            ["pkg/linked.py", "pkg/out.py", "pkg/dangling.py"], ["pkgs"], ["pkg/loop"], ["pkg/linkdir/"], ["pkg", "pkg"],
            ["-f", "pkg", "pkg/good.py"], ["pkg/good.py", "./pkg/good.py"], ["--", "pkg/sub"], ["-lfq", "pkg"],
            ["", "pkg/sub"], ["pkg//sub/"], ["./pkg/sub"], ["../work/pkg/sub"], ["./////pkg/sub"], ["pkg/sub/../sub"],
            ["--", "-q"], ["-", "pkg/sub"], ["pkg/sub/mod.py/", "pkg/good.py/x"], ["pkg/.py", "pkg/upper.PY"],
            ["-s", "pkg/", "pkg"], ["-s", "pkg//", "pkg//sub"], ["-s", "/", "pkg/sub"], ["-s", ".", "-p", "/q", "./pkg/sub"],
            ["-s", "pkg", "-p", "", "pkg/good.py", "pkg/sub/"], ["-p", "", "pkg/good.py"],
            ["-d", "x", "pkg/good.py", "pkg/sub/"], ["-d", "x", "pkg//sub"], ["-d", "", "pkg/good.py"], ["-d", "x/", "pkg/good.py"],
            ["-x", os.fsdecode(b"bytes-\xff"), "pkg"], ["-x", r"\udcff", "pkg"], ["-x", "good$", "pkg"],
            ["-x", "^pkg/sub/", "pkg", "pkg/sub/mod.py"], ["-x", "(", "-i", "none"], ["-x", "(", "-i", "list"],
            ["-e", "pkg/sub/..", "pkg"], ["-e", "pkgs", "pkg"], ["-i", ""], ["-i", "pkg"], ["-i", "-"], ["-i", "-", "pkg/sub"],
            ["-b", "-o0", "-o1", "pkg/good.py"], ["-o-1", "-o0", "pkg/good.py"], ["-o", " 1", "pkg/good.py"], ["-o+1", "pkg/good.py"],
            ["-f", "pkg", "pkgs"], ["pkg/good.py", "pkgs/good.py", "pkg/linked.py", "pkgs/linked.py"], ["-r", "0x1", "pkg"],
            ["--w", "2", "pkg/good.py"], ["--workers=1", "pkg/good.py"], ["--h", "pkg"], ["-j", "x", "pkg"], ["-qqq", "pkg"],
        ):
            with self.subTest(options=options):
                self.compare(*options)

    def test_environment(self):
        for environment in ({"SOURCE_DATE_EPOCH": "1"}, {"SOURCE_DATE_EPOCH": ""}, {"PYTHONOPTIMIZE": "1"},
                            {"PYTHONOPTIMIZE": "2"}, {"PYTHONWARNINGS": "ignore"}, {"PYTHONWARNINGS": "error"},
                            {"PYTHONWARNINGS": "bad,once"}):
            with self.subTest(**environment):
                self.compare("pkg", **environment)

    def test_cache_prefix(self):
        prefix = os.path.join(self.work, "prefix")
        for options in (["pkg"], [os.path.join(self.work, "pkg", "sub")], ["./pkg/sub"]):
            with self.subTest(options=options):
                self.compare(*options, PYTHONPYCACHEPREFIX=prefix)
                again = self.ours("pkg/sub", PYTHONPYCACHEPREFIX=prefix)
                self.assertNotIn(b"Compiling", again.stdout)

    def test_up_to_date(self):
        def compiled(folder):
            subprocess.run([self.python, "-m", "compileall", "-q", "pkg"], cwd=folder, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, env=self.environment())

        def touched(folder):
            compiled(folder)
            os.utime(os.path.join(folder, "pkg/good.py"), (1600000000, 1600000000))

        def truncated(folder):
            compiled(folder)
            with open(os.path.join(folder, "pkg/__pycache__/good.cpython-313.pyc"), "r+b") as file:
                file.truncate(7)

        def magic(folder):
            compiled(folder)
            with open(os.path.join(folder, "pkg/__pycache__/good.cpython-313.pyc"), "r+b") as file:
                file.write(b"\0\0")

        def fraction(folder):
            path = os.path.join(folder, "pkg/good.py")
            os.utime(path, ns=(1700000000999999999, 1700000000999999999))
            compiled(folder)

        for prepare in (compiled, touched, truncated, magic, fraction):
            for options in (["pkg"], ["-o0", "-o1", "pkg"], ["-f", "pkg"], ["-b", "pkg/sub"]):
                with self.subTest(prepare=prepare.__name__, options=options):
                    self.compare(*options, prepare=prepare)

    def test_large_folders(self):
        """They are looked at from both ends; what is stale is found wherever it stands."""
        def prepare(folder):
            for number in range(240):
                path = os.path.join(folder, "large", *(["sub"] if number % 3 == 0 else []), "m%03d.py" % number)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="ascii") as file:
                    file.write("x = %d\n" % number)
                os.utime(path, (1600000000, 1600000000))
            subprocess.run([self.python, "-m", "compileall", "-q", "large"], cwd=folder, check=True, env=self.environment())
            for number in (0, 1, 30, 119, 120, 121, 122, 200, 237, 238, 239):
                os.utime(os.path.join(folder, "large", *(["sub"] if number % 3 == 0 else []), "m%03d.py" % number),
                         (1650000000, 1650000000))
            os.link(os.path.join(folder, "large/m002.py"), os.path.join(folder, "large/z.py"))
            os.rename(os.path.join(folder, "large/m010.py"), os.path.join(folder, "large/m010.txt"))
            os.mkdir(os.path.join(folder, "large/folder.py"))

        for options in (["large"], ["-q", "large"], ["-x", "m2", "large"], ["-o", "0", "-o", "1", "large"]):
            with self.subTest(options=options):
                self.compare(*options, prepare=prepare)

    def test_unwritable(self):
        def blocked(folder):
            os.symlink("x", os.path.join(folder, "pkg/sub/__pycache__"))
            os.makedirs(os.path.join(folder, "pkg/__pycache__/good.cpython-313.pyc"))

        for options in (["pkg"], ["-q", "pkg"], ["-qq", "pkg"]):
            with self.subTest(options=options):
                self.compare(*options, prepare=blocked)

    def test_without_names(self):
        """The folders of sys.path, where -d, -e, -o, -p, -s and -x have no effect. For the library's own folders only the
        output is compared."""
        for options in ([], ["-q"], ["-i", "nothing"], ["-l", "-d", "x", "-o0", "-o1", "--hardlink-dupes"], ["-x", "."],
                        ["-s", "x", "-p", "y", "-e", "z"], ["-x", "("], ["-qb"]):
            with self.subTest(options=options):
                self.compare("-f", *options, PYTHONPATH=self.path("pkg", "sub"), PYTHONPYCACHEPREFIX=self.path("prefix"))
        for path in ("pkg", "pkg/good.py:pkg:outside", ":outside:."):
            with self.subTest(path=path):
                self.compare("-q", PYTHONPATH=path)

    def test_options_of_the_interpreter(self):
        for real, ours, environment in (
            (["-W", "error"], ["-W", "error"], {}), (["-W", "ignore", "-W", "bad"], ["-W", "ignore", "-Wbad"], {}),
            (["-O"], [], {"PYTHONOPTIMIZE": "1"}), (["-OO"], [], {"PYTHONOPTIMIZE": "2"}),
            ([], [], {"PYTHONDEVMODE": "1"}), ([], [], {"PYTHONWARNINGS": "always"}), (["-b"], [], {}),
        ):
            with self.subTest(real=real, **environment):
                self.compare("pkg", "-o-1", "-o1", real=real, ours=ours, **environment)

    def test_workers(self):
        for number in ("0", "1", "3"):
            with self.subTest(number=number):
                self.compare("-j", number, "pkg", "outside", sort=True)

    def test_lists(self):
        for data in (b"pkg/good.py\rpkg/sub/mod.py\r\npkg/noext\r", b"\xef\xbb\xbfpkg/good.py\npkg/sub/mod.py\n",
                     "pkg/good.py\u2028\n\x0cpkg/sub/mod.py\x1c\npkg/noext\x85".encode(), b"\n\n", b"\r\n\r\npkg/sub", b"pkg/sub\r"):
            with self.subTest(data=data):
                self.compare("-i", "given", prepare=lambda folder, data=data: write(folder, "given", data))

    def test_mask(self):
        for mask in (0o022, 0o077, 0o002):
            with self.subTest(mask=mask):
                self.compare("pkg", before=["sh", "-c", 'umask %03o; exec "$@"' % mask, "sh"])

    def test_output_that_is_closed(self):
        """As without sys.stdout: it prints nothing and does everything."""
        self.compare("pkg/sub", before=["sh", "-c", 'exec "$@" >&-', "sh"])
        self.compare("-qq", "pkg", before=["sh", "-c", 'exec "$@" >&-', "sh"])

    def test_rights(self):
        """Files that may not be read or written, as a user whom permissions bind."""
        before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        if before and (not shutil.which("setpriv") or subprocess.run([*before, "true"], capture_output=True).returncode != 0):
            self.skipTest("root cannot give up its rights here")
        shut = {"pkg/good.py": 0, "pkg/sub": 0o500, "pkg/sub-other": 0, "pkg/empty": 0o100}
        socket = os.path.join(self.daemon.folder, "bound", "socket")

        def prepare(folder):
            for name, mode in shut.items():
                os.chmod(os.path.join(folder, name), mode)

        def open_again():
            for name in shut:
                if os.path.exists(self.path(name)):
                    os.chmod(self.path(name), 0o700)

        def stop():
            subprocess.run([e2e.CTL, "stop"], env=self.environment(PYCOMPILED_SOCKET=socket), capture_output=True, check=True)

        self.addCleanup(open_again)
        self.addCleanup(stop)  # the client starts its own daemon, which permissions bind too
        for options in (["pkg"], ["-q", "pkg"], ["-qq", "pkg"], ["pkg/good.py", "pkg/sub-other/mod.py"]):
            with self.subTest(options=options):
                self.compare(*options, prepare=prepare, before=before, PYCOMPILED_SOCKET=socket)
                open_again()


class Sources(Case):
    SOURCES = {
        "bom": b"\xef\xbb\xbfx=1\n", "latin": b"# coding: latin-1\nx='\xe9'\n", "utf8": b"x='\xe9'\n", "crlf": b"x=1\r\ny=2\r\n",
        "cookie": b"# coding: nonsense\nx=1\n", "feed": b"\x0cx=1\n", "deep": b"(" * 300 + b")" * 300, "int": b"x=" + b"9" * 5000,
        "tab": b"if 1:\n\tx=1\n        y=2\n", "utf16": "x=1\n".encode("utf-16"), "return": b"return\n",
        "unicode": "x = '\u00e9\u200b' +\n".encode(), "surrogate": b"\xc3\xa9\xed\xa0\x80", "rot": b"# coding: rot13\nx\n",
        "escape": b"'\\N{nonsense}'\n", "nul": b"x=1\n\x00", "indent": b"  x=1\n y=2\n", "continued": b"x = \\",
        "fstring": b"f'{a b}'\n", "assert": b"assert (1, 'x')\n",
    }

    def prepare(self, folder):
        for name, data in self.SOURCES.items():
            write(folder, "sources/%s.py" % name, data)

    def test_sources(self):
        for options, environment in (([], {}), (["-q"], {}), (["-qq"], {}), (["-d", "new"], {}), ([], {"PYTHONWARNINGS": "error"}),
                                     (["-o0", "-o1", "-o2"], {"PYTHONWARNINGS": "once"})):
            with self.subTest(options=options, **environment):
                self.compare(*options, "sources", prepare=self.prepare, **environment)


class Places(Case):
    def special(self, folder):
        os.symlink("self.py", os.path.join(folder, "pkg/self.py"))
        os.mkfifo(os.path.join(folder, "pkg/fifo.py"))
        write(folder, "pkg/folder.py/in.py", GOOD)

    def cached_links(self, folder):
        cache = os.path.join(folder, "pkg/__pycache__")
        os.mkdir(cache)
        os.symlink("nowhere", os.path.join(cache, "good.cpython-313.pyc"))
        os.symlink("../../outside/target.py", os.path.join(cache, "warn.cpython-313.pyc"))
        os.symlink("../../outside", os.path.join(folder, "pkg/sub/__pycache__"))
        write(folder, "pkg/sub-other/__pycache__", b"")

    def hard_links(self, folder):
        for name in ("aaa.py", "hard.py"):
            os.link(os.path.join(folder, "pkg/good.py"), os.path.join(folder, "pkg", name))

    def times(self, folder):
        late = (2**31 * 10**9, (2**32 + 5) * 10**9) if sys.maxsize > 2**32 else ()  # 32 bits may have no such time
        for i, ns in enumerate((0, -1, -5 * 10**9, *late, 1700000000999999999)):
            os.utime(write(folder, "times/t%d.py" % i, b"x = %d\n" % i), ns=(ns, ns))

    def deep(self, folder):
        path = os.path.join(folder, "deep" + 90 * "/d")
        os.makedirs(path)
        write(path, "m.py", GOOD)

    def test_places(self):
        for prepare, options in (
            (self.special, ["pkg"]), (self.special, ["-e", "pkg", "pkg"]), (self.special, ["pkg/self.py", "pkg/fifo.py", "pkg/folder.py"]),
            (self.cached_links, ["pkg"]), (self.cached_links, ["-q", "pkg"]), (self.cached_links, ["-fq", "-o0", "-o1", "pkg"]),
            (self.hard_links, ["pkg"]), (self.hard_links, ["-f", "pkg", "pkg/hard.py", "pkgs/good.py"]),
            (self.times, ["times"]), (self.times, ["times", "times"]), (self.deep, ["deep"]), (self.deep, ["-r", "80", "deep"]),
        ):
            with self.subTest(prepare=prepare.__name__, options=options):
                self.compare(*options, prepare=prepare)

    def test_prefix_that_is_relative(self):
        for options in (["pkg/good.py"], ["./pkg", "../work/pkg"], ["-b", "pkg"]):
            with self.subTest(options=options):
                self.compare(*options, PYTHONPYCACHEPREFIX="rel/x")


class OlderVersions(Case):
    """The parts of compileall that all versions share. -d works like -s inside."""

    def test_versions(self):
        for version, python in e2e.pythons().items():
            if version == VERSION:
                continue
            self.version, self.python = version, python
            for options in (["pkg"], ["-q", "-o0", "-o2", "pkg"], ["-l", "pkg"], ["-f", "pkg", "pkg/good.py"], ["-b", "pkg"], ["-i", "list"],
                            ["-x", "("], ["-x", "bad|other", "pkg"], ["-e", "pkg", "pkg"], ["-d", "new", "pkg"], ["-p", "/new", "pkg/sub"],
                            ["-o0", "-o1", "--hardlink-dupes", "pkg/sub"], ["--invalidation-mode", "checked-hash", "pkg/sub"],
                            ["missing"]):
                with self.subTest(version=version, options=options):
                    self.compare(*options)
            with self.subTest(version=version, options="none"):
                self.compare("-f", PYTHONPATH=self.path("pkg", "sub"), PYTHONPYCACHEPREFIX=self.path("prefix"))


if __name__ == "__main__":
    e2e.main()
