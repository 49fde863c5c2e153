"""What the gateway says of itself and of its clock."""

import time

import pytest

from wum_edge.agent import Summary
from wum_edge.config import Meter
from wum_edge.meters.visit import KnownMeter
from wum_edge.ports.linux import time_quality
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.journal import sentence
from wum_edge.uplink.progress import Progress
from wum_shared import status

PROGRESS = Progress(2, 9, 7, 1, {"not genuine": 3, "heard before": 1}, 0, 0)


def meters(count: int, silent: int) -> list[KnownMeter]:
    model = read_catalog()["eastron-sdm630"]
    known = [KnownMeter(n, 0, Meter(f"M-{n}", f"dp-{n}", "a", n + 1, "eastron-sdm630", 500, None),
                        model) for n in range(count)]
    for one in known[:silent]:
        one.silence_told = True
    return known


def test_the_sentence_says_what_is_silent_what_waits_and_what_is_in_flight() -> None:
    said = sentence(Summary(100, 40, 0, "", PROGRESS, ""), 1760000000, meters(3, 1),
                    connected=True)
    assert said == (
        "3 meters, M-0 silent; 100 records archived, 40 records wait for the head-end, the oldest "
        "of 2025-10-09T08:53:20Z; connected, 2 batches in flight, 7 acknowledged, 1 sent again, "
        "4 answers refused")


def test_the_second_answer_to_what_was_sent_twice_is_late_and_not_refused() -> None:
    progress = PROGRESS._replace(refused={"of no batch in flight": 2})
    said = sentence(Summary(1, 0, 0, "", progress, ""), None, [], connected=True)
    assert said.endswith("1 sent again, 2 answers late")


def test_many_silent_meters_do_not_fill_the_log() -> None:
    said = sentence(Summary(0, 0, 0, "", PROGRESS, ""), None, meters(9, 8), connected=False)
    assert "M-0, M-1, M-2, M-3, M-4 and 3 more silent" in said and "no connection" in said


def test_it_says_why_nothing_is_sent() -> None:
    said = sentence(Summary(5, 5, 7, "give it new keys", None,
                            "the disk is full"), None, meters(1, 0), connected=True)
    assert said.endswith("7 wait for flash; the disk is full; nothing is sent: give it new keys")


def test_a_clock_from_before_this_software_was_never_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 946684800.0)
    assert time_quality.time_quality() == status.NEVER_SET == SystemClock().quality()


class _Kernel:
    """adjtimex as a kernel, or a container, may answer it."""

    def __init__(self, answer: int, flags: int) -> None:
        self._answer, self._flags = answer, flags

    def adjtimex(self, asked: object) -> int:
        asked._obj.status = self._flags  # type: ignore[attr-defined]
        return self._answer


@pytest.mark.parametrize(("answer", "flags", "quality"), [
    (0, 0x2001, status.SYNCHRONISED),      # STA_PLL and STA_NANO: disciplined.
    (5, 0x2041, status.FREE_RUNNING),      # STA_UNSYNC.
    (-1, 0, status.FREE_RUNNING),          # Not allowed to ask.
])
def test_the_kernel_says_whether_its_clock_is_disciplined(
        monkeypatch: pytest.MonkeyPatch, answer: int, flags: int, quality: int) -> None:
    monkeypatch.setattr(time_quality.ctypes, "CDLL", lambda *_, **__: _Kernel(answer, flags))
    assert time_quality.time_quality() == quality


def test_a_system_without_the_call_promises_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_quality.ctypes, "CDLL", lambda *_, **__: object())
    assert time_quality.time_quality() == status.FREE_RUNNING


def test_the_real_kernel_gives_an_answer() -> None:
    assert time_quality.time_quality() in (status.SYNCHRONISED, status.FREE_RUNNING)
