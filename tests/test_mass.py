"""Many files in random order through all workers, twice in one daemon: the same bytes both times, and for a sample those of a
fresh `python -m py_compile` for each file.

PYCOMPILED_MASS         number of files for each version (default 800)
PYCOMPILED_MASS_SAMPLE  number of files that are compared with fresh processes (default 60)
PYCOMPILED_MASS_LIBRARY if set, only and all files of each Python's own library, each compared with a fresh process
PYCOMPILED_SEED         seed of the choice and of the orders (default 1)
PYCOMPILED_PYTHONS      only these versions: 3.13,3.11"""
import concurrent.futures
import hashlib
import os
import random
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e

COUNT = int(os.environ.get("PYCOMPILED_MASS", "800"))
SAMPLE = int(os.environ.get("PYCOMPILED_MASS_SAMPLE", "60"))
LIBRARY = bool(os.environ.get("PYCOMPILED_MASS_LIBRARY"))
if LIBRARY:
    COUNT = SAMPLE = 1 << 20
SEED = int(os.environ.get("PYCOMPILED_SEED", "1"))

# Pairs of files. In an interpreter that lives on, the second one's bytes change if the first one was compiled before
# (cpython issue 129724, and a small form of astral-sh/uv issue 10619).
HISTORIES = [
    (b"import foo\n",
     b"a = {'foo', 2, 3}\ndef f():\n    b = {'foo', 2, 3}\n"),
    (b"class A:\n    def randint(self): return self.nchypergeom_fisher, self.nchypergeom_wallenius\n",
     b"def f(x): return x in {'randint', 'nchypergeom_fisher', 'nchypergeom_wallenius'}\n"
     b"def g(x): return x in {'nchypergeom_wallenius', 'randint', 'nchypergeom_fisher'}\n"),
    ("é = 1\n".encode(), "x = 'é'\n".encode()),
    (b"# coding: utf-7\n+AOk- = 1\n", "x = 'é'\n".encode()),
    ("x = f'{e\u0301} é'\n".encode(), "x = 'é'\n".encode()),
    ("x = f'{'' + f'{é}'}'\n".encode(), "x = 'é', '\\xe9', f'é'\n".encode()),
    ("x = 'é'\ndef ÿ(): return 'ÿ'\n".encode(), "def f(x): return x in ('ÿ', 'é'), 'é', 'ÿ'\n".encode()),
    (b"def f(a: int | 'x'): pass\nx: {1: '{'} = '}'\n", b"x = ['{', '}', '{}']\n"),
    (b"from __future__ import annotations\nx: {1: f'{y}'}\n", b"def f(x): return x in {'{', '}'}, '{'\n"),
    ("x = '\\N{DASH}'\nλ = 1\n".encode(), b"x = ['unicodedata', 'normalize', 'ucd_3_2_0', 'lookup', 'name']\n"),
    (b"# coding: koi8-r\nx = '\\N{DASH}'\n",
     b"def f(x): return x in {'decoding_table', 'ucd_3_2_0'}\ndef g(x): return x in {'ucd_3_2_0', 'decoding_table'}\n"),
    (b"# coding: koi8-r\nx = '\\N{DASH}'\n",
     b"foo = 1\ndef f(x): return x in {'foo', 'bar'}\ndef g(x): return x in {'bar', 'foo'}\n"),
    (b"# coding: rot13\n", b"x = ['rot13', 'Codec', 'getregentry', 'rot_13', 'encode', 'decode', 'errors']\n"),
    (b"x = 1 is 1\n", b"x = ['linecache', 'getline', 'lines', 'tokenize', 'cache', 'updatecache']\n"),
]


def digests(folder):
    """Every .pyc below a folder, by name."""
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".pyc"):
                with open(os.path.join(top, name), "rb") as file:
                    found[os.path.relpath(os.path.join(top, name), folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def forget(folder):
    for top, folders, _ in os.walk(folder):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
            shutil.rmtree(os.path.join(top, "__pycache__"))


def all_sources(python):
    """The library of the interpreter, and the packages of every installed interpreter."""
    found = e2e.library_sources(python)
    if LIBRARY:
        return found
    for other in e2e.pythons().values():
        found += e2e.sources_below(e2e.library_folder(other, "purelib"))
    return found


def copy_some(python, folder, rng):
    """Copies COUNT sources to a new tree; returns their paths."""
    sources = all_sources(python)
    paths = []
    for number, source in enumerate(rng.sample(sources, min(COUNT, len(sources)))):
        where = os.path.join(folder, "%d" % (number % 40), "%d" % number)
        os.makedirs(where)
        paths.append(os.path.join(where, os.path.basename(source)))
        shutil.copyfile(source, paths[-1])
    return paths


class Fresh:
    """`python -m py_compile`, one process for each file."""

    def __init__(self, version, python, scratch):
        self.python = e2e.bare_python(version, python, scratch)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        self.environment["PYTHONHASHSEED"] = "0"

    def compile(self, path, cwd="/"):
        """The digest of the bytes it writes, or None."""
        folder = os.path.dirname(os.path.join(cwd, path))
        shutil.rmtree(os.path.join(folder, "__pycache__"), ignore_errors=True)
        status = subprocess.run([self.python, "-m", "py_compile", path], env=self.environment, stdin=subprocess.DEVNULL,
                                capture_output=True, timeout=e2e.DEADLINE, cwd=cwd).returncode
        return None if status else next(iter(digests(folder).values()))


class Mass(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-mass-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def through_client(self, daemon, version, paths):
        environment = {k: v for k, v in daemon.environment.items() if not k.startswith("PYTHON")}
        run = subprocess.run([e2e.CLIENT, "--python", version, "-k", "-"], input="\n".join(paths).encode(),
                             capture_output=True, env=environment)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        return digests(self.folder)

    def mass(self, version, python):
        rng = random.Random("%d %s" % (SEED, version))
        paths = copy_some(python, self.folder, rng)
        workers = max(len(os.sched_getaffinity(0)), 2)
        runs = []
        with e2e.Daemon("--no-cache", "--workers", str(workers)) as daemon:
            for _ in range(2):
                rng.shuffle(paths)
                forget(self.folder)
                runs.append(self.through_client(daemon, version, paths))
            status = daemon.status()
        self.assertEqual(status["counters"]["crashes"], 0)
        busy = [worker for pool in status["pythons"] if pool["python"] == version for host in pool["hosts"]
                if host["kind"] == "shared" for worker in host["workers"] if worker["jobs"] > 0]
        self.assertGreater(len(busy), 1, "one worker did it all")
        self.assertGreater(len(runs[0]), len(paths) * 3 // 4)
        self.assertEqual([name for name in {**runs[0], **runs[1]} if runs[0].get(name) != runs[1].get(name)], [])
        fresh = Fresh(version, python, os.path.join(self.folder, "bare"))
        sample = rng.sample(paths, min(SAMPLE, len(paths)))
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            expected = list(pool.map(fresh.compile, sample))
        ours = {os.path.dirname(os.path.dirname(name)): digest for name, digest in runs[0].items()}
        different = [path for path, digest in zip(sample, expected)
                     if ours.get(os.path.relpath(os.path.dirname(path), self.folder)) != digest]
        if e2e.version_tuple(version) < (3, 11) and len(different) <= len(sample) // 50 + 1:
            different = [path for path in different if not self.same_code(version, fresh, path)]
        print("%s: %d files, %d compiled, %d of both runs by the exact path; %d compared with fresh processes, %d differ"
              % (version, len(paths), len(runs[0]), status["counters"]["exact"], len(sample), len(different)), flush=True)
        self.assertEqual(different, [])

    def same_code(self, version, fresh, path):
        """Whether the code is equal, apart from marshal's flags."""
        cache, codes = os.path.join(os.path.dirname(path), "__pycache__"), []
        fresh.compile(path)
        with e2e.Daemon("--no-cache", "--workers", "1") as daemon:
            for again in (lambda: None, lambda: self.through_client(daemon, version, [path])):
                again()
                with open(os.path.join(cache, os.listdir(cache)[0]), "rb") as file:
                    codes.append(e2e.code_of(fresh.python, file.read()))
        return codes[0] == codes[1]

    def histories(self, version, python):
        """With one worker, which has compiled the first file of each pair before the second."""
        fresh = Fresh(version, python, os.path.join(self.folder, "bare"))
        paths = []
        for number, pair in enumerate(HISTORIES):
            for name, data in zip("ab", pair):
                paths.append(os.path.join(self.folder, "%d%s" % (number, name), "x.py"))
                os.makedirs(os.path.dirname(paths[-1]))
                with open(paths[-1], "wb") as file:
                    file.write(data)
        expected = [fresh.compile(path) for path in paths]
        self.assertGreater(sum(digest is not None for digest in expected), len(HISTORIES))
        with e2e.Daemon("--no-cache", "--workers", "1") as daemon:
            for order in (paths, paths[::-1]):
                forget(self.folder)
                ours = self.through_client(daemon, version, order)
                ours = [next((d for name, d in ours.items() if name.startswith(os.path.relpath(os.path.dirname(path), self.folder)
                                                                              + os.sep)), None) for path in paths]
                self.assertEqual([p for p, real, our in zip(paths, expected, ours) if real != our], [])

    def test_a_check_leaves_nothing(self):
        """A source that is only checked changes no bytes of later files either."""
        for version, python in e2e.pythons().items():
            with self.subTest(version), e2e.Daemon("--no-cache", "--workers", "1") as daemon, daemon.connect() as connection:
                scratch = tempfile.mkdtemp(dir=self.folder)
                fresh = Fresh(version, python, os.path.join(scratch, "bare"))
                for number, pair in enumerate(HISTORIES):
                    first, second = (os.path.join(scratch, "%d%s.py" % (number, name)) for name in "ab")
                    for path, data in zip((first, second), pair):
                        with open(path, "wb") as file:
                            file.write(data)
                    connection.call("check", {"file": first, "python": version})
                    connection.compile(second, python=version)
                    ours = digests(scratch)
                    self.assertEqual(ours["__pycache__/%db.cpython-%s.pyc" % (number, version.replace(".", ""))], fresh.compile(second),
                                     pair)

    def test_latin_names_beside_latin_constants(self):
        """Up to 3.12 one worker's name of one letter could flag another worker's constant."""
        sources = ["".join("é%s= é\n" % (" " * i) for i in range(100)).encode(), "x = 'é', 'ÿ'\n".encode()]
        folders = [os.path.join(self.folder, "%d" % number) for number in range(300)]
        for number, folder in enumerate(folders):
            os.mkdir(folder)
            with open(os.path.join(folder, "x.py"), "wb") as file:
                file.write(sources[number % 2])
            os.utime(file.name, (1600000000, 1600000000))
        for version, python in e2e.pythons().items():
            with self.subTest(version), e2e.Daemon("--no-cache", "--workers", "4") as daemon, daemon.connect() as connection:
                forget(self.folder)
                for folder in folders:
                    connection.request("compile", {"file": "x.py", "cwd": folder, "python": version})
                for _ in folders:
                    self.assertIn("result", connection.receive())
                found = [next(iter(digests(folder).values())) for folder in folders]
                fresh = Fresh(version, python, os.path.join(self.folder, "bare" + version))
                for kind in (0, 1):
                    self.assertEqual(set(found[kind::2]), {fresh.compile("x.py", folders[kind])})


for _version, _python in e2e.pythons().items():
    if _version in os.environ.get("PYCOMPILED_PYTHONS", _version).split(","):
        _name = _version.replace(".", "_")
        setattr(Mass, "test_mass_" + _name, lambda self, v=_version, p=_python: self.mass(v, p))
        setattr(Mass, "test_histories_" + _name, lambda self, v=_version, p=_python: self.histories(v, p))

if __name__ == "__main__":
    e2e.main()
