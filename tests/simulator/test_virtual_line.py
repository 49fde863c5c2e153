"""The same bus in virtual time: the same bytes and silences, and no waiting."""

import time
from collections.abc import Iterator

import pytest

from wum_edge.meters.turn import Hearing, Setting
from wum_simulator.bus import Timing
from wum_simulator.faults import Fault, Faults, Kind
from wum_simulator.town import meters
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import VirtualWorld

START_S = 1_727_100_000
REQUEST = bytes.fromhex("0104000000067008")      # SDM630 at address 1: six words.
ANSWER_BYTES = 17


class Until(Hearing):
    """Whole when so many bytes were heard."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, heard: bytes | bytearray) -> bool:
        return len(heard) >= self.size


@pytest.fixture
def world() -> Iterator[VirtualWorld]:
    one = VirtualWorld(7, START_S)
    yield one
    one.close()


def line(world: VirtualWorld, faults: Faults | None = None) -> VirtualLine:
    return VirtualLine(
        world, meters(world.dice, ["eastron-sdm630"], count=3), faults or Faults(world.dice),
        Timing(9600, 20), Setting(9600, 8, "N", 1, 3646))


def test_a_turn_takes_what_a_wire_takes_to_the_microsecond(world: VirtualWorld) -> None:
    one = line(world)
    assert len(one.turn(REQUEST, Until(ANSWER_BYTES), 500)) == ANSWER_BYTES
    first_s = world.elapsed_s()
    assert abs(first_s - (0.003646 + 25 * 10 / 9600 + 0.02)) < 1e-6
    one.turn(REQUEST, Until(ANSWER_BYTES), 500)
    assert abs(world.elapsed_s() - 2 * first_s) < 1e-6       # The silence between them included.


def test_a_silent_meter_costs_its_timeout_and_no_real_time(world: VirtualWorld) -> None:
    faults = Faults(world.dice)
    faults.order(Fault(Kind.SILENCE, address=1))
    one = line(world, faults)
    began, real = world.elapsed_s(), time.monotonic()
    assert one.turn(REQUEST, Until(ANSWER_BYTES), 60_000) == b""
    assert 60 < world.elapsed_s() - began < 60.1 and time.monotonic() - real < 5
    assert VirtualClock(world).now_s() == START_S + 60


def test_an_echo_comes_before_the_answer(world: VirtualWorld) -> None:
    faults = Faults(world.dice)
    faults.order(Fault(Kind.ECHO))
    heard = line(world, faults).turn(REQUEST, Until(8 + ANSWER_BYTES), 500)
    assert heard[:8] == REQUEST and heard[8:10] == REQUEST[:2]
