"""Meters of several protocols on one line, their clocks wrong: what a sweep's rows say of them."""

import importlib.resources
import json
from typing import Any

from wum_edge.config import check
from wum_edge.meters.catalog import check_model
from wum_edge.meters.dlms.supply import Supply, install
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.meters.timekeeping import keeps_time
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.schema import schema
from wum_shared.batch import Row
from wum_simulator.bus import Timing
from wum_simulator.catalog import model, model_of
from wum_simulator.faults import Faults
from wum_simulator.meters.dlms_cosem import PlainCounters
from wum_simulator.town import meters_of
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import VirtualWorld
from wum_simulator.wrongs import What, Wrong

START_S = 1_727_100_000
MODELS = ["landis-gyr-e450", "eastron-sdm630", "elster-as3000"]
BAUD = 2400
SWEEPS = 10


def slow() -> dict[str, Any]:
    """A meter whose readout takes six seconds and begins with its clock."""
    entry: dict[str, Any] = json.loads((
        importlib.resources.files("wum_edge") / "catalog" / f"{MODELS[2]}.json").read_text())
    return entry | {"model": "slow", "sign_on": {"baud": 600, "fixed": True, "makers": "ELS"}}


def test_each_row_says_how_far_its_meters_clock_is_ahead_and_costs_no_turn_for_it() -> None:
    install(Supply(AesGcm(), PlainCounters(), bytes))
    catalog = {**read_catalog(), "slow": check_model(slow())}
    world = VirtualWorld(7, START_S)
    town = meters_of(world.dice, [*map(model, MODELS[:2]), model_of(slow())], count=3)
    ahead = {1: 30, 3: -90}
    for meter in town:
        meter.goes_wrong(Wrong(What.CLOCK_OFF, START_S - 10, ahead.get(meter.address, 500)))
    config = check({
        "concentrator": {"name": "c", "keys": "keys", "archive": "archive"},
        "broker": {"host": "127.0.0.1", "tls": False},
        "line": [{"name": "a", "port": "/dev/null", "baud": BAUD}],
        "meter": [{"serial": f"M-{meter.address}", "line": "a", "address": meter.address,
                   "model": meter.kind.name, "timeout_ms": 3000,
                   **({"access": {"utc_offset_min": 60}} if n == 2 else {})}
                  for n, meter in enumerate(town)],
    }, {name: model.protocol for name, model in catalog.items()})
    known = meters_of_line(config, catalog, "a")
    for one in known:
        one.upkeep = None            # What a sweep says without it is the rows alone.
    line = VirtualLine(world, town, Faults(world.dice), Timing(BAUD, 20),
                       config.lines[0].setting())
    sweep = Sweep("a", known)
    sweeps = []
    for _ in range(SWEEPS):
        sweeps.append({record.meter: record for record in sweep.run(
            line, VirtualClock(world), 3_600_000) if type(record) is Row})
        world.let_pass(world.elapsed_s() + 37.3)     # In another part of the second each time.
    world.close()
    sets = schema(config, catalog, "t", bytes(8), 0).register_sets
    for index, one in enumerate(known):
        assert keeps_time(one.model) == (one.index + 1 in ahead)
        errors = []
        for rows in sweeps:
            row = rows[index]
            assert len(row.values) == len(sets[row.register_set].registers)
            if keeps_time(one.model):
                assert row.values[-1] is not None and row.statuses[-1] == 0
                errors.append(row.values[-1] - ahead[index + 1])
        # Both are whole seconds: one more or less, in the mean none.
        assert all(abs(error_s) <= 1 for error_s in errors), errors
        assert abs(sum(errors)) * 2 <= len(errors), errors
