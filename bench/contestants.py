"""Parts of bench/run in which other ways of compiling compete, and kinds of files that an interpreter does not compile as it does
ordinary ones."""

import contextlib
import ctypes
import json
import os
import resource
import sys
from pathlib import Path

from bench_support import CORES, ROOT, Daemon, Failure, copy_library, cpu_seconds, environment, row, s, timed, write_listing

# A few functions, so that the special line is a small part of a file of common size.
BODY = "".join(f"""
def step_{i}(items, limit={i}):
    found = []
    for item in items:
        if item.size > limit and item.name != "entry {i}":
            found.append((item.name, item.size + limit))
    return found

""" for i in range(6))

KINDS = {
    "ordinary": b'def special(i):\n    return "\\\\d", i\n',
    "warns": b'def special(i):\n    return "\\d", i\n',
    "errors": b'def special(i):\n    return "d" i +\n',
    "NUL": b'def special(i):\n    return "\0", i\n',
    "sets": b'def special(i):\n    return i in {"a", "b", "c"} or i + 1 in {"a", "b", "c"}\n',
}
REFUSED = ("errors", "NUL")


def write_tree(folder, count, kinds):
    """`kinds(i)` is the kind of the i-th file."""
    os.makedirs(folder)
    for i in range(count):
        source = b"import sys\n# file %d\n" % i + KINDS[kinds(i)] + BODY.encode()
        Path(folder, f"module_{i:05}.py").write_bytes(source)


def client(build, daemon, xy, names, *options, cwd=None):
    """One forced run of pycompileall-client, whatever the files are."""
    command = [build.compileall, "--python", xy, "-q", "-f", *options, *names]
    return timed(command, daemon.env, accept=(0, 1), cwd=cwd)


def compileall(build, xy, names, env, *options, cwd=None):
    command = [build.pythons[xy], "-m", "compileall", "-q", "-f", *options, *names]
    return timed(command, env, accept=(0, 1), cwd=cwd)


PR_SET_CHILD_SUBREAPER = 36


def run_and_adopt(run):
    """Seconds that run() returns, and the processor time of its processes, of orphans too: from 3.12 on compileall's workers are
    children of a fork server, which nobody waits for."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    seconds = run()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, usage.ru_utime + usage.ru_stime


def in_a_child(run):
    """run_and_adopt() in a process of its own, which has no other children."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, json.dumps(run_and_adopt(run)).encode())
        except Exception as e:
            print(e, file=sys.stderr)
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        result = pipe.read()
    os.waitpid(pid, 0)
    if not result:
        raise Failure("a contestant failed")
    return json.loads(result)


def with_cpu(run, daemon=None):
    """Wall-clock seconds that run() returns, and the processor time of it and of the daemon with its hosts."""
    server, hosts = daemon.pids() if daemon else (0, [])
    before = cpu_seconds([server, *hosts])
    seconds, used = in_a_child(run)
    return seconds, used + cpu_seconds([server, *hosts]) - before


class Times:
    """Wall-clock and processor times of contestants by name."""

    def __init__(self):
        self.wall, self.cpu = {}, {}

    def add(self, name, run, daemon=None):
        seconds, used = with_cpu(run, daemon)
        self.wall.setdefault(name, []).append(seconds)
        self.cpu.setdefault(name, []).append(used)

    def result(self):
        return {"times": self.wall, "cpu": self.cpu, "best": {name: min(values) for name, values in self.wall.items()},
                "best_cpu": {name: min(values) for name, values in self.cpu.items()}}


def against(r, ours, theirs):
    """How fast `ours` is, and the same by processor time, which a busy machine changes less."""
    return f"{r['best'][theirs] / r['best'][ours]:5.2f} times as fast ({r['best_cpu'][theirs] / r['best_cpu'][ours]:.2f} by processor time)"


def round_of_kinds(build, daemons, xy, scratch, case, times):
    """Every kind once through each contestant."""
    names, warnings = case
    env = environment(**warnings)
    for kind in KINDS:
        folder = [kind if names == "relative" else f"{scratch}/{kind}"]
        for who, daemon in daemons.items():
            daemon.env.pop("PYTHONWARNINGS", None)
            daemon.env.update(warnings)
            times.add(f"{kind} {who}", lambda: client(build, daemon, xy, folder, cwd=scratch), daemon)
        times.add(f"{kind} compileall", lambda: compileall(build, xy, folder, env, "-j", str(CORES), cwd=scratch))


def part_kinds(build, xy, options, scratch):
    for kind in KINDS:
        write_tree(f"{scratch}/{kind}", options.files, lambda _, kind=kind: kind)
    result = {"files": options.files, "cases": {}}
    with Daemon(build) as many, Daemon(build, 1) as one:
        for daemon in (many, one):
            daemon.start()
            for kind in KINDS:
                client(build, daemon, xy, [f"{scratch}/{kind}"])
        for names in ("relative", "absolute"):
            for shown in ("", "-W default"):
                times = Times()
                for _ in range(options.repeat):
                    round_of_kinds(build, {"many": many, "one": one}, xy, scratch,
                                   (names, {"PYTHONWARNINGS": "default"} if shown else {}), times)
                result["cases"][f"{names} {shown}".strip()] = times.result()
    return result


def print_kinds(xy, r):
    """Two lines a kind: wall-clock time, and processor time, whose ratios a busy machine changes less."""
    row(xy, f"{r['files']} files a kind", " " * 11, f"part of ordinary files' time; speed: compileall -j {CORES}, one worker = 1")
    for case, measured in r["cases"].items():
        for kind in KINDS:
            for what, best in (("", measured["best"]), ("processor time", measured["best_cpu"])):
                many, one, theirs = (best[f"{kind} {who}"] for who in ("many", "one", "compileall"))
                share = f"{many / best['ordinary many']:5.2f} (goal: {1.5 if kind in REFUSED else 3})"
                row("", what or f"{kind}, {case}", s(many), f"{share:18} {theirs / many:5.2f} (goal: 1)   {one / many:5.2f}"
                    + (" (goal: 1.8)" if not what and CORES == 2 else ""))


def part_warning_trees(build, xy, options, scratch):
    shares = (0, 1, 5, 20)
    env = environment(PYTHONWARNINGS="default")
    times = Times()
    for share in shares:
        write_tree(f"{scratch}/{share}", options.files, lambda i, share=share: "warns" if i * 37 % 100 < share else "ordinary")
    with Daemon(build, PYTHONWARNINGS="default") as daemon:
        daemon.start()
        client(build, daemon, xy, [f"{scratch}/0"])
        client(build, daemon, xy, [f"{scratch}/20"])
        for _ in range(options.repeat):
            for share in shares:
                names = [str(share)]
                times.add(f"{share} client", lambda: client(build, daemon, xy, names, cwd=scratch), daemon)
                times.add(f"{share} compileall", lambda: compileall(build, xy, names, env, "-j", str(CORES), cwd=scratch))
    return {"files": options.files, "shares": shares, **times.result()}


def print_warning_trees(xy, r):
    for share in r["shares"]:
        row(xy if share == 0 else "", f"{share} % of {r['files']} files warn", s(r["best"][f"{share} client"]),
            f"{r['best'][f'{share} client'] / r['best']['0 client']:.2f} of none's time, compileall -j {CORES}: "
            + against(r, f"{share} client", f"{share} compileall") + " (goal: 1)")


def with_listing(command, listing, env):
    with open(listing, "rb") as names:
        return timed(command, env, accept=(0, 1), stdin=names)


def part_uv(build, xy, options, scratch):
    folder = f"{scratch}/uv-{xy}"
    files, size = copy_library(build.pythons[xy], folder, options.tests)
    listing = write_listing(scratch, f"uv-list-{xy}", files)
    env = environment(PYTHONWARNINGS="ignore")
    scheme = [sys.executable, ROOT / "bench/uv_scheme.py", build.pythons[xy], str(CORES)]
    times = Times()
    with Daemon(build, PYTHONWARNINGS="ignore") as daemon:
        daemon.start()
        client(build, daemon, xy, [folder])
        for _ in range(options.repeat):
            times.add("client", lambda: client(build, daemon, xy, [folder]), daemon)
            times.add("uv", lambda: with_listing(scheme, listing, env))
            times.add("compileall", lambda: compileall(build, xy, [folder], env, "-j", str(CORES)))
    return {"files": len(files), "bytes": size, **times.result()}


def print_uv(xy, r):
    best = r["best"]
    row(xy, "pycompileall-client -q -f", s(best["client"]), f"{r['files']} files, {r['bytes'] / 1e6:.1f} MB")
    row("", f"uv's scheme, {CORES} children", s(best["uv"]), "the client: " + against(r, "client", "uv"))
    row("", f"python -m compileall -j {CORES} -q -f", s(best["compileall"]), "the client: " + against(r, "client", "compileall"))


def part_list(build, xy, options, scratch):
    folder = f"{scratch}/list-{xy}"
    files, size = copy_library(build.pythons[xy], folder, options.tests)
    listing = write_listing(scratch, f"list-list-{xy}", files)
    env = environment(PYTHONWARNINGS="ignore")
    ours = [build.client, "--python", xy, "-k", "-q", "-"]
    theirs = [build.pythons[xy], "-m", "py_compile", "-q", "-"]
    times = Times()
    with Daemon(build, PYTHONWARNINGS="ignore") as daemon:
        daemon.start()
        client(build, daemon, xy, [folder])
        for _ in range(options.repeat):
            times.add("compileall-client", lambda: client(build, daemon, xy, [], "-i", listing), daemon)
            times.add("compileall", lambda: compileall(build, xy, [], env, "-j", str(CORES), "-i", listing))
            times.add("compile-client", lambda: with_listing(ours, listing, daemon.env), daemon)
            times.add("py_compile", lambda: with_listing(theirs, listing, env))
    return {"files": len(files), "bytes": size, **times.result()}


def print_list(xy, r):
    best = r["best"]
    row(xy, "pycompileall-client -q -f -i LIST", s(best["compileall-client"]), f"{r['files']} files, {r['bytes'] / 1e6:.1f} MB")
    row("", "pycompile-client -q -k - < LIST", s(best["compile-client"]))
    row("", f"python -m compileall -j {CORES} -q -f -i LIST", s(best["compileall"]),
        "the client: " + against(r, "compileall-client", "compileall"))
    row("", "python -m py_compile -q - < LIST", s(best["py_compile"]), "the client: " + against(r, "compile-client", "py_compile"))
