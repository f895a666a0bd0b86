"""Mutated frames to a whole server: it answers whatever can be answered, in valid JSON-RPC, and lives on. tests/fuzz has
the fuzzers of its parts. PYCOMPILED_FUZZ_FRAMES is the number of frames (default 20000), PYCOMPILED_FUZZ_SEED the seed."""
import json
import os
import random
import socket
import threading
import unittest

import e2e_support as e2e
from e2e_support import Daemon

FRAMES = int(os.environ.get("PYCOMPILED_FUZZ_FRAMES", "20000"))
SEED = int(os.environ.get("PYCOMPILED_FUZZ_SEED", random.randrange(1 << 30)))
CORPUS = os.path.join(e2e.SOURCE, "fuzz", "corpus")
EACH = 100  # frames of a connection


def seeds():
    """Requests to mutate. None of them ends the server."""
    found = []
    for kind in ("json", "request"):
        for name in sorted(os.listdir(os.path.join(CORPUS, kind))):
            with open(os.path.join(CORPUS, kind, name), "rb") as file:
                found.append(file.read())
    found += [b'{"jsonrpc":"2.0","id":%d,"method":"%s"}' % (i, method)
              for i, method in enumerate((b"status", b"rpc.discover", b"nosuch"))]
    return found


class Mutator:
    WORDS = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\0", b"\n", b"\r\n\r\n", b"\xff", b"null", b"1e9", b"-1",
             b"\\ud800", b"\\u0000", b"Content-Length: 5", b'"id":1,', b"a" * 300]

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seeds = seeds()

    def message(self):
        pick = self.random
        data = bytearray(pick.choice(self.seeds))
        for _ in range(pick.choice((0, 0, 1, 1, 2, 5))):
            at = pick.randrange(len(data) + 1)
            how = pick.randrange(5)
            if how == 0 and at < len(data):
                data[at] ^= 1 << pick.randrange(8)
            elif how == 1:
                data[at:at] = pick.choice(self.WORDS)
            elif how == 2:
                del data[at:at + pick.randrange(1, 8)]
            elif how == 3:
                data[at:] = pick.choice(self.seeds)
            else:
                data[at:at] = data[:pick.randrange(64)]
        return bytes(data)

    def frame(self, headers):
        data = self.message()
        if not headers:
            return data + b"\n"
        length = len(data) + self.random.choice((0,) * 60 + (-1, 1, 1 << 40))
        return b"Content-Length: %d\r\n\r\n" % length + data


class Flood(threading.Thread):
    """Sends its share of the frames over many connections, in both framings, and reads the answers."""

    def __init__(self, path, number, frames):
        super().__init__()
        self.path, self.mutator, self.frames = path, Mutator(SEED + number), frames
        self.sent = self.answered = 0
        self.problem = None

    def run(self):
        try:
            while self.sent < self.frames and self.problem is None:
                self.converse(headers=self.mutator.random.random() < 0.3)
        except Exception as error:
            self.problem = error

    def converse(self, headers):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(e2e.DEADLINE)
            stream.connect(self.path)
            frames = [self.mutator.frame(headers) for _ in range(EACH)]
            sender = threading.Thread(target=self.send, args=(stream, b"".join(frames)))
            sender.start()
            with stream.makefile("rb") as answers:
                self.read(answers)
            sender.join()
        self.sent += len(frames)

    @staticmethod
    def send(stream, data):
        try:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server hung up at a frame that is not one

    def read(self, answers):
        try:
            while line := answers.readline():
                if line.startswith(b"Content-Length: "):
                    answers.readline()
                    line = answers.read(int(line.split()[1]))
                answer = json.loads(line)
                for one in answer if isinstance(answer, list) else [answer]:
                    assert one["jsonrpc"] == "2.0" and ("result" in one) != ("error" in one) and "id" in one, one
                self.answered += 1
        except ConnectionResetError:
            pass


class Server(unittest.TestCase):
    def test_mutated_frames(self):
        with Daemon("--workers", "2", "--frame-limit", "1024", fake=True) as daemon:
            floods = [Flood(daemon.socket, i, FRAMES // 4) for i in range(4)]
            for flood in floods:
                flood.start()
            for flood in floods:
                flood.join()
            for flood in floods:
                self.assertIsNone(flood.problem, "PYCOMPILED_FUZZ_SEED=%d" % SEED)
                self.assertGreater(flood.answered, 0)
            with daemon.connect() as connection:
                self.assertIn("result", connection.compile("/a"))
            counters = daemon.status()["counters"]
            self.assertEqual(counters["crashes"], 0, daemon.read_log())
            print("frames sent: %d, answers: %d, requests counted: %d" %
                  (sum(flood.sent for flood in floods), sum(flood.answered for flood in floods), counters["requests"]))


if __name__ == "__main__":
    e2e.main()
