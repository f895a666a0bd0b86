"""Mutated sources, and the hostile ones of CPython's own tests, through the client and through a fresh `python -m py_compile`
for each: exit status, output and bytes must be the same.

PYCOMPILED_MUTATIONS   number of cases for each version (default 100)
PYCOMPILED_SEED        the first seed (default: 1)
PYCOMPILED_PYTHONS     only these versions: 3.13,3.11
PYCOMPILED_KEEP        a folder for the sources that differ"""
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e
import mutations

COUNT = int(os.environ.get("PYCOMPILED_MUTATIONS", "100"))
SEED = int(os.environ.get("PYCOMPILED_SEED", "1"))
THREADS = len(os.sched_getaffinity(0))
HOSTILE = re.compile(r"bad|encod|tokeni|gramm|unicode|ascii|unparse|fstring|string_lit|syntax|exception|patma|type_|eof|utf8|"
                     r"coding|source|cp\d|future|flufl", re.IGNORECASE)

FILTERS = ["", "", "", "", "always", "error", "ignore", "default", "once", "module", "error::SyntaxWarning",
           "error::DeprecationWarning", "ignore::DeprecationWarning,error", "default:invalid escape", "error:::case",
           "ignore::UserWarning", "always::SyntaxWarning:x:3", "error,bad", "no::such", "a:b:c:d:e:f", "error::no.such.Category",
           "error::Warning:m:x", "i", "d:::é"]


def run(command, folder, environment):
    """Status, output and written bytes."""
    cache = os.path.join(folder, "__pycache__")
    shutil.rmtree(cache, ignore_errors=True)
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, env=environment,
                          timeout=e2e.DEADLINE)
    written = {}
    for name in os.listdir(cache) if os.path.isdir(cache) else ():
        with open(os.path.join(cache, name), "rb") as file:
            written[name] = file.read()
    return {"status": done.returncode, "stdout": done.stdout, "stderr": done.stderr, "files": written}


class Comparison:
    """The cases that differed; they run on all cores."""

    def __init__(self, version, python, daemon, scratch):
        self.version, self.python, self.daemon, self.scratch = version, python, daemon, scratch
        self.old = e2e.version_tuple(version) < (3, 10)
        self.base = {k: v for k, v in daemon.environment.items() if not k.startswith("PYTHON")}
        self.base["PYTHONHASHSEED"] = "0"  # up to 3.10 a frozenset has the order of its hashes
        self.counts = {"compiled": 0, "refused": 0, "with warnings": 0}
        self.differences = []
        self.flags_vary = e2e.version_tuple(version) < (3, 11)
        if self.flags_vary:
            self.counts["with other flags"] = 0

    def same_code(self, real, ours):
        return real.keys() == ours.keys() and all(real[name][:16] == ours[name][:16] and
                                                  e2e.code_of(self.python, real[name]) == e2e.code_of(self.python, ours[name])
                                                  for name in real)

    def case(self, name, data, title, typed=None, environment=None, options=()):
        """Compares both programs on one source. `typed` is the name as it is given, with {} for the folder."""
        folder = os.path.join(self.scratch, "%s" % name)
        os.mkdir(folder)
        source = os.path.join(folder, "case.py")
        with open(source, "wb") as file:
            file.write(data)
        os.utime(source, (1600000000, 1600000000))
        typed = (typed or "case.py").format(folder)
        options = () if self.old else options  # there were none
        environment = dict(self.base, **(environment or {}))
        real = run([self.python, "-m", "py_compile", *options, typed], folder, environment)
        ours = run([e2e.CLIENT, "--python", self.version, *options, typed], folder, environment)
        shutil.rmtree(folder)
        if self.old:  # 3.9 ends every message with one more newline
            real["stderr"], ours["stderr"] = real["stderr"].rstrip(b"\n"), ours["stderr"].rstrip(b"\n")
        self.counts["refused" if real["status"] else "compiled"] += 1
        self.counts["with warnings"] += b"Warning: " in real["stderr"]
        different = [part for part in real if real[part] != ours[part]]
        if different == ["files"] and self.flags_vary and self.same_code(real["files"], ours["files"]):
            self.counts["with other flags"] += 1
            different = []
        if different:
            self.differences.append((name, title, different, real["stderr"][-1500:], ours["stderr"][-1500:]))
            if "PYCOMPILED_KEEP" in os.environ:
                with open(os.path.join(os.environ["PYCOMPILED_KEEP"], "%s-%s.py" % (self.version, name)), "wb") as file:
                    file.write(data)

    def run_all(self, make, numbers):
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for future in [pool.submit(make, number) for number in numbers]:
                future.result()


def variation(seed, version):
    """The options and variables for a case."""
    rng = random.Random("call %s" % seed)
    environment = {}
    filters = rng.choice(FILTERS)
    if filters:
        environment["PYTHONWARNINGS"] = filters
    # Up to 3.10 the bytes depend on the library's .pyc files, which differ for each level.
    if e2e.version_tuple(version) >= (3, 11) and rng.random() < 0.2:
        environment["PYTHONOPTIMIZE"] = rng.choice(("0", "1", "2", "3"))
    return {
        "typed": rng.choice(("case.py", "case.py", "./case.py", "{}/case.py", "{}/.//case.py")),
        "environment": environment,
        "options": rng.choice(((), (), (), (), (), (), ("-q",))),
    }


class Mutation(unittest.TestCase):
    make_measure = staticmethod(e2e.bare_python)

    def compare(self, version, python, cases):
        scratch = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-mutation-"))
        self.addCleanup(shutil.rmtree, scratch)
        with e2e.Daemon("--no-cache", "--workers", "2") as daemon:
            comparison = Comparison(version, self.make_measure(version, python, scratch), daemon, scratch)
            cases(comparison)
            self.assertEqual(daemon.status()["counters"]["crashes"], 0)
        print("%s: %s, %d differ" % (version, ", ".join("%d %s" % (n, what) for what, n in comparison.counts.items()),
                                     len(comparison.differences)), flush=True)
        for name, title, different, real, ours in comparison.differences[:20]:
            print("  case %s: %s differ: %s\n    real: %r\n    ours: %r" % (name, ", ".join(different), title, real, ours))
        self.assertEqual(len(comparison.differences), 0, [d[0] for d in comparison.differences])
        self.assertLessEqual(comparison.counts.pop("with other flags", 0), comparison.counts["compiled"] // 50)
        return comparison.counts


def make_mutations(version, python):
    def test(self):
        sources = e2e.library_sources(python)

        def cases(comparison):
            def one(number):
                seed = "%s %d" % (version, number)
                data, done = mutations.make(seed, sources)
                call = variation(seed, version)
                comparison.case(number, data, "%s; %s" % (" ".join(done), call), **call)
            comparison.run_all(one, range(SEED, SEED + COUNT))

        counts = self.compare(version, python, cases)
        if COUNT >= 100:
            self.assertGreater(min(counts.values()), COUNT // 20, "the mutations are too harsh or too tame")
    return test


def make_hostile(version, python):
    def test(self):
        paths = [path for path in e2e.library_sources(python) if HOSTILE.search(os.path.basename(path))
                 and os.path.getsize(path) < 100000]
        self.assertGreater(len(paths), 10)

        def cases(comparison):
            def one(number):
                with open(paths[number], "rb") as file:
                    comparison.case(number, file.read(), paths[number])
            comparison.run_all(one, range(len(paths)))

        self.compare(version, python, cases)
    return test


for _version, _python in e2e.pythons().items():
    if _version in os.environ.get("PYCOMPILED_PYTHONS", _version).split(","):
        setattr(Mutation, "test_mutations_" + _version.replace(".", "_"), make_mutations(_version, _python))
        setattr(Mutation, "test_hostile_" + _version.replace(".", "_"), make_hostile(_version, _python))

if __name__ == "__main__":
    e2e.main()
