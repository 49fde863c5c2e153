"""A street of one protocol in virtual time, swept by the gateway; its first meter goes wrong.

Left out: what is expected of each fault (test_every_fault.py).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from wum_edge.config import check
from wum_edge.meters.catalog import protocols
from wum_edge.meters.dlms.supply import Supply, install
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_shared import status
from wum_shared.batch import Event, Missed, Row
from wum_simulator.bus import Timing
from wum_simulator.faults import Faults
from wum_simulator.meters.dlms_cosem import PlainCounters
from wum_simulator.meters.sml_file import server_id
from wum_simulator.town import Meter, meters
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import Dice, VirtualWorld

START_S = 1_727_100_000
SEED = 7
WRONG = 1                    # The address of the meter with which something is wrong.
BUDGET_MS = 3_600_000


_catalog = cache(read_catalog)


@cache
def _town(model: str, count: int) -> tuple[Meter, ...]:
    """Meters of one model. Their consumers, made of a year of a home, change with nothing; whoever
    goes wrong does so as a meter of its own street.
    """
    return tuple(meters(Dice(SEED), [model], count=count))


@dataclass(frozen=True)
class Protocol:
    """One protocol, as its model of the catalogue speaks it. `alone`: it talks by itself."""

    model: str
    baud: int = 9600
    delay_ms: int = 20
    timeout_ms: int = 2000
    alone: bool = False
    parity: str = "N"


PROTOCOLS = {
    "modbus-rtu": Protocol("eastron-sdm630", timeout_ms=500),
    "modbus-tcp": Protocol("carlo-gavazzi-em24-e1", timeout_ms=500),
    "dlms-hdlc": Protocol("dlms-three-phase"),
    "iec62056-21": Protocol("elster-as3000", delay_ms=200),
    "mbus": Protocol("emu-professional-3-75", baud=2400, parity="E"),
    "p1": Protocol("dsmr5-p1", 115200, 0, alone=True),
    "sml": Protocol("emh-ehz-sml", 9600, 0, alone=True),
}


class Street:
    """Two meters or `count`, or one that talks by itself, and the gateway's sweeps of them."""

    def __init__(self, name: str, count: int = 2) -> None:
        install(Supply(AesGcm(), PlainCounters(), bytes))
        self.protocol = one = PROTOCOLS[name]
        self.world = VirtualWorld(SEED, START_S)
        self.meters = [Meter(was.address, was.kind, was.consumer)
                       for was in _town(one.model, 1 if one.alone else count)]
        self.faults = Faults(self.world.dice)
        models = _catalog()
        config = check({
            "concentrator": {"name": "town", "keys": "keys", "archive": "archive"},
            "broker": {"host": "127.0.0.1", "tls": False},
            "line": [{"name": "a", "port": "/dev/null", "baud": one.baud,
                      "parity": one.parity}],
            "meter": [self._configured(name, meter) for meter in self.meters],
        }, protocols(models))
        self.known = meters_of_line(config, models, "a")
        self.sweeper = Sweep("a", self.known)
        self.line = VirtualLine(self.world, self.meters, self.faults,
                                Timing(one.baud, one.delay_ms), config.lines[0].setting())
        self.clock = VirtualClock(self.world)

    def _configured(self, name: str, meter: Meter) -> dict[str, Any]:
        address: object = meter.address
        if self.protocol.alone:
            address = server_id(meter).hex() if name == "sml" else meter.serial
        entry = {"serial": f"M-{meter.address}", "line": "a", "address": address,
                 "model": self.protocol.model, "timeout_ms": self.protocol.timeout_ms}
        if name == "iec62056-21":
            entry["access"] = {"utc_offset_min": 60}
        return entry

    @property
    def wrong(self) -> Meter:
        """The meter at WRONG: the first, so that the other comes after it."""
        return self.meters[0]

    def sweep(self, pause_s: float = 60.0) -> list[Row | Missed | Event]:
        """One sweep, `pause_s` after what was before."""
        self.world.let_pass(self.world.elapsed_s() + pause_s)
        return [one for one in self.sweeper.run(self.line, self.clock, BUDGET_MS) if one]

    def is_true(self, row: Row) -> bool:
        """Whether each value of a row is what its meter showed at a second of the sweep, or of a
        load profile's.
        """
        meter = self.meters[row.meter]
        if any(flags & status.FROM_PROFILE for flags in row.statuses):
            return self._is_of_profile(row, meter)
        own = len(meter.kind.registers)
        near = range(row.captured_at_s - 4, self.world.now_s() + 1)
        shown = [[one.scaled for one in meter.showing(at_s)] for at_s in near]
        # The town's DLMS meters cut off what others round.
        slack = 1 if meter.kind.protocol == "dlms-hdlc" else 0
        return all(value is None or any(
            abs(value - (moment[place] or 0)) <= slack for moment in shown)
            for place, value in enumerate(row.values[:own]))

    def _is_of_profile(self, row: Row, meter: Meter) -> bool:
        """The town's DLMS meters keep their counters of each hour."""
        counters = [place for place, register in enumerate(meter.kind.registers)
                    if ".8." in register.obis]
        shown = meter.showing(row.captured_at_s)
        return list(row.values) == [shown[place].scaled for place in counters][:len(row.values)]

    def close(self) -> None:
        """Give the world's loop back."""
        self.world.close()
