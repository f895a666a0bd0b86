"""pycompile-lsp end to end: everything that an editor does, over standard input and output, with the real daemon."""
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import e2e_support as e2e
from e2e_support import Daemon
from lsp_support import LSP, PULL, Client, framed, span, text_edit, uri_of

URI = "untitled:buffer"


class WithDaemon(unittest.TestCase):
    options = ("--workers", "2")
    fake = False

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(*cls.options, fake=cls.fake)
        cls.daemon.__enter__()
        if not cls.fake:
            cls.version, cls.python = next(iter(e2e.pythons().items()))
            cls.daemon.environment["PYCOMPILE_PYTHON"] = cls.version

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None)

    def client(self, capabilities=None, environment=None, **options):
        client = Client(dict(self.daemon.environment, **(environment or {})), capabilities, **options)
        self.addCleanup(lambda: client.__exit__(None))
        return client

    def folder(self):
        folder = tempfile.mkdtemp(dir=self.daemon.folder)
        self.addCleanup(shutil.rmtree, folder, True)
        return folder


class Life(WithDaemon):
    def test_capabilities(self):
        client = self.client()
        offered = client.initialized["capabilities"]
        self.assertEqual(offered["positionEncoding"], "utf-16")
        self.assertEqual(offered["textDocumentSync"]["change"], 2)
        self.assertNotIn("diagnosticProvider", offered)
        self.assertEqual(client.initialized["serverInfo"]["name"], "pycompile-lsp")
        self.assertIn("diagnosticProvider", self.client(PULL).initialized["capabilities"])

    def test_encoding_is_the_first_known(self):
        for offered, chosen in [(["utf-8", "utf-16"], "utf-8"), (["utf-32"], "utf-32"), (["x", "utf-16"], "utf-16"),
                                (["x"], "utf-16"), ([], "utf-16")]:
            client = self.client({"general": {"positionEncodings": offered}})
            self.assertEqual(client.initialized["capabilities"]["positionEncoding"], chosen)

    def test_exit_status(self):
        client = self.client()
        self.assertEqual(client.end(), 0)
        client = self.client()
        client.send({"id": 99, "method": "shutdown", "params": None})  # as eglot does
        self.assertIsNone(client.wait(lambda m: m.get("id") == 99)["result"])
        client.send({"method": "exit", "params": None})
        self.assertEqual(client.process.wait(), 0)
        client = self.client()
        client.notify("exit")
        self.assertEqual(client.process.wait(), 1)
        client = self.client(initialize=False)
        client.notify("exit")
        self.assertEqual(client.process.wait(), 1)
        client = self.client()
        client.process.stdin.close()  # the editor died
        self.assertEqual(client.process.wait(), 1)
        client = self.client()
        client.call("shutdown")
        client.process.stdin.close()
        self.assertEqual(client.process.wait(), 1)

    def test_order(self):
        client = self.client(initialize=False)
        self.assertEqual(client.call("textDocument/diagnostic", {})["error"]["code"], -32002)
        self.assertEqual(client.call("nosuch")["error"]["code"], -32002)
        self.assertEqual(client.call("shutdown")["error"]["code"], -32002)
        client.open(URI, "x = (")  # is dropped
        self.assertIn("result", client.call("initialize", {"capabilities": {}}))
        self.assertEqual(client.call("initialize", {"capabilities": {}})["error"]["code"], -32600)
        self.assertIsNone(client.call("shutdown")["result"])
        self.assertEqual(client.call("workspace/executeCommand", {"command": "x"})["error"]["code"], -32600)
        self.assertEqual(client.call("shutdown")["error"]["code"], -32600)
        client.notify("exit")
        self.assertEqual(client.process.wait(), 0)
        self.assertFalse([m for m in client.waiting if m.get("method") == "textDocument/publishDiagnostics"])

    def test_unknown(self):
        client = self.client()
        for method in ("textDocument/hover", "$/nosuch", "exit"):
            self.assertEqual(client.call(method, {})["error"]["code"], -32601)
        for method in ("nosuch", "$/nosuch", "shutdown", "textDocument/willSave"):
            client.notify(method, {})
        for params in (None, {}, [], {"command": "nosuch"}, {"command": "pycompiled.compileFile"},
                       {"command": "pycompiled.compileFile", "arguments": ["untitled:x"]}):
            self.assertEqual(client.call("workspace/executeCommand", params)["error"]["code"], -32602, params)
        self.assertEqual(client.call("textDocument/diagnostic", {"textDocument": {"uri": "file:///no"}})["error"]["code"],
                         -32602)
        client.send({"id": 99, "result": None})  # an answer to no request

    def test_malformed(self):
        client = self.client()
        client.open(URI, "x = (")
        self.assertTrue(client.diagnostics(URI, 1))
        for body in (b"{", b"[]", b"{}", b"3", b"", b'{"jsonrpc": "2.0", "method": 1, "id": 1}'):
            client.send_bytes(b"Content-Type: x\r\nCONTENT-LENGTH: %d\r\n\r\n" % len(body) + body)
            answer = client.wait(lambda m: "error" in m)
            self.assertIn(answer["error"]["code"], (-32700, -32600), body)
        # The lost message may have been a change: the buffer is unknown until it is sent whole.
        self.assertEqual(client.diagnostics(URI), [])
        client.change(URI, 2, text_edit((0, 4), (0, 5), "y"))
        client.change(URI, 3, {"text": "y = ("})
        self.assertTrue(client.diagnostics(URI, 3))
        client.send_bytes(b"nonsense\r\n\r\n")
        self.assertEqual(client.wait(lambda m: "error" in m)["error"]["code"], -32700)
        self.assertEqual(client.process.wait(), 1)

    def test_malformed_notifications(self):
        client = self.client()
        for method in ("textDocument/didOpen", "textDocument/didChange", "textDocument/didSave", "textDocument/didClose",
                       "$/cancelRequest", "window/workDoneProgress/cancel", "workspace/didChangeWorkspaceFolders"):
            for params in (None, {}, [1], {"textDocument": 3, "id": {}}, {"textDocument": {"uri": 3}}):
                client.notify(method, params)
        client.open(URI, "x = (")
        self.assertTrue(client.diagnostics(URI, 1))
        client.change(URI, 2, text_edit((0, -1), (0, 1), ""))
        self.assertEqual(client.diagnostics(URI, 2), [])
        self.assertIn("not understood", client.notification("window/showMessage")["message"])

    def test_too_large(self):
        client = self.client()
        client.open(URI, "x = (\n" + "#" * (16 << 20))
        self.assertIn("too large", client.notification("window/showMessage")["message"])
        self.assertEqual(client.diagnostics(URI, 1), [])
        client.change(URI, 2, {"text": "x = ("})
        self.assertTrue(client.diagnostics(URI, 2))
        body = b" " * ((64 << 20) + 1)
        client.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.assertEqual(client.wait(lambda m: "error" in m)["error"]["code"], -32600)
        self.assertEqual(client.diagnostics(URI, 2), [])

    def test_command_line(self):
        def run(*arguments):
            return subprocess.run([LSP, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=self.daemon.environment)
        self.assertIn("usage: pycompile-lsp", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"^pycompile-lsp \d")
        self.assertEqual((run("--nosuch").returncode, run("--stdio").returncode), (2, 1))
        self.assertIn("--nosuch", run("--nosuch").stderr)
        for value in ("", "x", "0", "1", "-1", "9", "3x"):
            self.assertEqual(run("--already-read=" + value).returncode, 2, value)


class Unread(WithDaemon):
    def test_an_editor_that_does_not_read(self):
        """The server reads no more from it once 8 MiB wait for it; then everything is answered. Each answer repeats a long id."""
        client = self.client()
        os.set_blocking(client.process.stdin.fileno(), False)
        message = framed({"id": "i" * 4000, "method": "unknown"})
        total, sent, idle = 24 << 20, 0, 0
        data = memoryview(message * (total // len(message)))
        while sent < len(data) and idle < 100:
            try:
                sent += os.write(client.process.stdin.fileno(), data[sent:sent + 65536])
                idle = 0
            except BlockingIOError:
                idle += 1
                time.sleep(0.02)
        self.assertGreater(sent, 4 << 20)
        self.assertLess(sent, 12 << 20)
        count = -(-sent // len(message))
        os.set_blocking(client.process.stdin.fileno(), True)
        rest = threading.Thread(target=client.send_bytes, args=(bytes(data[sent:count * len(message)]),))
        rest.start()
        for _ in range(count):
            self.assertEqual(client.read()["error"]["code"], -32601)
        rest.join()


class Diagnostics(WithDaemon):
    def check(self, text, capabilities=None, **options):
        with self.client(capabilities, **options) as client:  # one at a time: a client has a share of the servers
            client.open(URI, text)
            return client.diagnostics(URI, 1)

    def test_broken_then_fixed(self):
        client = self.client()
        client.open(URI, "def f():\n    return (1\n")
        (found,) = client.diagnostics(URI, 1)
        self.assertEqual((found["severity"], found["source"], found["code"]), (1, "pycompiled", "SyntaxError"))
        if e2e.version_tuple(self.version) >= (3, 10):
            self.assertEqual((found["message"], span(found)), ("'(' was never closed", (1, 11, 1, 12)))
        client.change(URI, 2, text_edit((1, 13), (1, 13), ")"))
        self.assertEqual(client.diagnostics(URI, 2), [])
        client.change(URI, 3, {"text": "x = = 1"})
        self.assertEqual(len(client.diagnostics(URI, 3)), 1)
        client.close(URI)
        self.assertEqual(client.diagnostics(URI), [])

    def test_three_encodings(self):
        """An error of the parser, which counts characters, of the compiler, which counts bytes, and of the tokenizer, which
        counts bytes up to some patch release of each version."""
        line = 's = "é€🐍"; '  # 11 characters, 12 UTF-16 units, 17 bytes
        columns = {"utf-8": 17, "utf-16": 12, "utf-32": 11}
        for version in e2e.pythons():
            if e2e.version_tuple(version) < (3, 10):
                continue  # 3.9 gives no end
            for encoding, column in columns.items():
                for text, width in [("None = 1", 4), ("return 2", 8), ("0777", 1)]:
                    (found,) = self.check("\n" + line + text, {"general": {"positionEncodings": [encoding]}},
                                          options={"python": version})
                    self.assertEqual(span(found), (1, column, 1, column + width), (version, encoding, text))

    def test_not_what_is_on_disk(self):
        """Columns are those of the buffer, not those of the file's line with that number."""
        path = self.daemon.file("disk.py", '"ééééééééééééééééééééé"; x\n')
        client = self.client()
        client.open(uri_of(path), 'sss = "é"; None = 1')
        (found,) = client.diagnostics(uri_of(path), 1)
        self.assertEqual(span(found)[:2], (0, 11))

    def test_lines_end_as_python_has_it(self):
        for end in ("\n", "\r\n", "\r"):
            (found,) = self.check(end.join(["a = 1", "b = 2", "  c = 3", ""]))
            self.assertEqual((found["code"], span(found)[0]), ("IndentationError", 2), repr(end))

    def test_byte_order_mark(self):
        (found,) = self.check("\ufeffx = 1; None = 2")
        self.assertEqual(span(found)[:2], (0, 8))
        self.assertEqual(self.check("\ufeffx = 1\n"), [])

    def test_at_the_end(self):
        (found,) = self.check("if True:\n")
        self.assertLessEqual(span(found)[0], 1)
        self.assertEqual(self.check(""), [])

    def test_warnings(self):
        text = 's = "é"\n    \nif s is "x":\n    pass\n'
        (found,) = self.check(text)
        self.assertEqual((found["severity"], found["code"], span(found)), (2, "SyntaxWarning", (2, 0, 2, 12)))
        (found,) = self.check(text, options={"warnings": ["error"]})
        self.assertEqual((found["severity"], found["code"]), (1, "SyntaxError"))
        self.assertEqual(self.check(text, options={"warnings": ["ignore"]}), [])
        self.assertEqual(self.check(text, environment={"PYTHONWARNINGS": "ignore"}), [])

    def test_warnings_beside_an_error(self):
        found = self.check('if 1 is "x":\n    pass\nreturn\n')
        self.assertEqual([d["severity"] for d in found], [1, 2])

    def test_what_is_no_text(self):
        """NUL, halves of surrogate pairs, bytes: the server's text stays equal to the editor's."""
        client = self.client()
        client.open(URI, 's = "\0\ud83d\udc80"\n')
        self.assertEqual(client.diagnostics(URI, 1), [])
        client.change(URI, 2, text_edit((0, 5), (0, 8), "abc"), text_edit((0, 9), (0, 9), "; None = 1"))
        (found,) = client.diagnostics(URI, 2)
        self.assertEqual(span(found)[:2], (0, 11))

    def test_errors_that_are_no_syntax_errors(self):
        (found,) = self.check("x = " + "(" * 300 + ")" * 300)
        self.assertEqual(found["severity"], 1)
        (found,) = self.check("x = " + "-" * 200000 + "1")
        self.assertEqual((found["severity"], span(found)[0]), (1, 0))

    def test_python_of_the_settings(self):
        versions = list(e2e.pythons())
        text = "match x:\n    case 1: pass\ntype X = int\n"
        for version in versions:
            found = self.check(text, options={"python": version})
            self.assertEqual(bool(found), e2e.version_tuple(version) < (3, 12), version)

    def test_configuration(self):
        client = self.client()
        client.open(URI, 'if 1 is "x": pass')
        self.assertEqual([d["severity"] for d in client.diagnostics(URI)], [2])
        client.notify("workspace/didChangeConfiguration", {"settings": {"pycompiled": {"warnings": ["ignore"]}}})
        self.assertEqual(client.diagnostics(URI), [])
        client.notify("workspace/didChangeConfiguration", {"settings": {"pycompiled": {"warning": ["ignore"]}}})
        self.assertIn("'warning'", client.notification("window/showMessage")["message"])
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        client.wait(lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["diagnostics"])

    def test_configuration_asked_for(self):
        client = self.client({"workspace": {"configuration": True}})
        request = client.wait(lambda m: m.get("method") == "workspace/configuration")
        self.assertEqual(request["params"]["items"], [{"section": "pycompiled"}])
        client.send({"id": request["id"], "result": [{"warnings": ["error"]}]})
        client.open(URI, 'if 1 is "x": pass')
        self.assertEqual([d["severity"] for d in client.diagnostics(URI, 1)], [1])
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        request = client.wait(lambda m: m.get("method") == "workspace/configuration")
        client.send({"id": request["id"], "result": [{"warnings": ["ignore"]}]})
        self.assertEqual(client.diagnostics(URI, 1), [])

    def test_no_such_python(self):
        client = self.client(options={"python": "3.1"})
        client.open(URI, "x = (")
        self.assertIn(self.version, client.notification("window/showMessage")["message"])
        client.notify("workspace/didChangeConfiguration", {"settings": {"pycompiled": {"python": self.version}}})
        self.assertEqual(len(client.diagnostics(URI, 1)), 1)

    def test_python_of_the_project(self):
        version = list(e2e.pythons())[-1]
        folder = self.folder()
        with open(os.path.join(folder, ".python-version"), "w") as file:
            file.write(version + "\n")
        client = self.client(folders=[folder], environment={"PYCOMPILE_PYTHON": "", "VIRTUAL_ENV": ""})
        client.open(URI, "type X = int\n")
        self.assertEqual(bool(client.diagnostics(URI, 1)), e2e.version_tuple(version) < (3, 12))

    def test_edits_at_random(self):
        """After many edits the server has the client's text: it finds the error that is inserted last, at its place."""
        letters = ["a", "é", "€", "🐍", "\n", "\r\n", " ", "xy\nz"]
        for encoding, width in [("utf-16", lambda c: len(c.encode("utf-16-le")) // 2), ("utf-8", lambda c: len(c.encode())),
                                ("utf-32", lambda c: 1)]:
            draw = random.Random(encoding)
            client = self.client({"general": {"positionEncodings": [encoding]}})
            lines = ["# start"]
            client.open(URI, "# start")

            def column(line, count):
                return sum(width(c) for c in line[:count])
            for version in range(2, 200):
                row = draw.randrange(len(lines))
                end_row = min(row + draw.choice((0, 0, 0, 1, 2)), len(lines) - 1)
                at, end = draw.randint(0, len(lines[row])), draw.randint(0, len(lines[end_row]))
                if row == end_row:
                    at, end = min(at, end), max(at, end)
                new = "".join(draw.choice(letters) for _ in range(draw.randint(0, 6)))
                client.change(URI, version, text_edit((row, column(lines[row], at)), (end_row, column(lines[end_row], end)), new))
                merged = lines[row][:at] + new.replace("\r\n", "\n") + lines[end_row][end:]
                lines[row:end_row + 1] = merged.split("\n")
            # Every line but one becomes a comment.
            changes = [text_edit((row, 0), (row, 0), "#") for row in range(len(lines))]
            row = draw.randrange(len(lines))
            changes.append(text_edit((row, 0), (row, column(lines[row], len(lines[row])) + 1), "'é🐍'; None = 1"))
            client.change(URI, 1000, *changes)
            (found,) = client.diagnostics(URI, 1000)
            self.assertEqual(span(found)[:2], (row, column("'é🐍'; ", 6)), encoding)

    def test_only_the_newest(self):
        client = self.client()
        client.open(URI, "x = (")
        for version in range(2, 300):
            client.change(URI, version, {"text": "x = (" if version % 2 else "x = 1"})
        client.change(URI, 300, {"text": "x = 1"})
        self.assertEqual(client.diagnostics(URI, 300), [])
        for message in client.waiting:
            if message.get("method") == "textDocument/publishDiagnostics":
                params = message["params"]
                self.assertEqual(bool(params["diagnostics"]), params["version"] % 2 == 1)
        self.assertLess(len(client.waiting), 290)

    def test_opened_twice_and_closed_early(self):
        client = self.client()
        client.open(URI, "x = (")
        client.open(URI, "x = 1", 2)
        self.assertEqual(client.diagnostics(URI, 2), [])
        for number in range(50):
            client.open("untitled:%d" % number, "x = (")
            client.close("untitled:%d" % number)
        client.open(URI, "x = (", 3)
        self.assertTrue(client.diagnostics(URI, 3))

    def test_pull(self):
        client = self.client(PULL)
        client.open(URI, "x = (")

        def pull(**more):
            return client.call("textDocument/diagnostic", dict(more, textDocument={"uri": URI}))["result"]
        first = pull()
        self.assertEqual((first["kind"], len(first["items"])), ("full", 1))
        self.assertEqual(pull(previousResultId=first["resultId"]), {"kind": "unchanged", "resultId": first["resultId"]})
        client.change(URI, 2, {"text": "x = 1"})
        self.assertEqual(pull(previousResultId=first["resultId"])["items"], [])
        self.assertFalse([m for m in client.waiting if m.get("method") == "textDocument/publishDiagnostics"])

    def test_pull_cancelled_and_closed(self):
        with Daemon("--workers", "1", fake=True) as daemon:
            with Client(daemon.environment, PULL, folders=[daemon.folder]) as client:
                uri = uri_of("/a:sleep=0.2")
                client.open(uri, "x")
                number = client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
                client.notify("$/cancelRequest", {"id": number})
                self.assertEqual(client.answer(number)["error"]["code"], -32800)
                number = client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
                client.close(uri)
                self.assertEqual(client.answer(number)["error"]["code"], -32802)


class Compiling(WithDaemon):
    def py_compile(self, path):
        """The bytes that py_compile itself writes."""
        script = "import py_compile, sys; print(py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True))"
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out.pyc")
            subprocess.run([self.python, "-c", script, path, out], check=True, stdout=subprocess.DEVNULL,
                           env=self.daemon.environment)
            with open(out, "rb") as file:
                return file.read()

    def pyc(self, path):
        folder, name = os.path.split(path)
        return os.path.join(folder, "__pycache__", "%s.cpython-%s.pyc" % (name[:-3], self.version.replace(".", "")))

    def wait_for(self, path):
        end = time.monotonic() + e2e.DEADLINE
        while not os.path.exists(path):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.005)

    def test_save(self):
        path = os.path.join(self.folder(), "é x.py")
        text = "def f(a, b=1):\n    'doc'\n    return a is b\n"
        client = self.client()
        client.open(uri_of(path), text)
        with open(path, "w") as file:
            file.write(text)
        client.save(uri_of(path))
        self.wait_for(self.pyc(path))
        with open(self.pyc(path), "rb") as file:
            self.assertEqual(file.read(), self.py_compile(path))

    def test_save_checks_what_waits(self):
        path = self.daemon.file("waits.py", "x = (")
        client = self.client()
        client.open(uri_of(path), "x = 1")
        client.change(uri_of(path), 2, {"text": "x = ("})
        client.save(uri_of(path))
        self.assertTrue(client.diagnostics(uri_of(path), 2))

    def test_no_compile_on_save(self):
        path = self.daemon.file("unsaved.py", "x = 1")
        client = self.client(options={"compileOnSave": False})
        client.open(uri_of(path), "x = 1")
        client.save(uri_of(path))
        result = client.call("workspace/executeCommand", {"command": "pycompiled.compileFile", "arguments": [uri_of(path)]})
        self.assertEqual(result["result"]["cfile"], self.pyc(path))
        self.assertIn(result["result"]["outcome"], ("compiled", "cached"))

    def test_failure_is_logged(self):
        client = self.client()
        client.save(uri_of(os.path.join(self.folder(), "none.py")))
        self.assertIn("No such file", client.notification("window/logMessage")["message"])

    def test_compile_file(self):
        path = self.daemon.file("broken.py", "x = (\n")
        answer = self.client().call("workspace/executeCommand",
                                    {"command": "pycompiled.compileFile", "arguments": [uri_of(path)]})
        self.assertEqual(answer["error"]["code"], -32803)
        self.assertIn("SyntaxError", answer["error"]["message"])

    def workspace(self, count):
        folder = self.folder()
        for number in range(count):
            sub = os.path.join(folder, "p%d" % (number % 7))
            os.makedirs(sub, exist_ok=True)
            with open(os.path.join(sub, "m%d.py" % number), "w") as file:
                file.write("x = %d\n" % number)
        for left in (".git", "node_modules", "env"):
            os.makedirs(os.path.join(folder, left))
            with open(os.path.join(folder, left, "no.py"), "w") as file:
                file.write("x = 1\n")
        with open(os.path.join(folder, "env", "pyvenv.cfg"), "w"):
            pass
        return folder

    def test_workspace(self):
        folder = self.workspace(150)
        with open(os.path.join(folder, "bad.py"), "w") as file:
            file.write("x = (\n")
        client = self.client({"window": {"workDoneProgress": True}}, folders=[folder])
        for compiled, fresh in ((150, 0), (0, 150)):
            number = client.request("workspace/executeCommand", {"command": "pycompiled.compileWorkspace"})
            create = client.wait(lambda m: m.get("method") == "window/workDoneProgress/create")
            client.send({"id": create["id"], "result": None})
            result = client.answer(number)["result"]
            self.assertEqual((result["files"], result["compiled"], result["upToDate"], result["failed"]),
                             (151, compiled, fresh, 1))
            (error,) = result["errors"]
            self.assertEqual(error["uri"], uri_of(os.path.join(folder, "bad.py")))
            self.assertIn("SyntaxError", error["message"])
            told = [m["params"] for m in client.waiting if m.get("method") == "$/progress"]
            client.waiting = []
            self.assertEqual({p["token"] for p in told}, {create["params"]["token"]})
            kinds = [p["value"]["kind"] for p in told]
            self.assertEqual((kinds[0], kinds[-1]), ("begin", "end"))
            self.assertEqual(set(kinds[1:-1]) - {"report"}, set())
            self.assertIn("151 files", told[-1]["value"]["message"])
        self.assertFalse(os.path.exists(os.path.join(folder, "env", "__pycache__")))

    def test_workspace_without_progress(self):
        folder = self.workspace(3)
        client = self.client({"window": {"workDoneProgress": True}})
        number = client.request("workspace/executeCommand", {"command": "pycompiled.compileWorkspace",
                                                             "arguments": [uri_of(folder)]})
        create = client.wait(lambda m: m.get("method") == "window/workDoneProgress/create")
        client.send({"id": create["id"], "error": {"code": -1, "message": "no"}})
        self.assertEqual(client.answer(number)["result"]["files"], 3)
        answer = client.call("workspace/executeCommand", {"command": "pycompiled.compileWorkspace", "workDoneToken": "tok",
                                                          "arguments": [uri_of(folder)]})
        self.assertEqual(answer["result"]["upToDate"], 3)
        self.assertEqual({m["params"]["token"] for m in client.waiting if m.get("method") == "$/progress"}, {"tok"})

    def test_workspace_cancelled(self):
        with Daemon("--workers", "1", fake=True) as daemon:
            for number in range(200):
                daemon.file("tree/m%d:sleep=0.01.py" % number, "")
            with Client(daemon.environment, folders=[os.path.join(daemon.folder, "tree")]) as client:
                command = {"command": "pycompiled.compileWorkspace", "workDoneToken": 7}
                number = client.request("workspace/executeCommand", command)
                self.assertEqual(client.call("workspace/executeCommand", command)["error"]["code"], -32803)
                client.notify("$/cancelRequest", {"id": number})
                self.assertEqual(client.answer(number)["error"]["code"], -32800)
                number = client.request("workspace/executeCommand", command)
                client.notify("window/workDoneProgress/cancel", {"token": 7})
                self.assertEqual(client.answer(number)["error"]["code"], -32800)
                ends = [m for m in client.waiting if m.get("method") == "$/progress" and m["params"]["value"]["kind"] == "end"]
                self.assertEqual(len(ends), 2)

    def test_folders_change(self):
        first, second = self.workspace(2), self.workspace(4)
        client = self.client(folders=[first])
        client.notify("workspace/didChangeWorkspaceFolders",
                      {"event": {"added": [{"uri": uri_of(second), "name": ""}],
                                 "removed": [{"uri": uri_of(first), "name": ""}]}})
        answer = client.call("workspace/executeCommand", {"command": "pycompiled.compileWorkspace"})
        self.assertEqual(answer["result"]["files"], 4)


class WithoutDaemon(unittest.TestCase):
    def stop_started(self, daemon):
        """Stops the daemon that the server has started."""
        subprocess.run([e2e.CTL, "stop"], env=daemon.environment, check=True, stdout=subprocess.DEVNULL)

    def test_daemon_killed(self):
        with Daemon("--workers", "1") as daemon:
            with Client(daemon.environment) as client:
                client.open(URI, "x = (")
                self.assertTrue(client.diagnostics(URI, 1))
                daemon.process.kill()
                daemon.process.wait()
                client.change(URI, 2, {"text": "x = 1"})
                self.assertEqual(client.diagnostics(URI, 2), [])
                self.assertFalse([m for m in client.waiting if m.get("method") == "window/showMessage"])
            self.stop_started(daemon)

    def test_daemon_killed_while_it_checks(self):
        """A request that was under way is sent again to the next daemon."""
        uri = uri_of("/a:sleep=600")
        with Daemon("--workers", "1", fake=True) as daemon:
            with Client(daemon.environment) as client:
                client.open(uri, "x")
                while not daemon.status()["jobs"]:
                    pass
                daemon.process.kill()
                daemon.process.wait()
                self.assertEqual(client.diagnostics(uri, 1), [])
            self.stop_started(daemon)

    def test_daemon_started(self):
        """No daemon runs: the first document starts one."""
        with Daemon() as daemon:
            daemon.stop()
            with Client(daemon.environment) as client:
                client.open(URI, "x = (")
                self.assertTrue(client.diagnostics(URI, 1))
            self.stop_started(daemon)

    def test_no_daemon_to_be_had(self):
        with Daemon(environment={"PYCOMPILED_AUTOSTART": "0"}) as daemon:
            daemon.stop()
            with Client(daemon.environment) as client:
                client.open(URI, "x = (")
                self.assertIn("PYCOMPILED_AUTOSTART", client.notification("window/showMessage")["message"])
                client.change(URI, 2, {"text": "y = ("})
                answer = client.call("workspace/executeCommand", {"command": "pycompiled.compileFile",
                                                                  "arguments": ["file:///a.py"]})
                self.assertEqual(answer["error"]["code"], -32803)
                self.assertFalse([m for m in client.waiting if m.get("method") == "window/showMessage"], "said twice")
                daemon.start()
                client.change(URI, 3, {"text": "z = ("})
                self.assertTrue(client.diagnostics(URI, 3))

    def test_crash_of_the_compiler(self):
        with Daemon("--workers", "1", fake=True) as daemon, Client(daemon.environment) as client:
            client.open(uri_of("/a:crash=SIGSEGV"), "x = 1")
            (found,) = client.diagnostics(uri_of("/a:crash=SIGSEGV"), 1)
            self.assertEqual((found["code"], found["severity"], span(found)), ("WorkerCrashed", 1, (0, 0, 0, 5)))

    def test_several_editors(self):
        with Daemon("--workers", "2") as daemon:
            clients = [Client(daemon.environment) for _ in range(8)]
            for number, client in enumerate(clients):
                client.open(URI, "x = (" if number % 2 else "x = 1")
            for number, client in enumerate(clients):
                with client:
                    self.assertEqual(bool(client.diagnostics(URI, 1)), number % 2 == 1)


if __name__ == "__main__":
    e2e.main()
