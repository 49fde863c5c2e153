"""Meters of the town that talk by themselves, swept by the gateway: P1, mode D and SML."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.running import START_S, serving
from wum_edge.config import Config, check
from wum_edge.meters.catalog import Model, protocols
from wum_edge.meters.sml.makers import powers_lack_sign
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.meters.turn import Setting
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.tcp_line import line_of
from wum_shared import status
from wum_shared.batch import Event, Missed, Row
from wum_simulator.bus import Timing
from wum_simulator.faults import Fault, Faults, Kind
from wum_simulator.meters.sml_file import server_id
from wum_simulator.town import Meter, meters
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import Dice, VirtualWorld

# The slow ones are DSMR 2.2 and mode D, without CRC; all that the town has quantities for.
MODELS = ["dsmr5-p1", "fluvius-p1", "dsmr2-p1", "easymeter-q3d", "ebz-dd3", "logarex-lk13",
          "emh-ehz-sml", "iskra-mt175", "holley-dtz541", "easymeter-q3a", "dzg-dvs74",
          "easymeter-q3c-info"]              # The last one waits to be asked.
NOWHERE = Setting(9600, 8, "N", 1, 0)
BUDGET_MS = 600_000


@pytest.fixture
def world() -> Iterator[VirtualWorld]:
    one = VirtualWorld(7, START_S)
    yield one
    one.close()


def number_of(meter: Meter) -> str:
    """What the gateway is told to expect: the server id of SML, else the number on the plate."""
    return server_id(meter).hex() if meter.kind.protocol == "sml" else meter.serial


def configured(model: str, address: object, port: str = "/dev/null") -> (
        tuple[Config, dict[str, Model]]):
    models = read_catalog()
    return check({
        "concentrator": {"name": "town", "keys": "keys", "archive": "archive"},
        "broker": {"host": "127.0.0.1", "tls": False},
        "line": [{"name": "a", "port": port}],
        "meter": [{"serial": "M-1", "line": "a", "model": model, "address": address}],
    }, protocols(models)), models


class Street:
    """One meter on a line of its own, and the gateway's sweeps of it in virtual time."""

    def __init__(self, world: VirtualWorld, model: str, address: str | None = None) -> None:
        self.meter = meters(world.dice, [model], count=1)[0]
        self.faults = Faults(world.dice)
        telegram = self.meter.kind.own["telegram"]
        self.wire = VirtualLine(world, [self.meter], self.faults,
                                Timing(telegram.get("baud", 115200), 0), NOWHERE)
        self.sweep = Sweep("a", meters_of_line(*configured(
            model, number_of(self.meter) if address is None else address), "a"))
        self.clock = VirtualClock(world)
        self.world = world

    def records(self) -> list[Row | Missed | Event]:
        return [one for one in self.sweep.run(self.wire, self.clock, BUDGET_MS) if one]

    def shown(self, at_s: int) -> list[int | None]:
        return [one.scaled for one in self.meter.showing(at_s)]


@pytest.mark.parametrize("model", MODELS)
def test_a_sweep_takes_the_next_telegram_as_the_reading(
        world: VirtualWorld, model: str) -> None:
    street = Street(world, model)
    for _ in range(2):
        world.let_pass(world.elapsed_s() + 200)
        rows = [one for one in street.records() if isinstance(one, Row)]
        assert len(rows) == 1 and not any(rows[0].statuses)
        # What was said just before it had been heard: the slowest takes three seconds to say it.
        near = range(rows[0].captured_at_s - 3, rows[0].captured_at_s + 1)
        count = len(street.meter.kind.registers)
        assert list(rows[0].values[:count]) in [street.shown(at_s) for at_s in near]


@pytest.mark.parametrize("model", ["dsmr5-p1", "emh-ehz-sml"])
@pytest.mark.parametrize(("kind", "outcome"), [
    (Kind.SILENCE, status.SILENT), (Kind.WRONG_CRC, status.BAD_CHECK),
    (Kind.NOISE, status.BAD_CHECK)])
def test_each_fault_is_its_outcome_and_passes(
        world: VirtualWorld, model: str, kind: Kind, outcome: int) -> None:
    street = Street(world, model)
    street.faults.order(Fault(kind, rate=0.2))
    missed = [one for one in street.records() if isinstance(one, Missed)]
    assert [one.outcome for one in missed] == [outcome]
    street.faults.clear()
    for _ in range(4):                   # A dead one is probed, at the latest in the fourth.
        rows = [one for one in street.records() if isinstance(one, Row)]
        if rows:
            break
    assert len(rows) == 1


@pytest.mark.parametrize("model", ["dsmr5-p1", "emh-ehz-sml"])
def test_a_telegram_of_another_meter_is_foreign(world: VirtualWorld, model: str) -> None:
    street = Street(world, model, "0a0157554d0000000001" if "sml" in model else "12345678")
    missed = [one for one in street.records() if isinstance(one, Missed)]
    assert [one.outcome for one in missed] == [status.FOREIGN]


@pytest.mark.parametrize("model", ["dsmr5-p1", "emh-ehz-sml"])
def test_on_a_pty_in_real_time(tmp_path: Path, model: str) -> None:
    meter = meters(Dice(7), [model], count=1)[0]
    with serving(tmp_path, "--model", model) as running:
        config, models = configured(model, number_of(meter), str(running.link))
        line = line_of(config.lines[0])
        sweep = Sweep("a", meters_of_line(config, models, "a"))
        found = [one for one in sweep.run(line, SystemClock(), BUDGET_MS)
                 if isinstance(one, Row)]
        line.close()
    assert list(found[0].values[:len(meter.kind.registers)]) == [
        one.scaled for one in meter.showing(START_S)]


def test_the_towns_numbers_are_none_of_those_whose_powers_lack_a_sign() -> None:
    assert not any(powers_lack_sign(server_id(meter)) for meter in meters(
        Dice(7), ["emh-ehz-sml"], count=20))
