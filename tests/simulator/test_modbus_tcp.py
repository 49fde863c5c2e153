"""Meters of the town on Modbus TCP, swept by the gateway: in virtual time, and over TCP."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.simulator.running import START_S
from wum_edge.config import Config, check
from wum_edge.meters.catalog import Model, protocols
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.meters.turn import Setting
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.tcp_line import line_of
from wum_shared import status
from wum_shared.batch import Missed, Row
from wum_simulator.bus import Timing
from wum_simulator.faults import Fault, Faults, Kind
from wum_simulator.town import Meter, meters
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import Dice, VirtualWorld

MODELS = ["carlo-gavazzi-em24-e1", "my-pv-wifi-meter"]
BUDGET_MS = 60_000


@pytest.fixture
def world() -> Iterator[VirtualWorld]:
    one = VirtualWorld(7, START_S)
    yield one
    one.close()


def configured(port: str, count: int, model: str = MODELS[0]) -> tuple[Config, dict[str, Model]]:
    models = read_catalog()
    return check({
        "concentrator": {"name": "town", "keys": "keys", "archive": "archive"},
        "broker": {"host": "127.0.0.1", "tls": False},
        "line": [{"name": "a", "port": port}],
        "meter": [{"serial": f"M-{n}", "line": "a", "model": model, "address": n}
                  for n in range(1, count + 1)],
    }, protocols(models)), models


def values(row: Row, meter: Meter) -> list[int | None]:
    return list(row.values[:len(meter.kind.registers)])


def shown(meter: Meter) -> list[int | None]:
    return [one.scaled for one in meter.showing(START_S)]


@pytest.mark.parametrize("model", MODELS)
def test_a_sweep_over_tcp_reads_every_register(model: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "wum_simulator", "serve", "--listen", "127.0.0.1:0", "--meters",
         "2", "--model", model, "--start-s", str(START_S), "--speed", "0"],
        stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = re.search(r"tcp://127.0.0.1:(\d+)", process.stderr.readline())
        assert found
        config, models = configured(f"tcp://127.0.0.1:{found[1]}", 2, model)
        line = line_of(config.lines[0])
        rows = [one for one in Sweep("a", meters_of_line(config, models, "a")).run(
            line, SystemClock(), BUDGET_MS) if isinstance(one, Row)]
        line.close()
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()
    town = meters(Dice(7), [model], count=2)
    assert [values(row, meter) for row, meter in zip(rows, town, strict=True)] == [
        shown(meter) for meter in town]


@pytest.mark.parametrize(("kind", "outcome"), [
    (Kind.SILENCE, status.SILENT), (Kind.WRONG_CRC, status.FOREIGN),
    (Kind.EXCEPTION, status.EXCEPTION)])
def test_each_fault_is_its_outcome_and_hits_one_meter(
        world: VirtualWorld, kind: Kind, outcome: int) -> None:
    faults = Faults(world.dice)
    faults.order(Fault(kind, address=2))
    wire = VirtualLine(world, meters(world.dice, MODELS[:1], count=3), faults, Timing(),
                       Setting(9600, 8, "N", 1, 0))
    records = list(Sweep("a", meters_of_line(*configured("tcp://localhost:1502", 3), "a")).run(
        wire, VirtualClock(world), BUDGET_MS))
    whole = [one.meter for one in records if isinstance(one, Row) and not any(one.statuses)]
    assert whole == [0, 2]
    assert [one.outcome for one in records if isinstance(one, Missed)] == [outcome]
    assert not [one for one in records if isinstance(one, Row) and one.meter == 1]
