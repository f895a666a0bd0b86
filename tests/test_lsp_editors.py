"""pycompile-lsp under clients that others wrote: Neovim, and the libraries of VS Code (npm install vscode-languageserver-protocol;
found through NODE_PATH). Each is skipped where it is not installed."""
import json
import os
import shutil
import subprocess
import unittest

import e2e_support as e2e
from e2e_support import Daemon
from lsp_support import LSP, uri_of

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = "vscode-languageserver-protocol/node"


def has_library():
    return shutil.which("node") is not None and \
        subprocess.run(["node", "-e", "require('%s')" % LIBRARY], stderr=subprocess.DEVNULL).returncode == 0


class Editors(unittest.TestCase):
    def run_client(self, command, daemon, **environment):
        done = subprocess.run(command, env=dict(daemon.environment, LSP_SERVER=LSP, **environment), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=e2e.DEADLINE * 3)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return (done.stdout + done.stderr).decode()

    @unittest.skipUnless(shutil.which("nvim"), "Neovim is not installed")
    def test_neovim(self):
        version, python = next(iter(e2e.pythons().items()))
        with Daemon(environment={"PYCOMPILE_PYTHON": version}) as daemon:
            path = daemon.file("src/broken.py", "# é\ns = \"é🐍\"; None = 1\n")
            pyc = os.path.join(daemon.folder, "src", "__pycache__", "broken.cpython-%s.pyc" % version.replace(".", ""))
            said = self.run_client(["nvim", "--clean", "--headless", "-n", "-S", os.path.join(HERE, "lsp_neovim.lua")], daemon,
                                   LSP_FILE=path, LSP_PYC=pyc, XDG_STATE_HOME=daemon.folder, XDG_DATA_HOME=daemon.folder,
                                   XDG_CACHE_HOME=daemon.folder)
            found = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
            self.assertEqual((found["source"], found["severity"], found["lnum"]), ("pycompiled", 1, 1))
            if e2e.version_tuple(version) >= (3, 10):  # in bytes, as Neovim counts
                self.assertEqual((found["col"], found["end_col"]), (14, 18))
            wanted = os.path.join(daemon.folder, "wanted.pyc")
            script = "import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True)"
            subprocess.run([python, "-c", script, path, wanted], check=True)
            with open(pyc, "rb") as got, open(wanted, "rb") as file:
                self.assertEqual(got.read(), file.read())

    @unittest.skipUnless(has_library(), LIBRARY + " is not installed")
    def test_vscode_libraries(self):
        with Daemon() as daemon:
            path = daemon.file("src/a.py", "x = 1\n")
            said = self.run_client(["node", os.path.join(HERE, "lsp_vscode.js")], daemon, LSP_FOLDER=uri_of(os.path.dirname(path)))
            self.assertIn("done", said)


if __name__ == "__main__":
    e2e.main()
