"""The client of asyncio: pycompiled.AsyncClient. Its requests share one connection, and none of its methods blocks the loop."""
import asyncio
import contextlib
import functools
import py_compile
import threading
import weakref

from ._client import Client
from ._connection import POLL_S, _Lost
from ._exchange import ATTEMPTS_MAX, GHOSTS_MAX, _is_retryable, _lost_twice
from ._here import _is_for_here, _result_here
from ._patience import PATIENCE_ASK_PART, _check_life, _is_silent, _patience
from ._requests import _check_request, _common_params, _daemon_error, _many_requests, _Request, _result
from ._results import DaemonError
from ._steps import HERE, _compile_steps

__all__ = ["AsyncClient"]


class _Link:
    """A connection of this loop, and the requests under way on it: their futures by id. The value of a future is the daemon's
    message, or None where the connection was lost."""

    def __init__(self, client, connection):
        self.client = client
        self.connection = connection
        self.loop = asyncio.get_running_loop()
        self.sent = {}
        self.last_id = 0
        self.is_open = True
        self.leaving = False  # the daemon drains: nothing more is sent
        self.loss = None      # of a connection that was lost: AsyncClient._judge_loss()
        self.hang = None      # the error of a daemon that has given no sign of life
        self.patience = _patience()
        self.timer = None     # runs while there are requests, except while a thread looks for a sign of life
        self.is_looking = False
        self.loop.add_reader(connection.socket, self._on_ready)

    def ask(self, request):
        self.last_id += 1
        future = self.sent[self.last_id] = self.loop.create_future()
        future.add_done_callback(functools.partial(self._on_done, self.last_id))
        message = {"jsonrpc": "2.0", "id": self.last_id, "method": request.method}
        if request.params is not None:
            message["params"] = request.params
        self._queue(message)
        self._watch()
        return future

    def leave(self):
        self.leaving = True
        if not self.sent:
            self.close()

    def close(self, error=None):
        """Ends what is under way: with the exception, or as lost."""
        if not self.is_open:
            return
        self.is_open = False
        self.loop.remove_reader(self.connection.socket)
        self.loop.remove_writer(self.connection.socket)
        if self.timer is not None:
            self.timer.cancel()
        self.connection.close()
        sent, self.sent = self.sent, {}
        for future in sent.values():
            if not future.done():
                future.set_exception(error) if error else future.set_result(None)

    def _queue(self, message):
        active = self.connection.active
        self.connection.queue(message)
        if len(self.sent) > 1:  # the daemon's silence began before
            self.connection.active = active
        self.loop.add_writer(self.connection.socket, self._on_ready)

    def _watch(self):
        if self.timer is None and not self.is_looking and self.sent and self.is_open:
            self.timer = self.loop.call_later(self.patience / PATIENCE_ASK_PART, self._on_timer)

    def _on_timer(self):
        self.timer = None
        if self.sent and _is_silent(self.connection, self.patience):
            self.is_looking = True
            threading.Thread(target=self._look, daemon=True).start()  # not the loop's executor, which the loop's end waits for
        else:
            self._watch()

    def _look(self):
        """In a thread of its own."""
        error = None
        try:
            _check_life(self.client, self.connection, self.patience)
        except DaemonError as found:
            error = found
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._on_looked, error)

    def _on_looked(self, error):
        self.is_looking = False
        if error is None or not self.is_open:
            self._watch()
        else:
            self.hang = error
            self.close(error)

    def _on_done(self, number, future):
        """A request whose task was cancelled is cancelled in the daemon."""
        if self.sent.pop(number, None) is not None and future.cancelled() and self.is_open:
            self._queue({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": number}})
        if self.leaving and not self.sent:
            self.close()

    def _on_ready(self):
        try:
            messages = self.connection.exchange(0)
        except _Lost:
            self.close()
            return
        except DaemonError as error:
            self.close(error)
            return
        if not self.connection.has_queue():
            self.loop.remove_writer(self.connection.socket)
        for message in messages:
            self._take(message)

    def _take(self, message):
        future = self.sent.get(message.get("id"))
        if future is not None and not future.done():
            self.connection.heard = True
            future.set_result(message)
        elif future is None and message.get("id") is None and "error" in message:
            self.close(_daemon_error(message["error"], "the daemon refuses a request: "))


def _retrieve(task):
    """Keeps asyncio from reporting the exception of a task that nothing waits for any more."""
    if not task.cancelled():
        task.exception()


async def _each(files):
    """The files of an iterable or of an asynchronous one."""
    if hasattr(files, "__aiter__"):
        async for file in files:
            yield file
    else:
        for file in files:
            yield file


class AsyncClient:
    """A client of the daemon for asyncio, and an asynchronous context manager that closes its connection.

    The arguments are those of Client. Its requests run at the same time over one connection. A task that is cancelled
    cancels its request. An object serves one event loop.
    """

    def __init__(self, socket=None, *, daemon=None, autostart=None, fallback=False):
        self.fallback = fallback
        self._client = Client(socket, daemon=daemon, autostart=autostart, fallback=fallback)
        self._link = None
        self._opening = None   # the task that opens the next one
        self._here = None      # a lock: one file at a time is compiled in this process
        self._checks = weakref.WeakValueDictionary()  # a lock for each name of a buffer that is being checked
        self._lost_peer = None
        self._ghosts = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.aclose()

    async def aclose(self):
        """Closes the connection; what is under way raises DaemonError. The next call opens a new one."""
        if self._link is not None:
            self._link.close(DaemonError("the client was closed"))
            self._link = None
        self._client.close()

    async def compile(self, file, cfile=None, dfile=None, doraise=False, optimize=-1, invalidation_mode=None, quiet=0):
        """As Client.compile."""
        arguments = {"file": file, "cfile": cfile, "dfile": dfile, "optimize": optimize,
                     "invalidation_mode": invalidation_mode}
        steps, answer = _compile_steps(arguments, doraise, quiet), None
        try:
            while True:
                answer = await self._serve(steps.send(answer))
        except StopIteration as end:
            if end.value is not HERE:
                return end.value
        return await self._run_here(functools.partial(py_compile.compile, **arguments, doraise=doraise, quiet=quiet))

    async def compile_many(self, files, *, cfile=None, dfile=None, optimize=-1, invalidation_mode=None, python=None,
                           force=True, warnings=None, priority="normal", timeout=None, cache="use", window=256,
                           fallback=None):
        """An asynchronous iterator: as Client.compile_many, but `files` may be an asynchronous iterable, too. Leaving it
        cancels the files under way."""
        fallback = self.fallback if fallback is None else fallback
        make = _many_requests(files, cfile, dfile, optimize, invalidation_mode, python, force, warnings, priority, timeout,
                              cache)
        finished, room, tasks = asyncio.Queue(), asyncio.Semaphore(window), set()

        def on_done(task):
            tasks.discard(task)
            if not task.cancelled():
                _retrieve(task)
                finished.put_nowait(task)

        def start(work):
            task = asyncio.ensure_future(work)
            tasks.add(task)
            task.add_done_callback(on_done)

        async def feed():
            async for file in _each(files):
                await room.acquire()
                start(self._answer(make(file), fallback))

        start(feed())
        try:
            while tasks or not finished.empty():
                result = (await finished.get()).result()
                if result is not None:  # that of feed()
                    room.release()
                    yield result
        finally:
            left = list(tasks)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def check(self, source, filename="<string>", *, optimize=-1, python=None, warnings=None, priority="interactive",
                    timeout=None, fallback=None):
        """As Client.check. Checks of one `filename` wait for each other: the daemon drops an older one for a newer one."""
        arguments = {"file": filename, "source": source, "optimize": optimize}
        request = _check_request(arguments, _common_params(python, warnings, priority, timeout))
        async with self._checks.setdefault(filename, asyncio.Lock()):
            return await self._answer(request, self.fallback if fallback is None else fallback)

    async def status(self):
        """As Client.status."""
        request = await self._ask(_Request("status", {"file": None}), False)
        if "error" in request.answer:
            raise _daemon_error(request.answer["error"])
        return request.answer["result"]

    async def _serve(self, request):
        await self._ask(request, self.fallback)
        return None if self.fallback and _is_for_here(request) else _result(request)

    async def _answer(self, request, fallback):
        """Returns the Result, of the daemon or of this process."""
        if request.method is not None:
            await self._ask(request, fallback)
        if request.answer is not None and not (fallback and _is_for_here(request)):
            return _result(request)
        return await self._run_here(functools.partial(_result_here, request))

    async def _run_here(self, function):
        """Returns what the function returns in another thread. One runs at a time, and also a task that is cancelled waits for
        its end: it may set the filters of warnings, which the threads share."""
        if self._here is None:
            self._here = asyncio.Lock()
        async with self._here:
            work = asyncio.ensure_future(asyncio.to_thread(function))
            work.add_done_callback(_retrieve)
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError:
                await asyncio.wait([work])
                raise
            return work.result()

    async def _ask(self, request, tolerant):
        """Returns the answered request; client/python/pycompiled/_exchange.py has the same rules."""
        while request.answer is None:
            try:
                link = await self._take_link(tolerant)
            except DaemonError as error:
                if not tolerant:
                    raise
                request.answer = error
                break
            request.attempts += 1
            try:
                message = await link.ask(request)
            except DaemonError as error:
                if not tolerant or error is not link.hang:
                    raise
                request.answer = error
                break
            if message is None:
                await self._note_loss(link, request)
            elif _is_retryable(message) and request.attempts < ATTEMPTS_MAX:
                self._client._note_namespace(message["error"]["data"].get("namespace"))
                link.leave()
            else:
                request.answer = message
        return request

    async def _note_loss(self, link, request):
        if link.loss is None:
            link.loss = self._judge_loss(link.connection)
        innocent, ghost = link.loss
        request.attempts -= innocent
        if request.attempts >= ATTEMPTS_MAX:
            request.answer = _lost_twice()
        elif ghost:
            await asyncio.sleep(POLL_S)

    def _judge_loss(self, connection):
        """Whether the attempt does not count, and whether the daemon was the one that was lost before."""
        ghost = not connection.heard and connection.peer == self._lost_peer and self._ghosts < GHOSTS_MAX
        self._ghosts = self._ghosts + 1 if ghost else 0
        self._lost_peer = connection.peer
        return not connection.heard and (connection.reused or ghost), ghost

    async def _take_link(self, remember):
        """The connection that requests share. One task opens it, and all that need it wait for that one."""
        while self._link is None or not self._link.is_open or self._link.leaving:
            if self._opening is None:
                self._opening = asyncio.ensure_future(self._open(remember))
                self._opening.add_done_callback(_retrieve)
            opening = self._opening
            await asyncio.wait([opening])
            opening.result()
        return self._link

    async def _open(self, remember):
        try:
            take = functools.partial(self._client._take_connection, remember)
            self._link = _Link(self._client, await asyncio.get_running_loop().run_in_executor(None, take))
        finally:
            self._opening = None
