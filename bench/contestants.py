"""Parts of bench/run in which other ways of compiling compete, and what they share with bench/kinds.py: the times of contestants."""

import contextlib
import ctypes
import json
import os
import resource
import sys

from bench_support import CORES, ROOT, Daemon, Failure, copy_library, cpu_seconds, environment, row, s, timed, write_listing


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
