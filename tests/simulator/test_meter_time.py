"""Meters of several protocols on one line, their clocks wrong: what a sweep's rows say of them."""

from wum_edge.config import check
from wum_edge.meters.dlms.supply import Supply, install
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.meters.timekeeping import keeps_time
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.schema import schema
from wum_shared.batch import Row
from wum_simulator.bus import Timing
from wum_simulator.faults import Faults
from wum_simulator.meters.dlms_cosem import PlainCounters
from wum_simulator.town import meters
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import VirtualWorld
from wum_simulator.wrongs import What, Wrong

START_S = 1_727_100_000
MODELS = ["landis-gyr-e450", "eastron-sdm630", "elster-as3000"]
BAUD = 9600


def test_each_row_says_how_far_its_meters_clock_is_ahead_and_costs_no_turn_for_it() -> None:
    install(Supply(AesGcm(), PlainCounters(), bytes))
    catalog = read_catalog()
    world = VirtualWorld(7, START_S)
    town = meters(world.dice, MODELS, count=3)
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
    rows = {record.meter: record for record in Sweep("a", known).run(
        line, VirtualClock(world), 3_600_000) if type(record) is Row}
    world.close()
    sets = schema(config, catalog, "t", bytes(8), 0).register_sets
    for index, one in enumerate(known):
        row, keeps = rows[index], keeps_time(one.model)
        assert len(row.values) == len(sets[row.register_set].registers)
        assert keeps == (one.index + 1 in ahead)
        if keeps:
            # The meter said its whole second in the middle of the visit.
            error_s = row.values[-1]
            assert error_s is not None and -3 <= error_s - ahead[index + 1] <= 0, error_s
            assert row.statuses[-1] == 0
