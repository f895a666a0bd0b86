"""tools/layers finds what it is there to find. Each case changes a scratch copy of the tree and of the build's records;
the objects are links to those of the real build, apart from the sources that a case compiles again."""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
BUILD = os.path.realpath(os.environ.get("PYCOMPILED_BUILD") or os.path.join(ROOT, "build"))
FOLDERS = ("base", "proto", "cache", "host", "daemon", "client", "tools")


class Tree:
    """The scratch copy."""

    def __init__(self, folder):
        self.root = os.path.realpath(folder)
        self.build = os.path.join(self.root, "build")
        for name in FOLDERS:
            shutil.copytree(os.path.join(ROOT, name), os.path.join(self.root, name),
                            ignore=shutil.ignore_patterns("__pycache__"))
        os.mkdir(self.build)
        with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
            self.commands = json.load(file)
        for entry in self.commands:
            source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
            generated = source.startswith(BUILD + os.sep)
            entry["file"] = (os.path.join(self.build, os.path.relpath(source, BUILD)) if generated else
                             os.path.join(self.root, os.path.relpath(source, ROOT)))
            entry["directory"] = self.build
            link = os.path.join(self.build, entry["output"])
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(os.path.join(BUILD, entry["output"]), link)
        with open(os.path.join(self.build, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(self.commands, file)
        shutil.copy(os.path.join(BUILD, "build.ninja"), self.build)

    def path(self, name):
        return os.path.join(self.root, name)

    def append(self, name, text):
        with open(self.path(name), "a", encoding="utf-8") as file:
            file.write("\n" + text)

    def compile(self, name):
        """Compiles a source again, for the program of its folder."""
        entry = next(e for e in self.commands if e["file"] == self.path(name) and not e["output"].startswith("tests/"))
        target = os.path.join(self.build, entry["output"])
        os.unlink(target)
        words = shlex.split(entry["command"])
        words[-1] = entry["file"]
        words = [word.replace("-I..", "-I" + self.root) for word in words]
        subprocess.run(words, cwd=self.build, check=True)

    def check(self, *options):
        done = subprocess.run([sys.executable, self.path("tools/layers"), *options], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class Layers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="pycompiled-layers-")
        self.addCleanup(shutil.rmtree, folder)
        self.tree = Tree(folder)

    def expect_red(self, *words, options=()):
        status, out = self.tree.check(*options)
        self.assertEqual(status, 1, out)
        for word in words:
            self.assertIn(word, out)

    def test_the_tree_is_green(self):
        status, out = self.tree.check()
        self.assertEqual(status, 0, out)

    def test_an_include_that_runs_up(self):
        self.tree.append("daemon/pool/worker.c", '#include "daemon/server.h"\n')
        self.expect_red("daemon/pool/worker.c:", "includes daemon/server.h, which stands above it",
                        options=["--includes-only"])

    def test_a_call_that_runs_up(self):
        self.tree.append("daemon/server.c", "void server_probe(void);\nvoid server_probe(void) {\n}\n")
        self.tree.append("daemon/pool/worker.c", "void server_probe(void);\nvoid worker_probe(void);\n"
                         "void worker_probe(void) {\n    server_probe();\n}\n")
        self.tree.compile("daemon/server.c")
        self.tree.compile("daemon/pool/worker.c")
        self.expect_red("daemon/pool/worker.c: uses server_probe of daemon/server.c, which stands above it",
                        options=["--no-headers"])

    def test_programs_that_know_one_another(self):
        for source, target in (("client/connect.c", "daemon/log.h"), ("daemon/server.c", "host/control.h"),
                               ("host/main.c", "client/connect.h"), ("client/ctl/life.c", "client/lsp/uri.h")):
            self.tree.append(source, '#include "%s"\n' % target)
        self.expect_red("client/connect.c:", "includes daemon/log.h, whose folder is apart",
                        "includes host/control.h, whose folder is apart",
                        "includes client/connect.h, whose folder is apart",
                        "includes client/lsp/uri.h, whose folder is apart", options=["--includes-only"])

    def test_files_and_the_order(self):
        self.tree.append("base/newcomer.c", "")
        os.unlink(self.tree.path("base/clock.c"))
        os.unlink(self.tree.path("base/clock.h"))
        self.expect_red("base/newcomer.c: is not in layers.txt", "there is neither base/clock.c nor base/clock.h",
                        options=["--includes-only"])

    def test_a_header_that_needs_another(self):
        self.tree.append("base/clock.h", "struct what_comes clock_value;\nextern what_comes_not clock_other;\n")
        self.expect_red("base/clock.h: does not compile alone")

    def test_one_name_for_two_functions(self):
        for name in ("base/buffer.c", "proto/frame.c"):
            self.tree.append(name, "static const char *probe_twice(void) {\n    return 0;\n}\n")
        # In different programs the same name is right.
        for name in ("daemon/server.c", "host/main.c"):
            self.tree.append(name, "static __attribute__((noreturn)) void probe_apart(int status) {\n}\n")
        status, out = self.tree.check("--no-headers")
        self.assertEqual(status, 1, out)
        self.assertIn("base/buffer.c, proto/frame.c: each has a function probe_twice", out)
        self.assertNotIn("probe_apart", out)


if __name__ == "__main__":
    unittest.main()
