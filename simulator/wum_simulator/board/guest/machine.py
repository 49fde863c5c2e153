"""Pins, UARTs, timers and resets of the virtual board, as the machine module of an ESP32."""

import binascii
import io
import json

import _board
import _clock
import _memory
from utime import ticks_add, ticks_diff, ticks_ms

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
_UART_BUFFER = 4096


def reset():
    """Start again, as after the reset button."""
    _board.reset()


def reset_cause():
    """Why the board started."""
    return _board.cause()


def unique_id():
    """What tells this board from others."""
    return binascii.unhexlify(_board.unique_id())


def freq(hz=None):
    """How fast it would be."""
    return 240000000


class Pin:
    """A pin that remembers what it was set to; `steps` is every level with its moment."""

    IN, OUT, PULL_UP, PULL_DOWN = 1, 3, 2, 1

    def __init__(self, number, mode=-1, pull=-1, value=0):
        self.number = number
        self._value = value
        self.steps = []

    def value(self, level=None):
        """Read, or set."""
        if level is None:
            return self._value
        self._value = 1 if level else 0
        self.steps.append((ticks_ms(), self._value))
        del self.steps[:-16]

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class UART(io.IOBase):
    """A serial port whose wire the supervisor chose. What comes too fast for its buffer is lost."""

    def __init__(self, number, baudrate=115200, bits=8, parity=None, stop=1, **more):
        wire = more.get("wire") or json.loads(_board.uart(str(number)))
        if wire is None:
            raise ValueError("UART(%d) doesn't exist" % number)
        settings = {"to": wire["to"], "paced": wire["paced"]}
        settings.update(_settings(baudrate, bits, parity, stop))
        self._wire = _board.open("uart", json.dumps(settings))
        self._timeout_ms = more.get("timeout", 0)

    def init(self, baudrate=115200, bits=8, parity=None, stop=1, **more):
        """Another way of saying bytes."""
        _board.tell("set", self._wire, json.dumps(_settings(baudrate, bits, parity, stop)))

    def any(self):
        """Bytes that wait."""
        _board.hear()
        return _board.waiting(self._wire)

    def readinto(self, buffer, size=-1):
        wanted = len(buffer) if size < 0 else size
        if not wanted or not self._await():
            return None
        return _board.take(self._wire, _memory.address(buffer), wanted)

    def read(self, size=-1):
        """What waits, or as much as is asked for; None for nothing."""
        waiting = self._await()
        if not waiting:
            return None
        data = bytearray(waiting if size < 0 else min(size, waiting))
        _board.take(self._wire, _memory.address(data), len(data))
        return bytes(data)

    def write(self, data):
        held, address, size = _memory.given(data)
        if size:
            _board.say(self._wire, address, size)
        return size

    def txdone(self):
        """Whether the last byte has left."""
        _board.hear()
        return _board.sending(self._wire) == 0

    def flush(self):
        """Wait until the last byte has left."""
        while not self.txdone():
            _board.wait(20)

    def deinit(self):
        _board.close(self._wire)

    def _await(self):
        until = ticks_add(ticks_ms(), self._timeout_ms)
        while not self.any():
            left = ticks_diff(until, ticks_ms())
            if left <= 0:
                return 0
            _board.wait(left)
        return _board.waiting(self._wire)


class SPI:
    """A bus that nothing is said on: who hangs on it has a wire of its own (lora.py)."""

    def __init__(self, number, baudrate=1000000, **more):
        self.number = number


def _settings(baud, bits, parity, stop):
    return {"baud": baud, "bits": 1 + bits + (parity is not None) + stop}


class Timer:
    """A soft timer: it is looked at when the watchdog is fed, which a program does often."""

    ONE_SHOT, PERIODIC = 0, 1
    _running = []

    def __init__(self, id=-1):
        self._until = self._again_ms = self._callback = None

    def init(self, mode=PERIODIC, period=-1, callback=None):
        """Call `callback` with this in `period` milliseconds, again and again if it is PERIODIC."""
        self.deinit()
        self._until, self._callback = ticks_add(ticks_ms(), period), callback
        self._again_ms = period if mode == Timer.PERIODIC else None
        Timer._running.append(self)

    def deinit(self):
        """Call it no more."""
        if self in Timer._running:
            Timer._running.remove(self)

    @staticmethod
    def look():
        """Call whatever is due."""
        for one in list(Timer._running):
            if ticks_diff(ticks_ms(), one._until) >= 0:
                if one._again_ms is None:
                    one.deinit()
                else:
                    one._until = ticks_add(one._until, one._again_ms)
                one._callback(one)


class WDT:
    """The watchdog: who does not feed it in time is reset."""

    def __init__(self, id=0, timeout=5000):
        _board.watch(timeout)

    def feed(self):
        """Alive."""
        _board.feed()
        Timer.look()


class RTC:
    """The clock; it can be set."""

    def datetime(self, moment=None):
        """(year, month, day, weekday, hour, minute, second, subsecond)."""
        if moment is None:
            year, month, day, hour, minute, second, weekday, _ = _clock.gmtime()
            return (year, month, day, weekday, hour, minute, second, 0)
        year, month, day, _, hour, minute, second, _ = moment
        at_s = _clock.mktime((year, month, day, hour, minute, second, 0, 0)) + _clock.EPOCH_S
        _board.set_clock(at_s >> 16, at_s & 0xFFFF)
