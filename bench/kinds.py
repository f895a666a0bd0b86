"""Parts of bench/run about kinds of files that an interpreter does not compile as it does ordinary ones."""

import contextlib
import os
from pathlib import Path

from bench_support import CORES, Daemon, environment, row, s
from contestants import Times, against, client, compileall

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
    "residue": b'def special(i):\n    return "\\d", i\n',
}
REFUSED = ("errors", "NUL")

# A warning whose line has to be read through this codec needs a pristine process (docs/exactness.md).
COMMENTS = {"residue": b"# coding: mac-roman; file %d\n"}

SHARE_MAX, REFUSED_SHARE_MAX, SPEED_MIN, GAIN_MIN = 3, 1.5, 1, 1.8


def write_tree(folder, count, kinds):
    """`kinds(i)` is the kind of the i-th file."""
    os.makedirs(folder)
    for i in range(count):
        kind = kinds(i)
        source = COMMENTS.get(kind, b"# file %d\n") % i + b"import sys\n" + KINDS[kind] + BODY.encode()
        Path(folder, f"module_{i:05}.py").write_bytes(source)


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
    with contextlib.ExitStack() as stack:
        daemons = {"all": stack.enter_context(Daemon(build)), "one": stack.enter_context(Daemon(build, 1))}
        daemons["two"] = daemons["all"] if CORES == 2 else stack.enter_context(Daemon(build, 2))
        for daemon in daemons.values():
            daemon.start()
            for kind in KINDS:
                client(build, daemon, xy, [f"{scratch}/{kind}"])
        for names in ("relative", "absolute"):
            for shown in ("", "-W default"):
                times = Times()
                for _ in range(options.repeat):
                    round_of_kinds(build, daemons, xy, scratch, (names, {"PYTHONWARNINGS": "default"} if shown else {}), times)
                result["cases"][f"{names} {shown}".strip()] = times.result()
    return result


def verdict(fine):
    return "met" if fine else "MISSED"


def figures(best, kind):
    """Part of ordinary files' time; how many times as fast as compileall; what a second worker gains."""
    return (best[f"{kind} all"] / best["ordinary all"], best[f"{kind} compileall"] / best[f"{kind} all"],
            best[f"{kind} one"] / best[f"{kind} two"])


def print_kind(what, best, kind):
    share, speed, gain = figures(best, kind)
    row("", what, s(best[f"{kind} all"]), f"{share:5.2f} of ordinary files' time, {speed:6.2f} times as fast as compileall -j {CORES}, "
        f"2 workers against 1: {gain:4.2f} (goal: {GAIN_MIN}, {verdict(gain >= GAIN_MIN)})")


def print_kind_by_processor(best, kind):
    share, speed, _ = figures(best, kind)
    row("", "  by processor time", s(best[f"{kind} all"]), f"{share:5.2f} {speed:30.2f}")


def print_worst(what, found, goal, fine):
    """`found`: figures with the kinds and cases that they are of, the worst one first."""
    figure, where = found[0]
    row("", what, f"{figure:8.2f}   ", f"(goal: {goal}, {verdict(fine(figure))}) {where}")


def print_kinds(xy, r):
    """Two lines a kind: wall-clock time, and processor time, whose ratios a busy machine changes less. Then the worst figures. Files
    that a pristine process compiles have no goal but to be shown."""
    row(xy, f"{r['files']} files a kind", "")
    for case, measured in r["cases"].items():
        for kind in KINDS:
            print_kind(f"{kind}, {case}", measured["best"], kind)
            print_kind_by_processor(measured["best_cpu"], kind)
    found = [(*figures(measured["best"], kind), kind, f"{kind}, {case}") for case, measured in r["cases"].items()
             for kind in KINDS if kind != "residue"]
    print_worst("worst part of ordinary files' time", sorted([(f[0], f[4]) for f in found if f[3] not in REFUSED], reverse=True),
                SHARE_MAX, lambda share: share <= SHARE_MAX)
    print_worst("the same of files that are refused", sorted([(f[0], f[4]) for f in found if f[3] in REFUSED], reverse=True),
                REFUSED_SHARE_MAX, lambda share: share <= REFUSED_SHARE_MAX)
    print_worst(f"least speed against compileall -j {CORES}", sorted((f[1], f[4]) for f in found), SPEED_MIN, lambda speed: speed >= SPEED_MIN)
    print_worst("least gain of 2 workers against 1", sorted((f[2], f[4]) for f in found), GAIN_MIN, lambda gain: gain >= GAIN_MIN)


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
