"""The soak's judgement of memory can fail: a leak is noticed, and what is none is not.

Left out: the soak itself (soak.py, `make soak`).
"""

import math
import os
import random

import pytest

from tests.system.flat_memory import SAMPLE_S, growth, judged, private_bytes

_MB = 1_000_000
_HOUR = int(3600 / SAMPLE_S)     # Samples.


def memory(leak_mb_an_hour: float, seed: int, *, hours: int = 2) -> list[int]:
    """A process that fills its pools ever more slowly, breathes by 3 MB, keeps what three bursts of
    the first half took, and leaks.
    """
    dice = random.Random(seed)
    bursts = [dice.randrange(_HOUR * hours // 2) for _ in range(3)]
    return [int(45 * _MB + 5 * _MB * (1 - math.exp(-at / 300)) + dice.uniform(0, 3 * _MB)
                + 2 * _MB * sum([at >= burst for burst in bursts])
                + leak_mb_an_hour * _MB * at / _HOUR)
            for at in range(hours * _HOUR)]


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_of_2_mb_an_hour_is_noticed(seed: int) -> None:
    assert judged(memory(2.0, seed))[0]


@pytest.mark.parametrize("seed", range(20))
def test_filling_pools_breathing_and_a_late_burst_are_no_leak(seed: int) -> None:
    samples = memory(0.0, seed)
    late = samples[_HOUR * 3 // 2:]
    samples[_HOUR * 3 // 2:] = [one + 8 * _MB for one in late]
    assert not judged(samples)[0]


def test_what_grows_by_bursts_again_and_again_is_a_leak() -> None:
    samples = [45 * _MB + 3 * _MB * (at // (_HOUR // 3)) for at in range(2 * _HOUR)]
    assert judged(samples)[0]


def test_a_short_run_is_not_judged_and_says_so() -> None:
    leaks, told = judged(memory(50.0, 1)[:500])
    assert not leaks and "not judged" in told


def test_a_leak_in_a_process_that_is_measured_is_noticed() -> None:
    """The numbers come from the kernel, as the soak reads them, and the leak is a real one."""
    kept: list[bytes] = []
    samples = []
    for _ in range(200):
        kept.append(os.urandom(64 * 1024))
        samples.append(private_bytes(os.getpid()))
    assert growth(samples) > 3 * _MB
    kept.clear()
