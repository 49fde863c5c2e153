"""What a board has and this build of MicroPython lacks, put in place before the program."""

import asyncio
import os

import _board
import _memory
import _steps
import _volume
import vfs


def urandom(size):
    """So many bytes of the machine's own chance."""
    data = bytearray(size)
    if size:
        _board.random(_memory.address(data), size)
    return bytes(data)


os.urandom = urandom
vfs.mount(_volume.Volume(), "/flash")
os.chdir("/flash")
_steps.install(asyncio)
