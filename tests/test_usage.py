"""A mistake on the command line of any program ends with status 2, a message on standard error, and nothing done."""
import os
import subprocess
import sys
import tempfile
import unittest

import e2e_support as e2e

LSP = os.path.join(e2e.BUILD, "client", "pycompile-lsp")
MODULE = os.path.join(e2e.SOURCE, "..", "client", "python", "pycompiled")
SHARED = ["--nonsense", "--timeout x f", "--timeout -1 f", "--priority soon f", "--python", "--json=1 f", "-W",
          "--invalidation-mode never f", "--fallback=1 f", "--which-python=1"]
MISTAKES = {
    (e2e.CLIENT,): [*SHARED, "", "-o 3 f", "-o x f", "--cfile a f g", "-0 f", "--files0-from a f", "--cfile a -0", "--dfile a -", "-z"],
    (e2e.COMPILEALL,): [*SHARED, "-r x", "-o x", "-j x", "-d a -s b f", "--hardlink-dupes f", "-x", "--files0-from a -i b", "--check --python 3.13 --python 3.11", "--venv a b", "--venv -i a", "--stdlib a", "--venv -d x a", "--check --hardlink-dupes -o0 -o1 f"],
    (e2e.CTL,): ["", "nonsense", "--nonsense", "start x", "stop --wait", "stop --wait x", "restart x", "status x", "status --x",
                 "python x", "watch", "watch --nonsense .", "cache", "cache nonsense", "cache clear x", "cache stats x",
                 "cache verify x", "cache limit", "cache limit x", "cache limit 17X", "cache limit -1M"],
    (e2e.DAEMON,): ["--nonsense", "x", "--workers", "--workers x", "--workers 0", "--timeout -1", "--python x", "--python 3.13.0",
                    "--socket", "--cache-limit 1", "--nesting-limit 1000", "--remote-cache nonsense"],
    (LSP,): ["--nonsense", "x"],
    (sys.executable, MODULE): ["", "--nonsense", "-z x"],
}


class Usage(unittest.TestCase):
    def test_mistakes(self):
        with tempfile.TemporaryDirectory(prefix="pycompiled-test-") as folder:
            environment = dict(os.environ, PYCOMPILED_SOCKET=folder + "/run/socket", PYCOMPILED_CACHE_DIR=folder + "/cache")
            for program, lines in MISTAKES.items():
                for line in lines:
                    with self.subTest(program=os.path.basename(program[-1]), line=line):
                        done = subprocess.run([*program, *line.split()], cwd=folder, env=environment, text=True,
                                              stdin=subprocess.DEVNULL, capture_output=True, timeout=e2e.DEADLINE)
                        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                        self.assertRegex(done.stderr, r"(?m)^pycompile[\w. -]*: |^(python[\w.]* )?\S*pycompiled: ")
                        self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    e2e.main()
