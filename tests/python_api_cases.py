"""compileall's functions, the client of asyncio and the types of the package pycompiled, in the Python that runs this file.
test_python_api.py runs it with each Python that there is a host for. $PYCOMPILED_MODULE is the folder of the package."""
import ast
import asyncio
import compileall
import contextlib
import gc
import inspect
import io
import os
import py_compile
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock
import warnings
from unittest import mock

import e2e_support as e2e

MODULE = os.environ["PYCOMPILED_MODULE"]
sys.path.insert(0, os.path.dirname(MODULE))
sys.dont_write_bytecode = True
import pycompiled  # noqa: E402

VERSION = "%d.%d" % sys.version_info[:2]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = e2e.Daemon("--workers", "2")
        cls.daemon.__enter__()
        os.environ.update(PYCOMPILED_SOCKET=cls.daemon.socket, PYCOMPILED_AUTOSTART="0")

    @classmethod
    def tearDownClass(cls):
        pycompiled._default.close()
        cls.daemon.__exit__(None)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def tree(self):
        for i in range(40):
            e2e.write_file(self.folder, "p%d/m%02d.py" % (i % 3, i), "x = %d\n" % i)
        e2e.write_file(self.folder, "p1/bad.py", "x = (\n")
        e2e.write_file(self.folder, "p1/coding.py", b"# coding: ascii\nx = '\xff'\n")
        e2e.write_file(self.folder, "p2/warn.py", "x = 1 is 1\n")
        e2e.write_file(self.folder, "p2/text.txt", "no source\n")
        os.symlink("missing.py", os.path.join(self.folder, "p2", "link.py"))
        return self.folder


class Compileall(Case):
    def outcome(self, function, *args, **options):
        """The value, the output and the .pyc files of a call; these are removed."""
        with contextlib.redirect_stdout(io.StringIO()) as out, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = function(*args, **options)
            except ValueError as error:
                value = str(error)
        made = {}
        for top, _, names in os.walk(self.folder):
            for name in names:
                if name.endswith(".pyc"):
                    with open(os.path.join(top, name), "rb") as file:
                        made[os.path.join(top, name)] = file.read()
                    os.unlink(os.path.join(top, name))
        return value, out.getvalue(), sorted((str(w.message), w.filename) for w in caught), made

    def same(self, name, *args, **options):
        real = self.outcome(getattr(compileall, name), *args, **options)
        ours = self.outcome(getattr(pycompiled, name), *args, **options)
        for part, a, b in zip(("value", "output", "warnings"), real, ours):
            self.assertEqual(a, b, (part, name, args, options))
        self.assertEqual(sorted(real[3]), sorted(ours[3]), (name, args, options))
        return ours

    def test_signatures(self):
        for name in ("compile_dir", "compile_file", "compile_path"):
            ours, real = getattr(pycompiled, name), getattr(compileall, name)
            self.assertEqual(inspect.signature(ours), inspect.signature(real))
            self.assertEqual(ours.__doc__, real.__doc__)

    def test_compile_dir(self):
        folder = self.tree()
        before = self.daemon.status()["counters"]["requests"]
        self.assertEqual(len(self.same("compile_dir", folder)[3]), 41)
        self.assertGreater(self.daemon.status()["counters"]["requests"], before + 40)
        for options in ({"quiet": 1}, {"quiet": 2}, {"maxlevels": 0}, {"rx": re.compile("p1")}, {"legacy": True},
                        {"optimize": [0, 1, 2], "hardlink_dupes": True}, {"workers": 1, "quiet": 1}, {"ddir": "/else"},
                        {"stripdir": folder, "prependdir": "/else"}, {"limit_sl_dest": folder}, {"force": True, "quiet": 1},
                        {"ddir": "a", "stripdir": "b"}, {"workers": -1}, {"stripdir": "/no/prefix", "quiet": 1}):
            self.same("compile_dir", folder, **options)
        self.same("compile_dir", os.path.join(folder, "missing"))

    def test_up_to_date_is_not_asked_for(self):
        path = e2e.write_file(self.folder, "a.py", "x = 1\n")
        self.assertTrue(pycompiled.compile_file(path, quiet=1))
        before = self.daemon.status()["counters"]["requests"]
        self.assertTrue(pycompiled.compile_file(path, quiet=1))
        self.assertTrue(pycompiled.compile_dir(self.folder, quiet=1))
        self.assertEqual(self.daemon.status()["counters"]["requests"], before + 1)

    def test_compile_path(self):
        self.tree()
        old, sys.path[:] = sys.path[:], ["", self.folder + "/p0", self.folder + "/p1"]
        try:
            self.same("compile_path")
            self.same("compile_path", skip_curdir=True, quiet=1, force=True)
        finally:
            sys.path[:] = old

    def test_what_a_file_does_to_the_compiler(self):
        """No answer is for all files; an answer that the daemon could not do one is for that one."""
        folder = self.tree()
        error = pycompiled.DaemonError("crashed", -32003)
        original = pycompiled._default.compile

        def compile(file, *args, **options):
            if file.endswith("m01.py"):
                raise error
            return original(file, *args, **options)
        pycompiled._default.compile = compile
        try:
            value, out = self.outcome(pycompiled.compile_dir, folder)[:2]
            self.assertFalse(value)
            self.assertIn("*** DaemonError: crashed\n", out)
            error.code = None
            with self.assertRaises(pycompiled.DaemonError):
                self.outcome(pycompiled.compile_dir, folder)
        finally:
            del pycompiled._default.compile

    def test_command_line(self):
        folder = self.tree()
        runs = []
        for module in ("compileall", "pycompiled.compileall"):
            run = subprocess.run([sys.executable, "-m", module, "-f", "-x", "p2", folder], stdin=subprocess.DEVNULL,
                                 capture_output=True, env=dict(os.environ, PYTHONPATH=os.path.dirname(MODULE)))
            runs.append((run.returncode, run.stdout, run.stderr))
        self.assertEqual(*runs)

    def test_client_programs(self):
        """Of an installed tree the two modules are its programs."""
        folder, packages = os.path.join(self.folder, "tree"), os.path.join(self.folder, "tree", "lib", "python", "site-packages")
        shutil.copytree(MODULE, os.path.join(packages, "pycompiled"))
        os.mkdir(os.path.join(folder, "bin"))
        for program in (e2e.DAEMON, e2e.CLIENT, e2e.COMPILEALL):
            os.symlink(program, os.path.join(folder, "bin", os.path.basename(program)))
        path = e2e.write_file(self.folder, "a.py", "x = 1\nassert x\n")
        for module, program in (("pycompiled", "pycompile-client"), ("pycompiled.compileall", "pycompileall-client")):
            with self.subTest(module):
                run = subprocess.run([sys.executable, "-O", "-m", module, "--json", path], capture_output=True, text=True,
                                     env=dict(os.environ, PYTHONPATH=packages))
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                self.assertIn('"python":"' + VERSION, run.stdout)
                self.assertIn("%s.opt-1.pyc" % sys.implementation.cache_tag, run.stdout)
                helped = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True,
                                        env=dict(os.environ, PYTHONPATH=packages))
                self.assertIn("usage: " + program, helped.stdout)


class Async(Case):
    def run_it(self, test, **options):
        async def run():
            async with pycompiled.AsyncClient(**options) as client:
                return await test(client)
        return asyncio.run(run())

    def test_compile(self):
        good = e2e.write_file(self.folder, "good.py", "x = 1\n")
        bad = e2e.write_file(self.folder, "bad.py", "x = (\n")

        async def test(client):
            self.assertTrue(os.path.exists(await client.compile(good)))
            with self.assertRaises(pycompiled.PyCompileError):
                await client.compile(bad, doraise=True)
            with self.assertRaises(FileNotFoundError):
                await client.compile(self.folder + "/missing.py")
            with self.assertRaises(TypeError):
                await client.compile(None)
            self.assertEqual((await client.check("x = (\n")).diagnostics[0].category, "SyntaxError")
            self.assertEqual((await client.status())["connections"], 1)
        self.run_it(test)

    def test_daemon_that_is_stopped(self):
        path = e2e.write_file(self.folder, "a.py", "x = 1\n")

        async def test(client):
            await client.status()
            daemon.process.send_signal(signal.SIGSTOP)
            try:
                tasks = [asyncio.ensure_future(client.check("x = 1\n", name)) for name in "ab"]
                for error in await asyncio.gather(*tasks, return_exceptions=True):
                    self.assertIsInstance(error, pycompiled.DaemonError)
                    self.assertIn("no sign of life for 2 seconds", str(error))
                found = [result.outcome async for result in client.compile_many([path], fallback=True)]
                self.assertEqual(found, ["compiled"])
            finally:
                daemon.process.send_signal(signal.SIGCONT)
            self.assertEqual((await client.status())["pid"], daemon.process.pid)
        said = io.StringIO()
        with mock.patch.dict(os.environ, PYCOMPILED_PATIENCE="2"), e2e.Daemon(fake=True) as daemon:
            with contextlib.redirect_stderr(said):
                self.run_it(test, socket=daemon.socket)
        self.assertEqual(said.getvalue(), "pycompiled: the daemon (pid %d) does not answer; waiting up to 2 seconds\n"
                         % daemon.process.pid)

    def test_daemon_that_is_slow(self):
        async def test(client):
            results = [result async for result in client.compile_many(["/a:sleep=2"], python="9.9")]
            self.assertEqual([result.error for result in results], [None])
        with mock.patch.dict(os.environ, PYCOMPILED_PATIENCE="5"), e2e.Daemon("--workers", "1", fake=True) as daemon:
            self.run_it(test, socket=daemon.socket)

    def test_warnings_that_are_errors(self):
        path = e2e.write_file(self.folder, "warn.py", "x = 1 is 1\n")

        async def test(client):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with self.assertRaises(pycompiled.PyCompileError):
                    await client.compile(path, doraise=True)
        self.run_it(test)
        self.assertEqual(os.listdir(self.folder), ["warn.py"])

    def test_many(self):
        files = [e2e.write_file(self.folder, "m%03d.py" % i, "x = %d\n" % i) for i in range(300)]

        async def slow():
            for file in files:
                await asyncio.sleep(0)
                yield file

        async def test(client):
            for source in (files, slow()):
                seen = [result.file async for result in client.compile_many(source, window=20)]
                self.assertEqual(sorted(seen), files)
            self.assertEqual([r async for r in client.compile_many([])], [])
            with self.assertRaises(TypeError):
                [r async for r in client.compile_many(files[0])]
            with self.assertRaises(TypeError):
                [r async for r in client.compile_many([files[0], 3])]
            results = client.compile_many(files)
            self.assertIsNone((await results.__anext__()).error)
            await results.aclose()
            checks = await asyncio.gather(*(client.check("x = %d\n" % i, "n%d" % (i % 50)) for i in range(200)))
            self.assertEqual({check.outcome for check in checks}, {"checked"})
        self.run_it(test)

    def test_cancelled(self):
        async def test(client):
            await client.status()
            tasks = [asyncio.ensure_future(client.check("x = [%s]\n" % ("(1, 2), " * 200000))) for _ in range(8)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            self.assertEqual({type(value) for value in done}, {asyncio.CancelledError})
            self.assertEqual((await client.check("x = 1\n")).outcome, "checked")
        self.run_it(test)

    def test_daemon_that_restarts(self):
        files = [e2e.write_file(self.folder, "m%03d.py" % i, "x = %d\n" % i + "def f(a): return a\n" * 200) for i in range(200)]

        async def test(client):
            seen = []
            async for result in client.compile_many(files):
                seen.append(result)
                if len(seen) == 30:
                    status = await client.status()
                    os.kill(status["pid"], 9)
            self.assertEqual(sorted(result.file for result in seen), files)
            self.assertEqual({result.error for result in seen}, {None})
        with e2e.Daemon() as daemon:
            os.environ["PATH"] = os.path.dirname(e2e.DAEMON) + os.pathsep + os.environ["PATH"]
            self.run_it(test, socket=daemon.socket, autostart=True)
            subprocess.run([e2e.CTL, "stop"], env=dict(os.environ, PYCOMPILED_SOCKET=daemon.socket), check=True,
                           stdout=subprocess.DEVNULL)

    def test_no_daemon(self):
        path = e2e.write_file(self.folder, "a.py", "x = 1\n")

        async def refused(client):
            for work in (client.compile(path), client.check("x = 1\n"), client.status()):
                with self.assertRaisesRegex(pycompiled.DaemonError, "no daemon listens"):
                    await work
            with self.assertRaises(pycompiled.DaemonError):
                [r async for r in client.compile_many([path])]
        self.run_it(refused, socket=self.folder + "/socket")

        async def here(client):
            self.assertTrue(os.path.exists(await client.compile(path)))
            self.assertEqual([r.outcome async for r in client.compile_many([path] * 3)], ["compiled"] * 3)
            self.assertEqual((await client.check("x = 1\n")).outcome, "checked")
        self.run_it(here, socket=self.folder + "/socket", fallback=True)

    def test_many_that_fail(self):
        """The first exception is raised, and asyncio reports no other one."""
        files, reports = [e2e.write_file(self.folder, "m%02d.py" % i, "x = 1\n") for i in range(50)], []

        async def leave(results):
            with self.assertRaises(pycompiled.DaemonError):
                async for _ in results:
                    self.fail("there is no daemon")
            return len(asyncio.all_tasks())

        async def test(client):
            asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context["message"]))
            for window in (1, 2, 256):
                self.assertEqual(await leave(client.compile_many(files, window=window)), 1)
            waiting = [asyncio.ensure_future(client.check("x = 1\n", file)) for file in files]
            await asyncio.sleep(0)  # they wait for the connection
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            with self.assertRaises(pycompiled.DaemonError):
                await client.status()
            del waiting
            gc.collect()
            await asyncio.sleep(0)
        self.run_it(test, socket=self.folder + "/socket")
        self.assertEqual(reports, [])

    def test_loop_goes_on_without_a_daemon(self):
        """While this process compiles. Also after a task was cancelled one file at a time is compiled."""
        path, real, running = e2e.write_file(self.folder, "a.py", "x = 1\n"), py_compile.compile, []
        begun, go_on = threading.Semaphore(0), threading.Event()

        def compile(*args, **options):
            running.append(1)
            begun.release()
            if not go_on.wait(e2e.DEADLINE):
                raise TimeoutError("the loop is blocked")
            value = real(*args, **options), len(running)
            running.pop()
            return value

        async def test(client):
            first, second = (asyncio.ensure_future(client.compile(path)) for _ in range(2))
            await asyncio.get_running_loop().run_in_executor(None, begun.acquire)
            first.cancel()
            for _ in range(20):
                await asyncio.sleep(0)
            self.assertEqual((running, first.done()), ([1], False))
            go_on.set()
            with self.assertRaises(asyncio.CancelledError):
                await first
            self.assertEqual((await second)[1], 1)
        with unittest.mock.patch("py_compile.compile", compile):
            self.run_it(test, socket=self.folder + "/socket", fallback=True)


def described(function, is_method):
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, p.kind.name in ("KEYWORD_ONLY",), p.default is not p.empty)
            for p in parameters if p.name != "self" or not is_method]


def declared(node, is_method):
    """As described(), of a declaration in a .pyi file."""
    args = node.args
    plain = args.args[1:] if is_method else args.args
    defaults = [None] * (len(plain) - len(args.defaults)) + args.defaults[-len(plain):] if plain else []
    found = [(arg.arg, False, default is not None) for arg, default in zip(plain, defaults)]
    found += [(args.vararg.arg, False, False)] if args.vararg else []
    found += [(arg.arg, True, default is not None) for arg, default in zip(args.kwonlyargs, args.kw_defaults)]
    return found + ([(args.kwarg.arg, False, False)] if args.kwarg else [])


class Types(unittest.TestCase):
    """The .pyi files against what is defined."""

    def compare(self, node, value, is_method=False):
        self.assertEqual(declared(node, is_method), described(value, is_method), node.name)

    def test_stubs(self):
        for name in ("pycompiled", "pycompiled.aio", "pycompiled.compileall"):
            module = __import__(name, fromlist=["x"])
            with open(re.sub("py$", "pyi", module.__file__), encoding="utf-8") as file:
                nodes = ast.parse(file.read()).body
            known = {node.name for node in nodes if hasattr(node, "name")}
            known |= {alias.asname for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
            known |= {node.target.id for node in nodes if isinstance(node, ast.AnnAssign)}
            self.assertEqual(set(module.__all__) - known, set(), name)
            for node in nodes:
                if isinstance(node, ast.FunctionDef):
                    self.compare(node, getattr(module, node.name))
                elif isinstance(node, ast.ClassDef):
                    for member in node.body:
                        if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)) and not member.decorator_list:
                            self.compare(member, getattr(getattr(module, node.name), member.name), True)
        self.assertTrue(os.path.exists(os.path.join(MODULE, "py.typed")))

    def test_version(self):
        said = subprocess.run([e2e.CTL, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn(pycompiled.__version__, said.split())

    def test_names(self):
        self.assertLessEqual(set(pycompiled.__all__), set(dir(pycompiled)))
        for name in pycompiled.__all__:
            getattr(pycompiled, name)
        with self.assertRaises(AttributeError):
            pycompiled.no_such


if __name__ == "__main__":
    e2e.main()
