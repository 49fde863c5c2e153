"""asyncio.run, streams and the scheduler's single step, on this build's own tasks and queue.

Its scheduler waits in JavaScript's event loop, which never turns here: main.mjs calls `step`
instead, so that control is back there between two turns and garbage is collected.
"""

import asyncio
import asyncio.core as core
import socket

import _board
import _ends
from utime import ticks_diff, ticks_ms

FINISHED = -1
_main = []               # The task of asyncio.run, once it is there.
_waiting = []            # (is_so, task, Waiter) of tasks that wait for a wire.
_FOR_A_WIRE_MS = 1000


class _Waiter:
    """What a waiting task holds: it is taken out of here when it is cancelled."""

    def remove(self, task):
        _waiting[:] = [one for one in _waiting if one[1] is not task]


def until(is_so):
    """Wait until `is_so()`; it is asked whenever a wire has something."""
    while not is_so():
        task = core.cur_task
        task.data = waiter = _Waiter()
        _waiting.append((is_so, task, waiter))
        yield


def run(coroutine):
    """Leaves at once; the program goes on from `step`. Nothing after it is ever run."""
    _main.append(core.create_task(coroutine))
    raise _ends.Running()


def step():
    """One task's turn. Milliseconds until the next is due; FINISHED when the main task is."""
    _board.hear()
    _wake()
    task = core._task_queue.peek()
    if task is None:
        return _FOR_A_WIRE_MS
    wait_ms = ticks_diff(task.ph_key, ticks_ms())
    if wait_ms > 0:
        return wait_ms
    _turn(core._task_queue.pop())
    return FINISHED if _main[0].done() else 0


def ended():
    """How the main task ended, in main.mjs's word."""
    error = _main[0].data
    if error is None or isinstance(error, StopIteration):
        return ""
    return _ends.how(error)


def _wake():
    for one in list(_waiting):
        try:
            is_due = one[0]()
        except OSError:
            is_due = True        # It hears of it itself.
        if is_due:
            _waiting.remove(one)
            one[1].data = None
            core._task_queue.push(one[1])


def _turn(task):
    core.cur_task = task
    error = task.data
    try:
        if error:
            task.data = None
            task.coro.throw(error)
        else:
            task.coro.send(None)
    except (core.CancelledError, Exception) as ending:
        _finish(task, ending, error)
    finally:
        core.cur_task = core._top_level_task


def _finish(task, ending, error):
    """Tell whoever awaits it. `state`: True, a queue or a callback while it runs; None and False
    after it (not awaited yet, awaited)."""
    if not task.state:
        task.data = error
        core._exc_context["exception"], core._exc_context["future"] = error, task
        core.Loop.call_exception_handler(core._exc_context)
        return
    is_awaited = task.state is not True
    if task.state is True:
        task.state = None
    elif callable(task.state):
        task.state(task, ending)
        task.state = False
    else:
        is_awaited = False
        while task.state.peek():
            core._task_queue.push(task.state.pop())
            is_awaited = True
        task.state = False
    is_quiet = isinstance(ending, (core.CancelledError, StopIteration))
    if not is_awaited and not is_quiet and task is not (_main[0] if _main else None):
        core._task_queue.push(task)
    task.data = ending


class Stream:
    """Reader and writer over a socket that does not block."""

    def __init__(self, s, e=None):
        self.s = s
        self.e = e or {}
        self.out_buf = b""

    def get_extra_info(self, name):
        return self.e[name]

    def close(self):
        pass

    async def wait_closed(self):
        self.s.close()

    def read(self, n=-1):
        got = b""
        while True:
            yield from until(self.s.is_readable)
            data = self.s.read(n)
            if data is None:
                continue
            if n >= 0 or not data:
                return got + data
            got += data

    def readexactly(self, n):
        got = b""
        while len(got) < n:
            yield from until(self.s.is_readable)
            data = self.s.read(n - len(got))
            if data is None:
                continue
            if not data:
                raise EOFError
            got += data
        return got

    def readline(self):
        got = b""
        while not got.endswith(b"\n"):
            yield from until(self.s.is_readable)
            data = self.s.read(1)
            if data == b"":
                break
            got += data or b""
        return got

    def write(self, data):
        self.out_buf += data

    def drain(self):
        while self.out_buf:
            yield from until(self.s.is_writable)
            sent = self.s.write(self.out_buf)
            self.out_buf = self.out_buf[sent or 0:]
        yield from core.sleep_ms(0)


def open_connection(host, port, ssl=None, server_hostname=None):
    """TCP only: this build has no TLS."""
    if ssl:
        raise NotImplementedError("TLS: this virtual board has none")
    made = socket.socket()
    made.setblocking(False)
    try:
        made.connect((host, port))
    except OSError as error:
        if error.errno != socket.EINPROGRESS:
            raise
    yield from until(made.is_open)
    stream = Stream(made)
    return stream, stream


class Server:
    """A listening socket and the task that accepts."""

    def __init__(self, listening, task):
        self.listening, self.task = listening, task

    def close(self):
        self.task.cancel()
        self.listening.close()

    async def wait_closed(self):
        await core.sleep_ms(0)


async def start_server(callback, host, port, backlog=5, ssl=None):
    """A task per connection."""
    listening = socket.socket()
    listening.bind((host, port))
    listening.listen(backlog)
    listening.setblocking(False)

    def accept():
        fresh = []

        def is_there():
            wire = 0 if fresh else _board.accept(listening.wire)
            if wire:
                fresh.append(wire)
            return bool(fresh)       # Asked twice: by whoever wakes, and after it.
        while True:
            yield from until(is_there)
            made = socket.socket(wire=fresh.pop())
            made.setblocking(False)
            stream = Stream(made, {"peername": ("127.0.0.1", 0)})
            core.create_task(callback(stream, stream))
    return Server(listening, core.create_task(accept()))


def install(package):
    """Put all of it where programs look for it."""
    core._schedule_run_iter = lambda ms: None
    core.new_event_loop()
    for name, made in (("run", run), ("open_connection", open_connection), ("Stream", Stream),
                       ("StreamReader", Stream), ("StreamWriter", Stream),
                       ("start_server", start_server)):
        setattr(package, name, made)


assert asyncio.core is core
