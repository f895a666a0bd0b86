"""Parts of bench/run in which other ways of compiling compete, and kinds of files that an interpreter does not compile as it does
ordinary ones."""

import os
import resource
import sys
from pathlib import Path

from bench_support import CORES, ROOT, Daemon, copy_library, cpu_seconds, environment, row, s, timed, write_listing

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


def children_seconds():
    """Processor time of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def with_cpu(run, daemon=None):
    """Wall-clock seconds that run() returns, and the processor time of it and of the daemon with its hosts."""
    server, hosts = daemon.pids() if daemon else (0, [])
    before = children_seconds() + cpu_seconds([server, *hosts])
    seconds = run()
    return seconds, children_seconds() + cpu_seconds([server, *hosts]) - before


def best_of(times):
    return {name: min(values) for name, values in times.items()}


def round_of_kinds(build, daemons, xy, scratch, case, times, cpu):
    """Every kind once through each contestant."""
    names, warnings = case
    env = environment(**warnings)
    for kind in KINDS:
        folder = [kind if names == "relative" else f"{scratch}/{kind}"]
        for who, daemon in daemons.items():
            daemon.env.pop("PYTHONWARNINGS", None)
            daemon.env.update(warnings)
            seconds, used = with_cpu(lambda: client(build, daemon, xy, folder, cwd=scratch), daemon)
            times[f"{kind} {who}"].append(seconds)
            cpu[f"{kind} {who}"].append(used)
        seconds, used = with_cpu(lambda: compileall(build, xy, folder, env, "-j", str(CORES), cwd=scratch))
        times[f"{kind} compileall"].append(seconds)
        cpu[f"{kind} compileall"].append(used)


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
                times = {f"{kind} {who}": [] for kind in KINDS for who in ("many", "one", "compileall")}
                cpu = {name: [] for name in times}
                for _ in range(options.repeat):
                    round_of_kinds(build, {"many": many, "one": one}, xy, scratch,
                                   (names, {"PYTHONWARNINGS": "default"} if shown else {}), times, cpu)
                result["cases"][f"{names} {shown}".strip()] = {"times": times, "cpu": cpu, "best": best_of(times),
                                                               "best_cpu": best_of(cpu)}
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
    times = {f"{share} {who}": [] for share in shares for who in ("client", "compileall")}
    for share in shares:
        write_tree(f"{scratch}/{share}", options.files, lambda i, share=share: "warns" if i * 37 % 100 < share else "ordinary")
    with Daemon(build, PYTHONWARNINGS="default") as daemon:
        daemon.start()
        client(build, daemon, xy, [f"{scratch}/0"])
        client(build, daemon, xy, [f"{scratch}/20"])
        for _ in range(options.repeat):
            for share in shares:
                times[f"{share} client"].append(client(build, daemon, xy, [str(share)], cwd=scratch))
                times[f"{share} compileall"].append(compileall(build, xy, [str(share)], env, "-j", str(CORES), cwd=scratch))
    return {"files": options.files, "shares": shares, "times": times, "best": best_of(times)}


def print_warning_trees(xy, r):
    best = r["best"]
    for share in r["shares"]:
        ours, theirs = best[f"{share} client"], best[f"{share} compileall"]
        row(xy if share == 0 else "", f"{share} % of {r['files']} files warn", s(ours),
            f"{ours / best['0 client']:.2f} of none's time, {theirs / ours:.2f} times as fast as compileall -j {CORES} (goal: 1)")


def part_uv(build, xy, options, scratch):
    folder = f"{scratch}/uv-{xy}"
    files, size = copy_library(build.pythons[xy], folder, options.tests)
    listing = write_listing(scratch, f"uv-list-{xy}", files)
    env = environment(PYTHONWARNINGS="ignore")
    scheme = [sys.executable, ROOT / "bench/uv_scheme.py", build.pythons[xy], str(CORES)]
    times = {"client": [], "uv": [], "compileall": []}
    with Daemon(build, PYTHONWARNINGS="ignore") as daemon:
        daemon.start()
        client(build, daemon, xy, [folder])
        for _ in range(options.repeat):
            times["client"].append(client(build, daemon, xy, [folder]))
            with open(listing, "rb") as names:
                times["uv"].append(timed(scheme, env, stdin=names))
            times["compileall"].append(compileall(build, xy, [folder], env, "-j", str(CORES)))
    return {"files": len(files), "bytes": size, "times": times, "best": best_of(times)}


def print_uv(xy, r):
    best = r["best"]
    row(xy, "pycompileall-client -q -f", s(best["client"]), f"{r['files']} files, {r['bytes'] / 1e6:.1f} MB")
    row("", f"uv's scheme, {CORES} children", s(best["uv"]), f"the client is {best['uv'] / best['client']:.2f} times as fast")
    row("", f"python -m compileall -j {CORES} -q -f", s(best["compileall"]),
        f"the client is {best['compileall'] / best['client']:.2f} times as fast")


def part_list(build, xy, options, scratch):
    folder = f"{scratch}/list-{xy}"
    files, size = copy_library(build.pythons[xy], folder, options.tests)
    listing = write_listing(scratch, f"list-list-{xy}", files)
    env = environment(PYTHONWARNINGS="ignore")
    python = build.pythons[xy]
    times = {"compileall-client": [], "compile-client": [], "compileall": [], "py_compile": []}
    with Daemon(build, PYTHONWARNINGS="ignore") as daemon:
        daemon.start()
        client(build, daemon, xy, [folder])
        for _ in range(options.repeat):
            times["compileall-client"].append(client(build, daemon, xy, [], "-i", listing))
            times["compileall"].append(compileall(build, xy, [], env, "-j", str(CORES), "-i", listing))
            for name, command, used in (("compile-client", [build.client, "--python", xy, "-k", "-q", "-"], daemon.env),
                                        ("py_compile", [python, "-m", "py_compile", "-q", "-"], env)):
                with open(listing, "rb") as names:
                    times[name].append(timed(command, used, accept=(0, 1), stdin=names))
    return {"files": len(files), "bytes": size, "times": times, "best": best_of(times)}


def print_list(xy, r):
    best = r["best"]
    row(xy, "pycompileall-client -q -f -i LIST", s(best["compileall-client"]), f"{r['files']} files, {r['bytes'] / 1e6:.1f} MB")
    row("", "pycompile-client -q -k - < LIST", s(best["compile-client"]))
    row("", f"python -m compileall -j {CORES} -q -f -i LIST", s(best["compileall"]),
        f"the client is {best['compileall'] / best['compileall-client']:.2f} times as fast")
    row("", "python -m py_compile -q - < LIST", s(best["py_compile"]),
        f"the client is {best['py_compile'] / best['compile-client']:.2f} times as fast")
