#!/usr/bin/env python3
"""Compile files as uv does: a contestant of bench/run.

    uv_scheme.py PYTHON JOBS < list of sources, one path a line

JOBS children of that interpreter, each with one path in flight: a path is a line on its standard input, and it writes the same
line back when the file is compiled by compileall.compile_file(). All errors are swallowed, as they are there. The parent gives
the next path to whichever child has answered. Two things differ from uv: every file is compiled (force), so that all contestants
do the same work, and the parent is written in Python, which costs it some 20 us a file more.
"""

import os
import selectors
import subprocess
import sys

CHILD = """
import compileall, sys
print("Ready", flush=True)
for line in sys.stdin:
    path = line.rstrip("\\n")
    compileall.compile_file(path, force=True, quiet=2)
    print(path, flush=True)
"""


def main():
    python, jobs = sys.argv[1], int(sys.argv[2])
    paths = (line.rstrip("\n") for line in sys.stdin)
    children = [subprocess.Popen([python, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, bufsize=0) for _ in range(jobs)]
    with selectors.DefaultSelector() as selector:
        for child in children:
            selector.register(child.stdout, selectors.EVENT_READ, child)
        while selector.get_map():
            for key, _ in selector.select():
                child = key.data
                line = os.read(key.fd, 65536)  # a whole line: one is in flight
                path = next(paths, None) if line else None
                if path is None:
                    selector.unregister(child.stdout)
                    child.stdin.close()
                else:
                    os.write(child.stdin.fileno(), os.fsencode(path) + b"\n")
    sys.exit(any([child.wait() for child in children]))


if __name__ == "__main__":
    main()
