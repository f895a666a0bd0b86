"""Requests under way on one connection, which is opened again where a daemon exits."""
import collections
import time

from ._connection import POLL_S, _Lost
from ._patience import PATIENCE_ASK_PART, _check_life, _patience
from ._requests import UNAVAILABLE, _daemon_error
from ._results import DaemonError

# How often a request is sent in all, where its daemon exits before it answers.
ATTEMPTS_MAX = 2
# A daemon that was killed may accept connections for a moment after it closed the one in use. Reaching it again does
# not count as an attempt, at most so often.
GHOSTS_MAX = 100


class _Exchange:
    """Sends the requests of an iterable, at most `window` at once, and hands them out as their answers come. It connects
    again where a daemon exits. `tolerant`: where no daemon can be had, the DaemonError becomes the answer."""

    def __init__(self, client, requests, window=1, tolerant=False):
        self.client = client
        self.requests = iter(requests)
        self.window = window
        self.tolerant = tolerant
        self.ended = False
        self.waiting = collections.deque()
        self.sent = {}
        self.last_id = 0
        self.connection = None
        self.leaving = False  # the daemon drains: nothing more is sent on this connection
        self.lost_peer = None
        self.ghosts = 0
        self.patience = _patience()

    def run(self):
        """Generator of the answered requests. Closing it closes the connection: the daemon drops the queued ones."""
        whole = False
        try:
            while True:
                yield from self._take()
                if not self.waiting and not self.sent and self.ended:
                    break
                yield from self._send()
                if self.connection is not None:
                    yield from self._receive(wait=0 if self._has_room() else None)
            whole = not self.leaving
        finally:
            if self.connection is not None:
                self.client._give_back(self.connection, whole)

    def _has_room(self):
        return not self.ended and len(self.waiting) + len(self.sent) < self.window

    def _take(self):
        """Takes one more request, where there is room. Hands out one that is not for the daemon."""
        if not self._has_room():
            return
        request = next(self.requests, None)
        if request is None:
            self.ended = True
        elif request.method is None:
            yield request
        else:
            self.waiting.append(request)

    def _send(self):
        if self.leaving and not self.sent:
            self._disconnect()
        if not self.waiting or self.leaving:
            return
        if self.connection is None:
            try:
                self.connection = self.client._take_connection(self.tolerant)
            except DaemonError as error:
                if not self.tolerant:
                    raise
                while self.waiting:
                    request = self.waiting.popleft()
                    request.answer = error
                    yield request
                return
        while self.waiting:
            request = self.waiting.popleft()
            self.last_id += 1
            self.sent[self.last_id] = request
            request.attempts += 1
            message = {"jsonrpc": "2.0", "id": self.last_id, "method": request.method}
            if request.params is not None:
                message["params"] = request.params
            self.connection.queue(message)

    def _receive(self, wait):
        try:
            messages = self.connection.exchange(self.patience / PATIENCE_ASK_PART if wait is None else wait)
            if wait is None and not messages:
                _check_life(self.client, self.connection, self.patience)
        except _Lost:
            yield from self._lose_connection()
            return
        except DaemonError as error:
            if not self.tolerant:
                raise
            yield from self._give_up(error)
            return
        for message in messages:
            request = self.sent.pop(message.get("id"), None)
            if request is None:
                if message.get("id") is None and "error" in message:
                    raise _daemon_error(message["error"], "the daemon refuses a request: ")
                continue
            self.connection.heard = True
            if _is_retryable(message) and request.attempts < ATTEMPTS_MAX:
                self.client._note_namespace(message["error"]["data"].get("namespace"))
                self.leaving = True
                self.waiting.append(request)
            else:
                request.answer = message
                yield request

    def _give_up(self, error):
        """The error becomes the answer to what the daemon was asked."""
        lost, self.sent = self.sent, {}
        self._disconnect()
        for request in lost.values():
            request.answer = error
            yield request

    def _lose_connection(self):
        """Queues the unanswered requests again: all of them are idempotent."""
        lost, self.sent = self.sent, {}
        innocent = not self.connection.heard and (self.connection.reused or self._is_ghost())
        self.lost_peer = self.connection.peer
        self._disconnect()
        for request in lost.values():
            request.attempts -= innocent
            if request.attempts < ATTEMPTS_MAX:
                self.waiting.append(request)
            else:
                request.answer = _lost_twice()
                yield request

    def _is_ghost(self):
        """Whether the lost connection was one to the daemon of the connection that was lost before."""
        if self.connection.peer != self.lost_peer or self.ghosts >= GHOSTS_MAX:
            self.ghosts = 0
            return False
        self.ghosts += 1
        time.sleep(POLL_S)
        return True

    def _disconnect(self):
        self.connection.close()
        self.connection = None
        self.leaving = False


def _lost_twice():
    text = "the connection to the daemon was lost twice"
    return {"error": {"code": UNAVAILABLE, "message": text, "data": {"reason": text}}}


def _is_retryable(message):
    error = message.get("error")
    return bool(error) and error["code"] == UNAVAILABLE and (error.get("data") or {}).get("retryable") is True
