"""The limit that bench/run compares with: bare compiling in parallel processes, nothing else.

    PYTHON -I limit.py JOBS < list of sources, one path a line

Forks JOBS processes with the collector off. Each gets its share of the sources by size (largest
first, to the process with the least so far; no stealing, no queue) and, for each, reads the file,
compiles it, marshals the code object and writes header and code to its place in __pycache__. It
leaves out the rest of py_compile's work: the checks, the temporary name and the rename, the mode
bits; and the work of any tool: finding the files, taking requests, reporting. The folders exist
beforehand.

Prints one line of JSON: "phase", the seconds from the start of all processes to the end of the last
(only the steps listed above), and "refused", the number of sources that do not compile. The caller
measures the time with start-up.
"""

import gc
import importlib.util
import json
import marshal
import os
import sys
import time
import warnings


def share_out(sizes, jobs):
    shares = [[] for _ in range(jobs)]
    loads = [0] * jobs
    for size, path in sorted(sizes, reverse=True):
        least = loads.index(min(loads))
        shares[least].append((path, importlib.util.cache_from_source(path)))
        loads[least] += size
    return shares


def work(share):
    refused = 0
    magic = importlib.util.MAGIC_NUMBER + bytes(4)
    for path, cfile in share:
        with open(path, "rb") as f:
            stat = os.fstat(f.fileno())
            data = f.read()
        try:
            code = compile(data, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            refused += 1
            continue
        with open(cfile, "wb") as f:
            f.write(magic + (int(stat.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
                    + (stat.st_size & 0xFFFFFFFF).to_bytes(4, "little") + marshal.dumps(code))
    return refused


def main():
    jobs = int(sys.argv[1])
    paths = [line.rstrip("\n") for line in sys.stdin]
    warnings.simplefilter("ignore")
    shares = share_out([(os.stat(path).st_size, path) for path in paths], jobs)
    for folder in {os.path.dirname(cfile) for share in shares for path, cfile in share}:
        os.makedirs(folder, exist_ok=True)
    gc.disable()
    ready_r, ready_w = os.pipe()
    go_r, go_w = os.pipe()
    pids = []
    for share in shares:
        pid = os.fork()
        if pid == 0:
            os.close(go_w)
            os.write(ready_w, b".")
            os.read(go_r, 1)  # ends when the parent closes its end
            os._exit(min(work(share), 255))
        pids.append(pid)
    for _ in pids:
        os.read(ready_r, 1)
    start = time.perf_counter()
    os.close(go_w)
    refused = sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)
    print(json.dumps({"phase": time.perf_counter() - start, "refused": refused}))


if __name__ == "__main__":
    main()
