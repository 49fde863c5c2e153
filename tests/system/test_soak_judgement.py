"""The soak's judgement of memory can fail: a leak is noticed, and what is none is not.

Left out: the soak itself (soak.py, `make soak`).
"""

import math
import mmap
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.flat_memory import (
    SAMPLE_S,
    in_use,
    in_use_growth,
    judged,
    private_bytes,
    private_growth,
)

_MB = 1_000_000
_OWN = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_HOUR = int(3600 / SAMPLE_S)     # Samples.
_WATCH = Path(__file__).resolve().parents[1] / "services" / "memory_watch"


def private(leak_mb_an_hour: float, seed: int, *, hours: int = 2) -> list[int]:
    """A process that fills its pools ever more slowly, breathes by 3 MB, keeps what three bursts of
    the first half and one of the second took, and leaks.
    """
    dice = random.Random(seed)
    bursts = [dice.randrange(_HOUR * hours // 2) for _ in range(3)]
    late = dice.randrange(_HOUR * hours * 5 // 8, _HOUR * hours * 7 // 8)
    return [int(45 * _MB + 5 * _MB * (1 - math.exp(-at / 300)) + dice.uniform(0, 3 * _MB)
                + 2 * _MB * sum([at >= burst for burst in bursts]) + 6 * _MB * (at >= late)
                + leak_mb_an_hour * _MB * at / _HOUR)
            for at in range(hours * _HOUR)]


def used(leak_mb_an_hour: float, seed: int, *, hours: int = 2) -> list[int]:
    """What it has in use: most of the time some of its work is under way, up to 8 MB of it."""
    dice = random.Random(seed)
    return [int(26 * _MB + min(8, dice.expovariate(1 / 2)) * _MB
                + leak_mb_an_hour * _MB * at / _HOUR)
            for at in range(hours * _HOUR)]


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_of_2_mb_an_hour_is_noticed(seed: int) -> None:
    assert judged(private(2.0, seed), used(2.0, seed))[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_of_20_mb_an_hour_that_is_not_pythons_is_noticed(seed: int) -> None:
    assert judged(private(20.0, seed), used(0.0, seed))[0]


@pytest.mark.parametrize("seed", range(20))
def test_filling_pools_breathing_and_a_late_burst_are_no_leak(seed: int) -> None:
    assert not judged(private(0.0, seed), used(0.0, seed))[0]


def test_what_grows_by_bursts_again_and_again_is_a_leak() -> None:
    samples = [45 * _MB + 9 * _MB * (at // (_HOUR // 3)) for at in range(2 * _HOUR)]
    assert judged(samples, used(0.0, 1))[0]


def test_a_short_run_is_not_judged_and_says_so() -> None:
    leaks, told = judged(private(50.0, 1)[:500], used(50.0, 1))
    assert not leaks and "not judged" in told


def test_a_leak_in_a_process_that_is_measured_is_noticed_from_outside() -> None:
    """The numbers come from the kernel, as the soak reads them, and the leak is a real one."""
    kept: list[mmap.mmap] = []
    samples = []
    for _ in range(200):    # Asked of the kernel: Python may have as much left from before.
        kept.append(mmap.mmap(-1, 64 * 1024, flags=_OWN))
        kept[-1].write(os.urandom(64 * 1024))
        samples.append(private_bytes(os.getpid()))
    assert private_growth(samples) > 3 * _MB
    kept.clear()


@pytest.mark.parametrize("leak", ["[kept.append(object()) for _ in range(3000)]",
                                  "kept.append(bytes(100_000))"])
def test_a_leak_in_a_process_that_watches_itself_is_noticed(tmp_path: Path, leak: str) -> None:
    """The numbers come from inside, and the leak is a real one: of small objects, and of large."""
    told = tmp_path / "told"
    program = ("import sitecustomize, time; sitecustomize.EVERY_S = 0.005; kept = []\n"
               "while True: %s; time.sleep(0.005)" % leak)
    process = subprocess.Popen([sys.executable, "-c", program], env={
        **os.environ, "PYTHONPATH": str(_WATCH), "WUM_TEST_MEMORY": str(told)})
    try:
        until = time.monotonic() + 60
        while not told.exists() or len(in_use(told)) < 60:
            assert time.monotonic() < until, "it tells nothing"
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert in_use_growth(in_use(told)[:60]) > _MB
