"""An hour of readings of gateways of each port, boards and Linux: cuts, resets, hangs, no broker;
stored exactly once.

Both ports live through the same hour in one street, and each is judged by itself: its archives
against the database, row by row. Time is compressed 240 times. The seed is printed; WUM_SEED
replays one.
"""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.system.boards import life
from tests.system.ends import ends
from tests.system.ledger import Stored, differences, read_archives, read_database
from tests.system.linux_gateway import LinuxGateway
from tests.system.street import Street
from wum_simulator.board.supervisor import POWER_ON, RESET, WATCHDOG, Supervisor
from wum_simulator.meters.dlms import KEYS

METERS = 10                                        # Of each gateway.
MODELS = ("eastron-sdm630", "chint-dtsu666", "carlo-gavazzi-em340", "eastron-sdm630",
          "dlms-three-phase")
SPEED, EVERY_S, HOUR_S = 240, 480, 3600
ROWS_LEAST = 5 * METERS                            # Who hardly reads anything proves nothing.
LATEST_COMMIT = 16
BROKER_AWAY_S = 2.0
DRAIN_S = 900.0             # Limits of waits only: a busy machine gives each little.
_ACCESS = f"""[meter.access]
client = 3
authentication = "hls-gmac"
protection = "both"
system_title = "57554d0000000001"
encryption_key = "{KEYS.encryption.hex()}"
authentication_key = "{KEYS.authentication.hex()}"
"""


@dataclass(frozen=True)
class Port:
    """Its cabinets; how often power goes at each of them, and how often each is reset and hangs;
    what an event of a start tells: a board why it came, Linux that it did."""

    cabinets: tuple[int, ...]
    cuts: int
    troubles: int
    tells: tuple[str, ...]


PORTS = {"board": Port((1, 2, 3), 14, 1, ("after power on", "after reset", "after watchdog")),
         "linux": Port((4,), 21, 2, ("wum-edge ",))}
GATEWAYS = sum(len(port.cabinets) for port in PORTS.values())


@dataclass
class Hour:
    """What is left of it. `last`: up to where the database has each archive."""

    street: Street
    plugs: dict[int, Supervisor | LinuxGateway]
    last: dict[bytes, int]
    stored: Stored


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hour]:
    seed = int(os.environ.get("WUM_SEED", random.randrange(10**6)))
    print("WUM_SEED=%d" % seed)
    street = Street(tmp_path_factory.mktemp("hour") / "street", concentrators=GATEWAYS,
                    meters=METERS, speed=SPEED, every_s=EVERY_S, models=MODELS,
                    on_boards=PORTS["board"].cabinets, access={MODELS[-1]: _ACCESS},
                    starts_edges=False)
    plugs: dict[int, Supervisor | LinuxGateway] = {}
    try:
        street.start()
        for name, port in PORTS.items():
            for number in port.cabinets:
                plugs[number] = _plug(name, street, number, seed + number)
                plugs[number].start()
        _live(street, plugs)
        last = _settled(street)
        for plug in plugs.values():
            plug.stop()
        yield Hour(street, plugs, last, read_database(street.database_url))
    finally:
        for plug in plugs.values():
            plug.stop()
            print(plug.said()[-2000:])
        street.stop()


def _plug(name: str, street: Street, number: int, seed: int) -> Supervisor | LinuxGateway:
    """The gateway of a cabinet, with its planned ends."""
    port = PORTS[name]
    planned = ends(random.Random(seed), port.cuts, port.troubles, LATEST_COMMIT)
    if name == "linux":
        return LinuxGateway(street.cabinets[number - 1], street.environment, planned,
                            port.cuts + 2 * port.troubles, seed)
    return Supervisor(street.boards[number].board, map(life, planned), lambda: int(time.time()))


@pytest.mark.parametrize("port", PORTS)
def test_an_hour_is_stored_once_whatever_happens_to_a_gateway(hour: Hour, port: str) -> None:
    own, street = PORTS[port], hour.street
    plugs, many = [hour.plugs[number] for number in own.cabinets], len(own.cabinets)
    folders = [street.archives()[number - 1] for number in own.cabinets]
    must, may = read_archives(folders, hour.last), read_archives(folders)
    causes = [cause for one in plugs for cause in one.causes]
    print("%s: %d starts: %d by power, %d by reset, %d by watchdog; %d rows, %d missed" % (
        port, len(causes), causes.count(POWER_ON), causes.count(RESET), causes.count(WATCHDOG),
        must.rows, len(must.missed)))
    assert [one.ended for one in plugs] == [None] * many, "one crashed"
    assert causes.count(POWER_ON) == many * (own.cuts + 1)
    assert causes.count(RESET) == causes.count(WATCHDOG) == many * own.troubles
    assert must.rows > many * ROWS_LEAST
    assert len({key[0] for key in must.values}) == many * METERS, "some meter was never read"
    serials = tuple("WUM-%d" % number for number in own.cabinets)
    assert differences(must, may, hour.stored.of(serials)) == []
    notes = " ".join(str(note) for (note,) in street.ask(
        "select note from event join concentrator using (concentrator_id) where name = any(%s)",
        _names(own)))
    for words in own.tells:
        assert words in notes


def _names(port: Port) -> list[str]:
    return ["cabinet-%d" % number for number in port.cabinets]


def _live(street: Street, plugs: dict[int, Supervisor | LinuxGateway]) -> None:
    """An hour at least, and until every planned end has come and enough was read; twice the broker
    is away.
    """
    began = time.monotonic()
    for share in (0.4, 0.8):
        time.sleep(max(0.0, began + share * HOUR_S / SPEED - time.monotonic()))
        street.kill("broker")
        time.sleep(BROKER_AWAY_S)
        street.restart("broker")
    time.sleep(max(0.0, began + HOUR_S / SPEED - time.monotonic()))
    print("an hour after %.0f s, starts: %r" % (
        time.monotonic() - began, [len(one.causes) for one in plugs.values()]))
    street.wait_for("end of all troubles", lambda: all(
        len(plugs[number].causes) > port.cuts + 2 * port.troubles
        for port in PORTS.values() for number in port.cabinets) or None, DRAIN_S)
    print("every end after %.0f s" % (time.monotonic() - began))
    for plug in plugs.values():
        if isinstance(plug, LinuxGateway):
            plug.go_on()
    for port in PORTS.values():
        many = len(port.cabinets)
        street.wait_for("readings of every meter", lambda port=port, many=many: street.ask(
            "select 1 from reading join meter using (meter_id) join concentrator using"
            " (concentrator_id) where name = any(%s)"
            " having count(*) > %s and count(distinct meter_id) = %s",
            _names(port), many * ROWS_LEAST, many * METERS) or None, DRAIN_S)


def _settled(street: Street) -> dict[bytes, int]:
    """The last sequence of each archive, once the head-end has all up to it, and some more."""
    def stored() -> dict[bytes, int]:
        rows = street.ask("select incarnation, upper(span) - 1 from archive, "
                          "unnest(received) as span where lower(span) = 1")
        return {bytes(name): int(last) for name, last in rows}
    street.wait_for("every archive", lambda: len(stored()) >= GATEWAYS or None, DRAIN_S)
    before = stored()

    def have_grown() -> bool | None:
        now = stored()
        return all(now[name] >= before[name] + METERS for name in before) or None
    street.wait_for("what came after the troubles", have_grown, DRAIN_S)
    return stored()
