"""Whether a process leaks: what it has in use over a long run, told apart from warming up.

A process fills its pools and caches first, and keeps the room that its largest burst of work took;
both end. A leak does not, and it shows when the process is idle. So two things are judged, and the
first quarter is never looked at:

- what is in use in quiet moments, from inside (tests/services/memory_watch): sharply;
- its private memory as the kernel counts it, where bursts leave their mark, and where a leak shows
  that is not Python's: roughly, and the largest step from one window to the next is forgiven.
"""

import statistics
from pathlib import Path

SAMPLE_S = 2.0
WINDOWS = 8                     # Of the second half.
# A run of two hours finds what grows by 2 MB an hour: what a head-end that nobody restarts for
# half a year would end of on a machine of 8 GB.
IN_USE_MAX_BYTES = 1_000_000    # From the second quarter to the last one.
PRIVATE_MAX_BYTES = 8_000_000   # In the second half: two transactions of the most messages.
JUDGED_MIN_S = 3600             # In less than an hour, warming up may not be over half-way.
QUIET = 10                      # Percent of the samples, the lowest: nothing is under way then.


def private_bytes(number: int) -> int:
    """Memory of a process that is its own, as the kernel counts it."""
    for line in Path("/proc/%d/status" % number).read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell the memory of process %d" % number)


def in_use(path: Path) -> list[int]:
    """What a process has told of itself so far."""
    return [int(line) for line in path.read_text().splitlines()]


def windows(samples: list[int]) -> list[int]:
    """The median of each window of the second half."""
    half = samples[len(samples) // 2:]
    size = len(half) // WINDOWS
    return [int(statistics.median(half[n * size:(n + 1) * size])) for n in range(WINDOWS)]


def private_growth(samples: list[int]) -> int:
    """Bytes by which the second half grew, but for its largest step."""
    found = windows(samples)
    steps = [after - before for before, after in zip(found, found[1:], strict=False)]
    return found[-1] - found[0] - max(0, *steps)


def in_use_growth(samples: list[int]) -> int:
    """Bytes by which quiet moments of the last quarter have more in use than of the second one."""
    quarter = len(samples) // 4
    return _quiet(samples[-quarter:]) - _quiet(samples[quarter:2 * quarter])


def judged(private: list[int], used: list[int]) -> tuple[bool, str]:
    """(whether it leaks, what a person is told); a run that is too short says nothing of it."""
    told = "%.1f MB at half-time, %.1f MB at the end" % (
        private[len(private) // 2] / 1e6, private[-1] / 1e6)
    if min(len(private), len(used)) * SAMPLE_S < JUDGED_MIN_S:
        return False, told + "; not judged, less than an hour tells no leak from warming up"
    grown, inside = private_growth(private), in_use_growth(used)
    return grown > PRIVATE_MAX_BYTES or inside > IN_USE_MAX_BYTES, told + (
        "; grown by %.1f MB beside one burst, %.1f are let; in use in quiet moments %.1f MB, grown "
        "by %.2f MB, %.1f are let" % (
            grown / 1e6, PRIVATE_MAX_BYTES / 1e6, _quiet(used[-len(used) // 4:]) / 1e6,
            inside / 1e6, IN_USE_MAX_BYTES / 1e6))


def _quiet(samples: list[int]) -> int:
    return sorted(samples)[len(samples) * QUIET // 100]
