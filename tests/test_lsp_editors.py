"""pycompile-lsp with other projects' clients: Neovim, Emacs and Helix, set up as in docs/editors.md, and the libraries of VS Code
(npm install vscode-languageserver-protocol; found through NODE_PATH). Each is skipped if it is not installed."""
import contextlib
import json
import os
import pty
import re
import shutil
import subprocess
import threading
import time
import unittest

import e2e_support as e2e
from e2e_support import Daemon
from lsp_support import LSP, uri_of

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = "vscode-languageserver-protocol/node"
BROKEN = "# é\ns = \"é🐍\"; None = 1\n"


def succeeds(*command):
    return shutil.which(command[0]) is not None and \
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def documented(heading):
    """The set-up below the first heading of docs/editors.md with that beginning."""
    with open(os.path.join(HERE, "..", "docs", "editors.md"), encoding="utf-8") as file:
        below = file.read().partition("\n## " + heading)[2]
    return re.sub("(?m)^    ", "", re.search(r"(?m)(^    .*\n|^\n(?=    ))+", below).group())


class Editors(unittest.TestCase):
    def run_client(self, command, environment):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=e2e.DEADLINE * 3)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return (done.stdout + done.stderr).decode()

    @contextlib.contextmanager
    def project(self, text):
        """A daemon, the path of a file, and the environment for an editor, which is to leave the file's .pyc as py_compile writes
        it. Only the editor's settings ask for warnings."""
        version, python = next(iter(e2e.pythons().items()))
        with Daemon() as daemon:
            path = daemon.file("src/broken.py", text)
            pyc = os.path.join(daemon.folder, "src", "__pycache__", "broken.cpython-%s.pyc" % version.replace(".", ""))
            directories = {name: daemon.folder for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME",
                                                            "XDG_CACHE_HOME")}
            yield daemon, path, {**daemon.environment, **directories, "LSP_FILE": path, "LSP_PYC": pyc, "PYCOMPILE_PYTHON": version,
                                 "PATH": os.path.dirname(LSP) + ":" + os.environ["PATH"], "PYTHONWARNINGS": "ignore",
                                 "LANG": "C.UTF-8"}
            wanted = os.path.join(daemon.folder, "wanted.pyc")
            script = "import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True)"
            subprocess.run([python, "-c", script, path, wanted], check=True)
            with open(pyc, "rb") as got, open(wanted, "rb") as file:
                self.assertEqual(got.read(), file.read())

    def check_found(self, said, line, column, end):
        """The editor's first diagnostic. The columns count as the editor counts."""
        found = json.loads(next(text for text in said.splitlines() if text.startswith("{")))
        self.assertEqual((found["source"], found["severity"], found["line"]), ("pycompiled", 1, line))
        if e2e.version_tuple(next(iter(e2e.pythons()))) >= (3, 10):
            self.assertEqual((found["column"], found["end"]), (column, end))

    @unittest.skipUnless(shutil.which("nvim"), "Neovim is not installed")
    def test_neovim(self):
        configures = succeeds("nvim", "--clean", "--headless", "-n", "-c", "if has('nvim-0.11') | qall | else | cquit | endif")
        with self.project(BROKEN) as (daemon, _, environment):
            init = daemon.file("init.lua", documented("Neovim 0.11" if configures else "Neovim 0.7"))
            said = self.run_client(["nvim", "--clean", "-u", init, "--headless", "-n", "-S", os.path.join(HERE, "lsp_neovim.lua")],
                                   environment)
            self.check_found(said, 1, 14, 18)  # in bytes

    @unittest.skipUnless(succeeds("emacs", "-Q", "--batch", "-l", "eglot"), "Emacs with eglot is not installed")
    def test_emacs(self):
        with self.project(BROKEN) as (daemon, _, environment):
            init = daemon.file("init.el", documented("Emacs"))
            said = self.run_client(["emacs", "-Q", "--batch", "-l", init, "-l", os.path.join(HERE, "lsp_emacs.el")], environment)
            self.check_found(said, 2, 10, 14)  # in characters

    @unittest.skipUnless(shutil.which("hx"), "Helix is not installed")
    def test_helix(self):
        with self.project("None = 1\nx = '\\d'\ny = 1\n") as (daemon, path, environment):
            daemon.file("helix/languages.toml", documented("Helix"))
            log = daemon.file("helix.log")

            def last():
                """The server's diagnostics as [text], once there are any."""
                with open(log, encoding="utf-8") as file:
                    return re.findall(r"pycompiled <- .*\"(?:diagnostics|items)\":(\[.*\])", file.read())[-1:]

            def await_true(condition):
                end = time.monotonic() + e2e.DEADLINE
                while not condition():
                    self.assertLess(time.monotonic(), end, last())
                    time.sleep(0.005)

            terminal, other = pty.openpty()
            helix = subprocess.Popen(["hx", "-vv", "--log", log, path], env={**environment, "TERM": "xterm"}, stdin=other,
                                     stdout=other, stderr=other, start_new_session=True)
            os.close(other)
            screen = threading.Thread(target=read_all, args=(terminal,))
            screen.start()
            try:
                await_true(lambda: "cannot assign to" in str(last()))
                os.write(terminal, b"xd")  # nothing is typed: Helix 25.01 sends quick changes in any order
                await_true(lambda: "\"severity\":2" in str(last()))
                os.write(terminal, b"xd")
                await_true(lambda: last() == ["[]"])
                os.write(terminal, b":w\r")
                await_true(lambda: os.path.exists(environment["LSP_PYC"]))
                os.write(terminal, b":q\r")
                self.assertEqual(helix.wait(e2e.DEADLINE), 0)
            finally:
                helix.kill()
                helix.wait()
                screen.join()
                os.close(terminal)

    @unittest.skipUnless(succeeds("node", "-e", "require('%s')" % LIBRARY), LIBRARY + " is not installed")
    def test_vscode_libraries(self):
        with Daemon() as daemon:
            path = daemon.file("src/a.py", "x = 1\n")
            said = self.run_client(["node", os.path.join(HERE, "lsp_vscode.js")],
                                   dict(daemon.environment, LSP_SERVER=LSP, LSP_FOLDER=uri_of(os.path.dirname(path))))
            self.assertIn("done", said)


def read_all(terminal):
    """Reads the terminal's output until no process has it open."""
    with contextlib.suppress(OSError):
        while drawn := os.read(terminal, 1 << 16):
            if b"\x1b[c" in drawn:
                os.write(terminal, b"\x1b[?1;2c")  # the answer of a VT100


if __name__ == "__main__":
    e2e.main()
