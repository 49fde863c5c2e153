"""How far the system's clock can be trusted, asked from the kernel: adjtimex(2).

Whatever disciplines the clock (chrony, systemd-timesyncd, ntpd, PTP) clears the kernel's flag
STA_UNSYNC, and the kernel sets it again when that has been gone for hours. A container may not be
allowed to ask, or see no flag cleared: then the answer is FREE_RUNNING, which promises less.
"""

import ctypes
import time

from wum_shared import status

EARLIEST_S = 1735689600      # 2025-01-01: before this software was written, so never set.
_UNSYNCHRONISED = 0x40       # STA_UNSYNC of <sys/timex.h>.


class _Timex(ctypes.Structure):
    """The beginning of struct timex; the rest is room for what the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("frequency", ctypes.c_long),
        ("maximum_error", ctypes.c_long), ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int), ("rest", ctypes.c_byte * 256))


def time_quality() -> int:
    """SYNCHRONISED, FREE_RUNNING or NEVER_SET (status.py)."""
    if time.time() < EARLIEST_S:
        return status.NEVER_SET
    return status.SYNCHRONISED if _is_disciplined() else status.FREE_RUNNING


def _is_disciplined() -> bool:
    asked = _Timex()         # Modes 0: nothing is set, only read.
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return False
    return answer >= 0 and not asked.status & _UNSYNCHRONISED
