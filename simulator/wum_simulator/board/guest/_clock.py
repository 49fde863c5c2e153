"""Time as an ESP32 has it: its epoch is 2000, and its clock starts there until somebody sets it."""

import _board
from utime import gmtime as _gmtime
from utime import mktime as _mktime
from utime import ticks_add, ticks_cpu, ticks_diff, ticks_ms, ticks_us

EPOCH_S = 946684800      # 2000-01-01, by the epoch of 1970.
_US_SPUN = 2000          # What is shorter is spun away.


def time():
    """Whole seconds since 2000."""
    return _board.clock_high() * 65536 + _board.clock_low() - EPOCH_S


def gmtime(at_s=None):
    """The calendar's (year, month, day, hour, minute, second, weekday, day of the year)."""
    return _gmtime((time() if at_s is None else at_s) + EPOCH_S)


localtime = gmtime


def mktime(moment):
    """Seconds since 2000 of a moment."""
    return int(_mktime(moment)) - EPOCH_S


def sleep_ms(ms):
    """Sleep; what arrives meanwhile is kept."""
    until = ticks_add(ticks_ms(), ms)
    while True:
        left = ticks_diff(until, ticks_ms())
        if left <= 0:
            return
        _board.wait(left)


def sleep(s):
    """Sleep for seconds."""
    sleep_ms(int(s * 1000))


def sleep_us(us):
    """Sleep for microseconds."""
    if us >= _US_SPUN:
        sleep_ms(us // 1000)
        us %= 1000
    until = ticks_add(ticks_us(), us)
    while ticks_diff(until, ticks_us()) > 0:
        pass
