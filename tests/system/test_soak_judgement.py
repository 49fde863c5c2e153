"""The soak's judgement of memory can fail: a leak is noticed, and what is none is not.

Left out: the soak itself (soak.py, `make soak`).
"""

import os
import random

import pytest

from tests.system.soak import is_flat, resident_bytes

_MB = 1024**2
_SAMPLES = 3600          # Two hours.


def memory(leak_bytes: float, seed: int, start: int = 90 * _MB) -> list[int]:
    """A process that fills its pools at first, then breathes by 3 MB, and leaks at each sample."""
    dice = random.Random(seed)
    return [int(start * (1 - 0.3 * max(0.0, 1 - at / 300)) + dice.uniform(0, 3 * _MB)
                + leak_bytes * at) for at in range(_SAMPLES)]


@pytest.mark.parametrize("seed", range(5))
def test_a_process_that_fills_its_pools_and_breathes_is_flat(seed: int) -> None:
    assert is_flat(memory(0, seed))


@pytest.mark.parametrize("seed", range(5))
def test_a_leak_of_8_kb_at_each_sample_is_noticed(seed: int) -> None:
    assert not is_flat(memory(8192, seed))


def test_a_leak_in_a_process_that_is_measured_is_noticed() -> None:
    """The numbers come from the kernel, as the soak reads them, and the leak is a real one."""
    kept: list[bytes] = []
    samples = []
    for _ in range(200):
        kept.append(os.urandom(256 * 1024))
        samples.append(resident_bytes(os.getpid()))
    assert not is_flat(samples)
    kept.clear()
