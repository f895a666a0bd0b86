"""The part "venv" of bench/run: a virtual environment of 5,000 files in 100 distributions."""

import statistics
import sys

from bench_support import CORES, ROOT, Daemon, environment, ms, row, s, timed

sys.path.insert(0, str(ROOT / "tests"))
from venv_support import Environment  # noqa: E402

DISTRIBUTIONS, FILES = 100, 50


def part_venv(build, xy, options, scratch):
    """The first run of each contestant is of an environment of its own; then all are up to date in both."""
    python = build.pythons[xy]
    ours, theirs = (Environment(python, f"{scratch}/venv-{xy}-{name}") for name in ("ours", "theirs"))
    for env in (ours, theirs):
        env.install_many(DISTRIBUTIONS, FILES)
    env = environment()
    times = {name: [] for name in ("client", "tree", "compileall", "find")}
    with Daemon(build) as daemon:
        daemon.start()
        daemon_env = {**daemon.env, "PYCOMPILED_CACHE_DIR": f"{scratch}/venv-{xy}-cache"}
        venv = [build.compileall, "-q", "--venv", ours.folder]
        first = {"client": timed(venv, daemon_env),
                 "compileall": timed([python, "-m", "compileall", "-q", "-j", str(CORES), theirs.site], env)}
        for _ in range(options.repeat * 4):
            times["client"].append(timed(venv, daemon_env))
            times["tree"].append(timed([build.compileall, "--python", xy, "-q", ours.site], daemon_env))
            times["compileall"].append(timed([python, "-m", "compileall", "-q", theirs.site], env))
            times["find"].append(timed(["find", ours.site], env))
    return {"times": times, "first": first, "median": {name: statistics.median(values) for name, values in times.items()}}


def print_venv(xy, r):
    first, median = r["first"], r["median"]
    row(xy, f"first: python -m compileall -j {CORES} -q", s(first["compileall"]), f"{DISTRIBUTIONS * FILES} files")
    row("", "first: pycompileall-client -q --venv", s(first["client"]),
        f"{first['compileall'] / first['client']:.1f} times as fast, one run")
    row("", "nothing to do: python -m compileall -q", ms(median["compileall"]))
    row("", "nothing to do: pycompileall-client -q", ms(median["tree"]), f"{median['compileall'] / median['tree']:.1f} times as fast")
    row("", "nothing to do: pycompileall-client -q --venv", ms(median["client"]),
        f"{median['compileall'] / median['client']:.1f} times as fast (goal: 20), "
        f"{median['client'] / median['find']:.2f} of find's time (goal: at most 1)")
    row("", "find", ms(median["find"]))
