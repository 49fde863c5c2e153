"""Who has no uplink delivers through others by radio, on each port: power goes at seeded flash
commits of it and of its gateway, the network's key changes meanwhile and their own do, an order
reaches all, the head-end loses what it had and asks again; everything is stored exactly once.

Two more are a relay, over which its way goes at first, and which is killed, and a gateway on
standby, which takes over for the one that is killed. It joins the network through the relay, with a
key that nobody else has. In real time: a radio's hour cannot be compressed. The radio is simulated,
everything else is real. The seed is printed; WUM_SEED replays one.
"""

import os
import random
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.services.listening import reachable
from tests.system.flooded import order_reaches_all, who_told_of_it
from tests.system.ledger import differences, read_archives, read_database
from tests.system.meshed import CUTS, OnBoard, OnLinux
from tests.system.network_keys import network_key, stations_have
from tests.system.street import Street
from wum_simulator.board.supervisor import POWER_ON

METERS = 2
MANY, GATEWAY, STANDBY, RELAY, FAR = 4, 1, 2, 3, 4
WAY_S = 600.0                # Limits of waits only.


@dataclass(frozen=True)
class Port:
    """So many readings `more` of a meter show that it is read; `shape` are arguments of its street.
    """

    epoch_s: int
    more: int
    shape: dict[str, object] = field(default_factory=dict)


# Epochs are long enough that others are there before anything dies.
PORTS = {
    "board": Port(60, 2, {"every_s": 5, "on_boards": (1, 2, 3, 4)}),
    "linux": Port(30, 1)}
NUMBERS = range(1, MANY + 1)


class Mesh:
    """A street's, and who holds the plugs."""

    def __init__(self, folder: Path, port: str) -> None:
        seed = int(os.environ.get("WUM_SEED", random.randrange(10**6)))
        print("WUM_SEED=%d" % seed)
        self.port, self._dice = PORTS[port], random.Random(seed)
        self.is_on_linux = port == "linux"
        self._kind = OnLinux if self.is_on_linux else OnBoard
        self.street = Street(
            folder, concentrators=MANY, meters=METERS, has_mesh=True, starts_edges=False,
            standby=(STANDBY,), guests=(FAR,), epoch_s=self.port.epoch_s, **self.port.shape)  # type: ignore[arg-type]
        self.plugs: dict[int, OnBoard | OnLinux] = {}
        self.before: set[str] = set()        # Keys of the network at first.

    def start(self) -> None:
        self.street.start()
        for number in NUMBERS:
            self.plugs[number] = self._kind(
                self.street, number, random.Random(self._dice.random()), self.port.epoch_s)
            self.plugs[number].start()

    def stop(self) -> None:
        for plug in self.plugs.values():
            plug.stop()
            print(plug.said())
        self.street.stop()

    def await_back(self, *numbers: int) -> None:
        """Until all cuts that were planned of these have come."""
        for number in numbers:
            self.street.wait_for("all its cuts", self.plugs[number].is_back, WAY_S)

    def await_more(self, what: str, *numbers: int) -> None:
        """Until each meter of these has been read and stored again, as often as its port asks."""
        (now,), = self.street.ask("select now()")
        self.street.wait_for(what, lambda: self.street.ask(
            "select 1 from (select 1 from reading r join meter using (meter_id)"
            " join concentrator c using (concentrator_id)"
            " where c.name = any(%s) and r.captured_at > %s"
            " group by meter_id having count(distinct r.captured_at) >= %s) as whole"
            " having count(*) = %s", _names(numbers), now, self.port.more,
            METERS * len(numbers)) or None, WAY_S)

    def network_keys(self, *numbers: int) -> set[str]:
        """That these hold: of the network's own, one or two."""
        return {key for number in numbers for key in self.plugs[number].network_keys()}


@pytest.mark.parametrize("port", PORTS)
def test_who_has_no_uplink_delivers_through_others_and_nothing_is_lost(
        tmp_path: Path, port: str) -> None:
    mesh = Mesh(tmp_path / "street", port)
    assert not (mesh.street.cabinets[FAR - 1].keys / "mesh.key").exists()
    try:
        mesh.start()
        began = time.monotonic()
        for step in (
                _everybody_is_read, _the_head_end_loses_what_it_had,
                _it_loses_power_while_the_networks_key_begins_to_change,
                _its_gateway_loses_power_while_there_are_two_keys, _the_old_key_ends,
                _an_order_reaches_all, _nothing_is_lost):
            step(mesh)
            print("%.0f s: %s" % (time.monotonic() - began, step.__name__))
    finally:
        mesh.stop()


def _everybody_is_read(mesh: Mesh) -> None:
    mesh.street.wait_for("readings of everybody", lambda: mesh.street.ask(
        "select 1 from meter_state where last_captured_at is not null having count(*) = %s",
        MANY * METERS) or None, WAY_S)
    mesh.street.wait_for("a way over two hops", lambda: _parent(mesh.street, FAR, RELAY), WAY_S)
    assert mesh.plugs[FAR].says("admitted as station %d" % FAR)
    if mesh.is_on_linux:
        _tells_of_its_way_and_has_no_other_door(mesh.street)


def _an_order_reaches_all(mesh: Mesh) -> None:
    """After all cuts: a restart forgets which orders came, and would tell of it twice."""
    order_reaches_all(mesh.street, MANY, WAY_S, WAY_S)


def _tells_of_its_way_and_has_no_other_door(street: Street) -> None:
    far = FAR
    shown = subprocess.run(
        street.program("wum-edge", "mesh", "--config",
                       str(street.cabinets[far - 1].configuration)),
        capture_output=True, text=True, check=True, timeout=180).stdout
    assert "Route: station 3 towards gateway 1" in shown and "neighbour" in shown
    doors = {door.split(" ")[0] + " " + Path(door.split(" ")[1]).name
             for door in reachable(street.pid("edge-%d" % far))}
    assert doors == {"unix mesh-status", *(
        "serial " + link.resolve().name
        for link in (street.cabinets[far - 1].bus, street.cabinets[far - 1].modem))}


def _the_head_end_loses_what_it_had(mesh: Mesh) -> None:
    """It knows by the numbers that it has, so that it asks for the rest through the mesh."""
    with psycopg.connect(mesh.street.database_url) as connection:
        ((identity,),) = connection.execute(
            "select concentrator_id from concentrator where name = %s",
            ["cabinet-%d" % FAR]).fetchall()
        ((before,),) = connection.execute(
            "update archive a set received = int8multirange(int8range(b.last, b.last + 1)),"
            "   missing = b.last - 1, missing_since = now() - interval '1 hour'"
            " from (select concentrator_id, incarnation, upper(received) - 1 as last from archive"
            "        where concentrator_id = %s for update) as b"
            " where (a.concentrator_id, a.incarnation) = (b.concentrator_id, b.incarnation)"
            " returning a.missing", [identity]).fetchall()
        lost = connection.execute(       # But for what has the last number.
            "with own as (select meter_id from meter where concentrator_id = %s)"
            " delete from reading where meter_id in (select meter_id from own) and captured_at <"
            "   (select max(captured_at) from reading natural join own)",
            [identity]).rowcount
    assert before > 1 and lost > 0


def _it_loses_power_while_the_networks_key_begins_to_change(mesh: Mesh) -> None:
    """Its relay does, too, and stays away: it finds another way."""
    street, far = mesh.street, mesh.plugs[FAR]
    mesh.before = mesh.network_keys(*NUMBERS)
    street.wait_for("a report of everybody", lambda: street.ask(
        "select 1 from mesh_station having count(*) = %s", MANY) or None, WAY_S)
    mesh.plugs[RELAY].lose()
    far.lose()
    code, said = network_key(street, "begin")           # It goes on while others are waited for.
    assert code == 0 and "0 of %d stations have it." % MANY in said, said + street.logs()
    far.return_cut()
    mesh.await_back(FAR)
    mesh.await_more("readings after cuts, around a relay that is dead", FAR)
    assert street.wait_for("a report of it", lambda: _parent(street, FAR, STANDBY), WAY_S)


def _its_gateway_loses_power_while_there_are_two_keys(mesh: Mesh) -> None:
    """It stays away until the one on standby has taken over, and then comes back with the relay,
    which has the old key alone.
    """
    street = mesh.street
    street.wait_for("the network's new key at the gateway", lambda: (
        "cabinet-1" not in network_key(street, "show")[1] or None), WAY_S)
    assert not mesh.plugs[STANDBY].says("opens its uplink")
    mesh.plugs[GATEWAY].lose()
    mesh.await_more("readings past the dead gateway", STANDBY, FAR)
    assert mesh.plugs[STANDBY].says("opens its uplink")
    _have_the_new_key(mesh, MANY - 1)
    code, said = network_key(street, "finish")
    assert code == 1 and "1 of 4 stations have not got" in said and "cabinet-3" in said
    for number in (RELAY, GATEWAY):
        mesh.plugs[number].return_cut()
    mesh.await_back(RELAY, GATEWAY)
    mesh.plugs[FAR].lose_once()
    mesh.await_back(FAR)
    mesh.await_more("readings between two keys", RELAY, GATEWAY, FAR)


def _have_the_new_key(mesh: Mesh, many: int) -> None:
    mesh.street.wait_for("the network's new key", lambda: stations_have(
        mesh.street, "%d of %d stations have it." % (many, MANY)), WAY_S)


def _the_old_key_ends(mesh: Mesh) -> None:
    street, before = mesh.street, mesh.before
    _have_the_new_key(mesh, MANY)
    assert len(before) == 1
    held = [mesh.network_keys(number) for number in NUMBERS]
    assert len(held[0]) == 2 and held == [held[0]] * MANY and before < held[0]
    code, said = network_key(street, "finish")
    assert code == 0, said
    street.wait_for("the end of the old key", lambda: stations_have(
        street, "%d of them and no other." % MANY), WAY_S)
    assert [mesh.network_keys(number) for number in NUMBERS] == [held[0] - before] * MANY
    mesh.await_more("readings by radio under the new key", FAR)


def _nothing_is_lost(mesh: Mesh) -> None:
    """What the archives accepted is in the database, once."""
    street = mesh.street
    street.wait_for("the answer to what was asked for", lambda: street.ask(
        "select 1 from gap_history where answered_at is not null") or None, WAY_S)
    street.wait_for("keys of their own in use", lambda: {
        "cabinet-1", "cabinet-%d" % FAR} <= _with_other_keys(street) or None, WAY_S)
    street.wait_for("every record", lambda: _is_whole(street) or None, WAY_S)
    newest = {bytes(name): int(last) for name, last in street.ask(  # type: ignore[call-overload]
        "select incarnation, upper(received + lost) - 1 from archive")}
    for number, plug in mesh.plugs.items():
        if number == STANDBY and mesh.is_on_linux:    # Whose power never went: it ends politely.
            street.end("edge-%d" % number)
        plug.stop()
    starts = [mesh.plugs[number].starts() for number in NUMBERS]
    assert [len(one) for one in starts] == [
        1 if number == STANDBY else CUTS + 2 + (number == FAR) for number in NUMBERS]
    assert {cause for one in starts for cause in one} == {POWER_ON}
    folders = street.archives()
    must, may = read_archives(folders, newest), read_archives(folders)
    print("%d rows, %d missed" % (must.rows, len(must.missed)))
    assert len(newest) == MANY and must.rows > MANY * METERS
    assert {key[0] for key in must.values} == {
        "WUM-%d%02d" % (number, meter) for number in NUMBERS
        for meter in range(1, METERS + 1)}
    assert differences(must, may, read_database(street.database_url)) == []
    assert street.ask("select count(*) from quarantine")[0][0] == 0
    assert who_told_of_it(street) == _names(NUMBERS), "it was carried out once by each"
    assert street.ask("select count(*) from mesh_station") == [(MANY,)]
    keys = street.cabinets[FAR - 1].keys
    assert not mesh.is_on_linux or not [name for name in ("uplink.key", "downlink.key",
                                                    "registration.cose")
                                  if (keys / name).exists()], "what the workbench made is gone"


def _names(numbers: range | tuple[int, ...]) -> list[str]:
    return ["cabinet-%d" % number for number in numbers]


def _with_other_keys(street: Street) -> set[object]:
    """Who has delivered under keys that are not of the workbench."""
    return {name for (name,) in street.ask(
        "select c.name from concentrator c join concentrator_epoch e using (concentrator_id)"
        " group by 1 having max(e.epoch) filter (where not isempty(e.uplink_seen)) > 0")}


def _parent(street: Street, address: int, wanted: int | None = None) -> object:
    found = street.ask("select parent from mesh_station where address = %s and parent > 0", address)
    return found[0][0] if found and wanted in (None, found[0][0]) else None


def _is_whole(street: Street) -> bool:
    """No number below the newest of any archive is missing."""
    return street.ask(
        "select count(*) from archive where received + lost <>"
        " int8multirange(int8range(1, upper(received + lost)))")[0][0] == 0
