"""Shared by the tests of pycompileall-client: folders to compile, and running both programs on equal folders."""
import contextlib
import os
import re
import shutil
import stat
import subprocess
import time
import unittest

import e2e_support as e2e

# compileall's -s has other rules before 3.13; pycompileall-client has those of 3.13.
VERSION = "3.13"
# For tests that hold for each version: that one, else any that is built.
ANY_VERSION = VERSION if VERSION in e2e.pythons() else next(iter(e2e.pythons()), VERSION)

GOOD = b"import os\nx = 1\ndef f(a):\n    '''doc'''\n    assert a\n    return {a: x}\n"
PLANT = {
    "pkg/__init__.py": b"",
    "pkg/good.py": GOOD,
    "pkg/bad.py": b"def f(:\n    pass\n",
    "pkg/nul.py": b"x = 1\n\x00\n",
    "pkg/warn.py": b"x = '\\q'\ny = '\\d'\n",
    "pkg/data.txt": b"no source\n",
    "pkg/noext": GOOD,
    "pkg/.py": GOOD,
    "pkg/.hidden.py": GOOD,
    "pkg/upper.PY": GOOD,
    "pkg/it's.py": GOOD,
    "pkg/both'\".py": GOOD,
    "pkg/new\nline.py": GOOD,
    "pkg/no\u00a0break\u200b\U000e0001.py": GOOD,
    "pkg/\u20ac.py": GOOD,
    os.fsdecode(b"pkg/bytes-\xff.py"): GOOD,
    "pkg/sub/deep/er/mod.py": GOOD,
    "pkg/sub/mod.py": GOOD,
    "pkg/sub-other/mod.py": b"x = (\n",
    "pkg/\ue000sorts/after.py": GOOD,
    "pkg/\U00010000sorts/later.py": GOOD,
    "pkg/empty/nothing.txt": b"",
    "outside/target.py": GOOD,
    "list": b"pkg/good.py\n  pkg/sub \r\n\npkg/bad.py",
    "nothing": b"",
    "notutf8": b"pkg/good.py\npkg/bytes-\xff.py\n",
}
LINKS = {
    "pkg/linked.py": "good.py",
    "pkg/out.py": "../outside/target.py",
    "pkg/dangling.py": "nowhere.py",
    "pkg/loop": ".",
    "pkg/linkdir": "../outside",
    "pkgs": "pkg",
}


def write(folder, name, data):
    """A file with a time of its own, the same in every run."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.utime(path, (1700000000, 1700000000))
    return path


def plant(folder):
    for name, data in PLANT.items():
        write(folder, name, data)
    for name, target in LINKS.items():
        os.symlink(target, os.path.join(folder, name))
    os.chmod(os.path.join(folder, "pkg/good.py"), 0o640)


def tree(folder):
    """Everything below a folder: links, modes, bytes, and which names are hard links of one file."""
    found, numbers = {}, {}
    for top, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(top, name)
            status = os.lstat(path)
            if os.path.islink(path):
                found[os.path.relpath(path, folder)] = os.readlink(path)
                continue
            if "/lib/python3" in path:
                continue  # with PYTHONPYCACHEPREFIX the real one caches its own modules too
            if not stat.S_ISREG(status.st_mode):
                found[os.path.relpath(path, folder)] = status.st_mode
                continue
            number = numbers.setdefault(status.st_ino, len(numbers)) if status.st_nlink > 1 else None
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = (status.st_mode, number, file.read())
    return found


class Case(unittest.TestCase):
    version = VERSION

    @classmethod
    def setUpClass(cls):
        if cls.version not in e2e.pythons():
            raise unittest.SkipTest("no host for Python " + cls.version)
        cls.python = e2e.pythons()[cls.version]
        cls.daemon = e2e.Daemon()
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def setUp(self):
        self.work = os.path.join(self.daemon.folder, "work")
        os.mkdir(self.work)
        self.addCleanup(self.remove_work)

    def remove_work(self):
        """A client that ended early may have left a compile running, which still writes."""
        end = time.monotonic() + e2e.DEADLINE
        while os.path.exists(self.work):
            shutil.rmtree(self.work, ignore_errors=time.monotonic() < end)

    def environment(self, **more):
        kept = {k: v for k, v in self.daemon.environment.items()
                if not k.startswith(("PYTHON", "PYCOMPILE_")) and k not in ("SOURCE_DATE_EPOCH", "VIRTUAL_ENV")}
        return dict(kept, **more)

    def run_one(self, command, options, **environment):
        return subprocess.run([*command, *options], cwd=self.work, stdin=subprocess.DEVNULL, capture_output=True,
                              env=self.environment(**environment), timeout=e2e.DEADLINE)

    def ours(self, *options, **environment):
        return self.run_one([e2e.COMPILEALL, "--python", self.version], options, **environment)

    def path(self, *names):
        return os.path.join(self.work, *names)

    def write(self, name, data):
        return write(self.work, name, data)

    def read(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    @contextlib.contextmanager
    def running(self, *options, **keywords):
        """The client, with pipes as its input and output."""
        process = subprocess.Popen([e2e.COMPILEALL, "--python", self.version, *options], cwd=self.work, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=self.environment(), **keywords)
        with process:
            yield process
            self.assertIsNotNone(process.wait(e2e.DEADLINE))

    def empty(self):
        for name in os.listdir(self.work):
            path = os.path.join(self.work, name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)

    def compare(self, *options, prepare=None, real=(), ours=(), sort=False, before=(), **environment):
        """Runs both programs on equal folders; returns our result. `real` are options of the interpreter and `ours` the
        same for the client, `before` is a command that runs both; `sort`: the order of the output may differ."""
        results = []
        for command in ([self.python, *real, "-m", "compileall"], [e2e.COMPILEALL, "--python", self.version, *ours]):
            self.empty()
            plant(self.work)
            if prepare:
                prepare(self.work)
            done = self.run_one([*before, *command], options, **environment)
            if sort:
                done.stdout = sorted(done.stdout.splitlines())
            results.append((done, tree(self.work)))
        (real, real_tree), (ours, our_tree) = results
        self.assertEqual(self.without_temporary(ours.stdout), self.without_temporary(real.stdout), options)
        self.assertEqual(self.last_line(ours.stderr), self.last_line(real.stderr), options)
        self.assertEqual(ours.returncode, real.returncode, options)
        self.assertEqual(our_tree, real_tree, options)
        return ours

    def without_temporary(self, text):
        """Removes the temporary name from the message of a failed rename."""
        if isinstance(text, list):
            return text
        return re.sub(rb"\.pyc\.\d+(\.\d+\.tmp)?'", b".pyc.TEMPORARY'", text)

    def last_line(self, text):
        """The last line of a traceback or a usage message, without the program's name."""
        if b"Traceback" not in text and not text.startswith(b"usage:") and b"rror: " not in text:
            return text
        line = re.sub(rb"^[\w.-]+: error", b"error", text.strip().rsplit(b"\n", 1)[-1])
        return re.sub(rb"\(choose from .*\)", lambda match: match[0].replace(b"'", b""), line)  # as argparse does from 3.12.8 on
