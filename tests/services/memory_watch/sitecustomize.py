"""What a process has in use, told from inside: for whoever has this folder on its path.

What the kernel counts as a process's memory keeps the mark of its largest burst; what is in use
does not. Appends a number every EVERY_S to the file that WUM_TEST_MEMORY names: bytes of Python's
small blocks, taken as BLOCK_BYTES each, and of malloc's main arena. Left out: other arenas.
"""

import ctypes
import os
import sys
import threading
import time

EVERY_S = 2.0
BLOCK_BYTES = 64                # About what a small object takes.
_FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
           "fordblks", "keepcost")


class _Mallinfo(ctypes.Structure):
    """struct mallinfo2 of <malloc.h>, glibc 2.33 or newer."""

    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS]


def _in_use_bytes(libc: ctypes.CDLL) -> int:
    blocks = BLOCK_BYTES * sys.getallocatedblocks()
    if not hasattr(libc, "mallinfo2"):
        return blocks
    found = libc.mallinfo2()
    return blocks + int(found.uordblks) + int(found.hblkhd)


def _watch(path: str) -> None:
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallinfo2"):
        libc.mallinfo2.restype = _Mallinfo
    while True:
        with open(path, "a") as file:
            print(_in_use_bytes(libc), file=file)
        time.sleep(EVERY_S)


if "WUM_TEST_MEMORY" in os.environ:
    threading.Thread(target=_watch, args=[os.environ["WUM_TEST_MEMORY"]], daemon=True).start()
