"""What the benchmarks of bench/run share: builds, daemons, timed processes, sources to compile, rows of a table. No measuring."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMALL = 'import sys\n\ndef main(argv):\n    return len(argv) > 1 and argv[1] == "--help"\n'
CORES = len(os.sched_getaffinity(0))


class Failure(Exception):
    pass


class Build:
    """The programs of a build folder, and the Pythons that it has hosts for."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.server = self.folder / "daemon/pycompiled"
        self.client = self.folder / "client/pycompile-client"
        self.compileall = self.folder / "client/pycompileall-client"
        self.ctl = self.folder / "client/pycompilectl"
        for program in (self.server, self.client, self.compileall, self.ctl):
            if not program.exists():
                raise Failure(f"{program} is not there: build first "
                              f"(meson setup --buildtype=release {folder} && ninja -C {folder})")
        places = [self.folder / place for place in ("host/pythons.json", "daemon/host/pythons.json")]  # the second: 0.1.0's
        with open(next((place for place in places if place.exists()), places[0])) as f:
            offered = json.load(f)
        self.pythons, self.releases = {}, {}
        for xy in sorted(offered, key=lambda v: [int(x) for x in v.split(".")], reverse=True):
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                self.releases[xy] = subprocess.run(
                    [offered[xy], "-I", "-c", "import platform; print(platform.python_version())"],
                    stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
                self.pythons[xy] = offered[xy]
        if not self.pythons:
            raise Failure(f"{self.folder} has no host whose Python is there")

    def option(self, name, default):
        try:
            with open(self.folder / "meson-info/intro-buildoptions.json") as f:
                return next(o["value"] for o in json.load(f) if o["name"] == name)
        except (OSError, StopIteration):
            return default


class Daemon:
    """A daemon with a socket of its own. It has a cache of its own, or none, so that everything is compiled."""

    def __init__(self, build, workers=CORES, cache=False, **more):
        self.build, self.workers = build, workers
        self.folder = tempfile.mkdtemp(prefix="pycompiled-bench-")
        self.options = [] if cache else ["--no-cache"]
        # PYCOMPILE_CACHE is for daemons that clients start: these do not get --no-cache.
        self.env = environment(PYCOMPILED_SOCKET=self.folder + "/socket", PYCOMPILED_CACHE_DIR=self.folder + "/cache",
                               PYCOMPILE_CACHE="use" if cache else "bypass", **more)

    def start(self):
        subprocess.run([self.build.server, "--background", "--workers", str(self.workers),
                        "--shrink-after", "0", *self.options], env=self.env, check=True)

    def status(self):
        done = subprocess.run([self.build.ctl, "status", "--json"], env=self.env, check=True,
                              stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def pids(self):
        """The process ids of the server, of its hosts, and of the processes that hosts have forked."""
        status = self.status()
        hosts = [host["pid"] for python in status["pythons"] for host in python["hosts"]]
        todo, found = [status["pid"], *hosts], []
        while todo:
            pid = todo.pop()
            if pid in found:
                continue
            found.append(pid)
            with contextlib.suppress(OSError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    todo += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
        return status["pid"], [pid for pid in found if pid != status["pid"]]

    def stop(self):
        """Stops it, and waits until its process is gone."""
        try:
            pid = self.status()["pid"]
        except subprocess.CalledProcessError:
            return
        subprocess.run([self.build.ctl, "stop"], env=self.env, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rpartition(")")[2].split()[0] == "Z":
                    break
            time.sleep(0.005)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def environment(**more):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("PYTHON", "PYCOMPILE")) and k != "SOURCE_DATE_EPOCH"}
    return {**env, **more}


def timed(command, env, accept=(0,), stdin=None, cwd=None):
    """Wall-clock seconds of a process, from before its creation to its end."""
    start = time.perf_counter()
    done = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          stdin=stdin or subprocess.DEVNULL, cwd=cwd)
    seconds = time.perf_counter() - start
    if done.returncode not in accept:
        raise Failure(f"{' '.join(map(str, command))}: status {done.returncode}\n"
                      + done.stderr.decode(errors="replace"))
    return seconds


def cpu_seconds(pids):
    """Processor time of these processes and of their ended children."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def copy_library(python, folder, tests):
    script = """
import shutil, sys, sysconfig
leave = ["__pycache__", "site-packages", "dist-packages", "*.so", "*.a", "config-*", "bad_coding*.py",
         "badsyntax_*.py", "lib2to3"]
if sys.argv[2] != "True":
    leave += ["test", "tests", "idle_test", "*_test"]
shutil.copytree(sysconfig.get_path("stdlib"), sys.argv[1], ignore=shutil.ignore_patterns(*leave),
                ignore_dangling_symlinks=True)
"""
    subprocess.run([python, "-I", "-c", script, folder, str(tests)], check=True)
    files = sorted(str(p) for p in Path(folder).rglob("*.py"))
    return files, sum(os.path.getsize(f) for f in files)


def through_client(build, daemon, xy, folder, *options):
    """One run over a library through the client, as a user would type it."""
    return timed([build.compileall, "--python", xy, "-q", *options, folder], daemon.env, accept=(0, 1))


def write_listing(scratch, name, files):
    path = f"{scratch}/{name}"
    Path(path).write_text("".join(f + "\n" for f in files))
    return path


def run_limit(python, jobs, listing, env):
    """Seconds of the compile phase alone, and with start-up."""
    with open(listing) as f:
        start = time.perf_counter()
        done = subprocess.run([python, "-I", str(ROOT / "bench/limit.py"), str(jobs)], env=env, stdin=f,
                              stdout=subprocess.PIPE, check=True)
        whole = time.perf_counter() - start
    return json.loads(done.stdout)["phase"], whole


def ms(seconds):
    return f"{seconds * 1e3:8.1f} ms"


def s(seconds):
    return f"{seconds:8.3f} s "


def mb(mebibytes):
    return f"{mebibytes:8.1f} MB"


def row(first, what, value, remark=""):
    print(f"  {first:<5} {what:<44} {value}  {remark}".rstrip(), flush=True)
