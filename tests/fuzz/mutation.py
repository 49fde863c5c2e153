"""Changed copies of saved inputs, and a watch over what a parser does with them.

Left out: which parsers (targets/) and the command line (run.py). Without coverage this finds less
than atheris does, but it runs everywhere, and a seed replays it.
"""

import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

SIZE_MAX = 4096              # Longer than any frame and most telegrams.
CALL_S_MAX = 2.0             # What one input may take, on a busy machine.
GROWTH_KB_MAX = 128 * 1024   # What the process may grow by over one run.
_STRIKES = (b"\x00", b"\xff", b"\x7e", b"\x7f", b"\x80", b"\x68", b"\x16", b"\x2f", b"\x1b\x1b",
            b"\xff\xff", b"\x82\xff\xff", b"\x84\xff\xff\xff\xff", b"(", b")", b"\r\n", b"\x03")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a parser did wrong, and with which input."""

    data: bytes
    what: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What one run came to."""

    inputs: int
    slowest_s: float
    grown_kb: int


class _TooLong(BaseException):
    """Not an Exception: no parser may swallow it."""


def inputs(corpus: list[bytes], seed: int) -> Iterator[bytes]:
    """The corpus itself, then changed copies of it without end."""
    yield b""
    yield from corpus
    chance = random.Random(seed)
    pool = corpus or [b"\x00" * 16]
    while True:
        data = chance.choice(pool)
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            data = _changed(data, pool, chance)
        yield data[:SIZE_MAX]


def watch(
        run: Callable[[bytes], None], corpus: Path, *, seconds: float, seed: int,
) -> Tally | Finding:
    """Feed `run` for that long; the tally, or the first input that it did not stand."""
    saved = [file.read_bytes() for file in sorted(corpus.iterdir())] if corpus.is_dir() else []
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    until = time.monotonic() + seconds
    slowest_s = 0.0
    count = 0
    was = signal.signal(signal.SIGALRM, _ring)
    try:
        for data in inputs(saved, seed):
            started = time.monotonic()
            if started >= until and count > len(saved):
                break
            signal.setitimer(signal.ITIMER_REAL, CALL_S_MAX)
            try:
                run(data)
            except _TooLong:
                return Finding(data, f"took longer than {CALL_S_MAX} s")
            except Exception as error:
                return Finding(data, f"raised {type(error).__name__}: {error}")
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            slowest_s = max(slowest_s, time.monotonic() - started)
            count += 1
    finally:
        signal.signal(signal.SIGALRM, was)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    if grown_kb > GROWTH_KB_MAX:
        return Finding(b"", f"grew by {grown_kb} kB")
    return Tally(count, slowest_s, grown_kb)


def _ring(number: int, frame: FrameType | None) -> None:
    raise _TooLong


def _changed(data: bytes, pool: list[bytes], chance: random.Random) -> bytes:
    """One change: a bit, a byte, a piece."""
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 64)))
    kind = chance.randrange(8)
    if kind == 0 and data:
        place = chance.randrange(len(data))
        return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1:]
    if kind == 1:
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1:]
    if kind == 2:
        return data[:at] + data[end:]
    if kind == 3:
        return data[:end] + data[at:end] * chance.choice((1, 2, 50)) + data[end:]
    if kind == 4:
        return data[:at]
    if kind == 5:
        strike = chance.choice(_STRIKES)
        return data[:at] + strike + data[at + chance.choice((0, len(strike))):]
    if kind == 6:
        other = chance.choice(pool)
        return data[:at] + other[chance.randrange(len(other) + 1):]
    return data[:at] + chance.randbytes(chance.choice((1, 2, 8, 64))) + data[at:]
