"""Wires and meters for the tests of the Linux port; each test has its own."""

from collections.abc import Callable, Iterator

import pytest
from pymodbus.simulator import SimDevice

from tests.ports.wire import Meters, Wire
from wum_edge import config
from wum_edge.ports.linux.line import SerialLine


@pytest.fixture
def wire() -> Iterator[Wire]:
    one = Wire()
    yield one
    one.close()


@pytest.fixture
def meters(wire: Wire) -> Iterator[Callable[[list[SimDevice]], Meters]]:
    begun: list[Meters] = []

    def begin(devices: list[SimDevice]) -> Meters:
        begun.append(Meters(wire, devices))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


@pytest.fixture
def line(wire: Wire) -> Iterator[SerialLine]:
    one = SerialLine(config.Line("a", wire.near.path, 9600, "N", 1, 8))
    yield one
    one.close()
