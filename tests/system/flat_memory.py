"""Whether a process leaks: its private memory over a long run, told apart from warming up.

A process fills its pools and caches first, and keeps the room that its largest burst of work took;
both end. A leak does not. So the first half is not looked at, the second one is cut into windows,
and of the steps from one window to the next the largest is forgiven: it is a burst that was larger
than all before. What is left grows with a leak, and with nothing else. File pages are left out:
they come and go with what else the machine does.
"""

import statistics
from pathlib import Path

SAMPLE_S = 2.0
WINDOWS = 8                     # Of the second half.
# A run of two hours finds what grows by 2 MB an hour: what a head-end that nobody restarts for
# half a year would end of on a machine of 8 GB.
GROWTH_MAX_BYTES = 1_000_000
JUDGED_MIN_S = 3600             # In less than an hour, warming up may not be over half-way.


def private_bytes(number: int) -> int:
    """Memory of a process that is its own, as the kernel counts it."""
    for line in Path("/proc/%d/status" % number).read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell the memory of process %d" % number)


def windows(samples: list[int]) -> list[int]:
    """The median of each window of the second half."""
    half = samples[len(samples) // 2:]
    size = len(half) // WINDOWS
    return [int(statistics.median(half[n * size:(n + 1) * size])) for n in range(WINDOWS)]


def growth(samples: list[int]) -> int:
    """Bytes by which the second half grew, but for its largest step."""
    found = windows(samples)
    steps = [after - before for before, after in zip(found, found[1:], strict=False)]
    return found[-1] - found[0] - max(0, *steps)


def judged(samples: list[int]) -> tuple[bool, str]:
    """(whether it leaks, what a person is told); a run that is too short says nothing of it."""
    told = "%.1f MB at half-time, %.1f MB at the end" % (
        samples[len(samples) // 2] / 1e6, samples[-1] / 1e6)
    if len(samples) * SAMPLE_S < JUDGED_MIN_S:
        return False, told + "; not judged, less than an hour tells no leak from warming up"
    grown = growth(samples)
    return grown > GROWTH_MAX_BYTES, told + "; grown by %.1f MB beside one burst, %.1f are let" % (
        grown / 1e6, GROWTH_MAX_BYTES / 1e6)
