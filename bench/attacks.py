"""Attacks on a daemon, for bench/soak --attacks. Each runs in a process of its own, over and over, until it is ended:

    attacks.py NAME SOCKET FOLDER

FOLDER is the daemon's; its cache is in FOLDER/cache. The attack `redis` is a server on FOLDER/redis instead of a client.
"""
import glob
import itertools
import json
import os
import random
import socket
import sys
import time

MIB = 1 << 20
PAUSE_S = 0.02  # between two rounds: an attack is to hurt by what it sends, not by its share of the processor


def frame(method, number, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def connect(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(path)
    return connection


def send(connection, *data):
    """Sends, and drops what cannot be sent: a server may refuse, or close the connection."""
    try:
        for part in data:
            connection.sendall(part)
    except OSError:
        pass


def receive(connection, lines=1):
    """Reads so many answers, or up to the end."""
    try:
        while lines > 0:
            data = connection.recv(1 << 16)
            if not data:
                return
            lines -= data.count(b"\n")
    except OSError:
        pass


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def warnings(path, folder):
    """Many warnings, each of which quotes its long line."""
    sources = [b"x = (" + b"1 is 1, " * 8000 + b")\n", b"x = '" + b"a" * 2600 * 327 + b"\\d" * 327 + b"'\n"]
    files = [write("%s/warns%d.py" % (folder, i), source) for i, source in enumerate(sources)]
    for file in itertools.cycle(files):
        with connect(path) as connection:
            send(connection, frame("compile", 1, file=file, write=False, warnings=["always"], cache="bypass"))
            receive(connection)
        yield


def ids(path, folder):
    """Ids of megabytes, which an answer must repeat, and answers that nobody reads."""
    large = b'{"jsonrpc":"2.0","method":"status","id":"' + b"i" * (8 * MIB) + b'"}\n'
    small = b'{"jsonrpc":"2.0","method":"status","id":"' + b"i" * 4000 + b'"}\n'
    kept = []
    while True:
        connection = connect(path)
        connection.settimeout(0.2)
        send(connection, large if len(kept) % 2 else small * 200)
        kept.append(connection)
        if len(kept) == 40:
            for connection in kept:
                connection.close()
            kept.clear()
        yield


def watches(path, folder):
    """Watches with parameters of megabytes, and as many watches as a connection gets."""
    while True:
        with connect(path) as connection:
            send(connection, frame("watch", 1, paths=[folder + "/deep"], warnings=["ignore:" + "m" * (8 * MIB)]))
            send(connection, *(frame("watch", i, paths=[folder + "/deep"]) for i in range(2, 60)))
            receive(connection, 20)
        yield


def ignores(path, folder):
    """A .gitignore whose patterns take exponential time if one tries all ways to match them."""
    deep = os.path.join(folder, "deep", *["a"] * 24)
    os.makedirs(deep, exist_ok=True)
    write(folder + "/deep/.gitignore", b"**/a/" * 8 + b"x\n" + b"*a*" * 20 + b"b\n")
    for i in itertools.count():
        with connect(path) as connection:
            send(connection, frame("watch", 1, paths=[folder + "/deep"], initial=True))
            receive(connection)
            write(os.path.join(deep, "aaaa%d.py" % (i % 5)), b"x = %d\n" % i)
            time.sleep(0.1)
        yield


def store(path, folder):
    """Damages the cache: bytes, pages, and the end of the file."""
    while True:
        for name in glob.glob(folder + "/cache/**", recursive=True):
            if os.path.isfile(name) and os.path.getsize(name) > 0:
                with open(name, "r+b") as file:
                    size = os.path.getsize(name)
                    file.seek(random.choice([random.randrange(min(size, 8192)), random.randrange(size)]))
                    file.write(random.choice([bytes(1), b"\xff" * 8, bytes(4096), os.urandom(64)]))
                    if random.random() < 0.05:
                        file.truncate(random.randrange(size))
        time.sleep(0.1)
        yield


def messages(path, folder):
    """Numbers that fit nowhere, names that are escaped, what is no message, and frames that never end."""
    odd = [b'{"jsonrpc":"2.0","\\u0069d":1e999,"method":"status"}\n',
           b'{"jsonrpc":"2.0","id":1,"method":"compile","params":{"file":"/x","timeout_ms":1e300,"umask":-1e300}}\n',
           b'{"jsonrpc":"2.0","id":1,"method":"compile","params":{"file":"/x","optimize":4294967296}}\n',
           b"[" * 100000 + b"\n", b"[]\n", b"[1,2,3]\n", b'{"jsonrpc":"2.0","id":"\\ud800","method":"nosuch"}\n',
           b"[" + b'{"jsonrpc":"2.0","id":1,"method":"status"},' * 5000 + b"1]\n", os.urandom(1000) + b"\n",
           b'{"jsonrpc":"2.0","id":1,"method":"compile","params":{"file":"/x","source":"\\ud800"}}\n',
           b'{"a":' + b'"' + b"x" * (4 * MIB), b"Content-Length: 99999999999999999999\r\n\r\n{}"]
    for data in itertools.cycle(odd):
        with connect(path) as connection:
            connection.settimeout(0.3)
            send(connection, data)
            receive(connection)
        yield


def language_servers(path, folder):
    """Editors that come and go, and one that asks for many servers."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize",
                       "params": {"processId": None, "rootUri": None, "capabilities": {}}}).encode()
    while True:
        kept = [connect(path) for _ in range(8)]
        for connection in kept:
            send(connection, b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        receive(kept[0])
        for connection in kept:
            connection.close()
        time.sleep(0.5)
        yield


def compiles(path, folder):
    """A source that takes as long as it may, one that is nested too deep, and one that is large."""
    sources = [b"x = " + b"(" * 5000 + b")" * 5000 + b"\n", b"x = [" + b"[1, 2, 3], " * 100000 + b"]\n",
               b"-" * 100000 + b"1\n", b"\0" * 100000]
    files = [write("%s/hard%d.py" % (folder, i), source) for i, source in enumerate(sources)]
    for file in itertools.cycle(files):
        with connect(path) as connection:
            send(connection, frame("compile", 1, file=file, write=False, timeout_ms=300, priority="background"))
            receive(connection)
        yield


def redis(path, folder):
    """A storage server that answers what no command has, without end."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(folder + "/redis")
    listener.listen(64)
    print("listening", flush=True)
    answers = [b"*1000000000\r\n" + b"$1\r\na\r\n" * 100000, b"$999999999999\r\n" + b"x" * (4 * MIB),
               b"-ERR " + b"\x1b[31m\x07" * 100000 + b"\r\n", b"%5\r\n", b":" + b"9" * 100000 + b"\r\n", b"$-1\r\n"]
    for answer in itertools.cycle(answers):
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(0.3)
            receive(connection)
            for _ in range(10):
                send(connection, answer)
        yield


ATTACKS = {function.__name__: function for function in
           (warnings, ids, watches, ignores, store, messages, language_servers, compiles, redis)}


def main():
    name, path, folder = sys.argv[1:]
    rounds = ATTACKS[name](path, folder)
    while True:
        try:
            next(rounds)
        except StopIteration:
            rounds = ATTACKS[name](path, folder)
        except OSError:  # refused, or closed: it comes again
            rounds = ATTACKS[name](path, folder)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
