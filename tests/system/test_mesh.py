"""Four concentrators, two without an uplink of their own, of which one has to join, and one on
standby: an order to all goes through, the head-end loses what it had of one behind the mesh, the
relay is killed, and then the gateway, keys change meanwhile through the mesh too, those of each and
the one of its network, while the relay is away, and nothing is lost or comes twice.

The radio is simulated, in real time: modems on ptys, the air between them. Everything else is real.
"""

import subprocess
from pathlib import Path

import psycopg

from tests.services.listening import reachable
from tests.system.flooded import order_reaches_all, who_told_of_it
from tests.system.ledger import differences, read_archives, read_database
from tests.system.network_keys import network_key, stations_have
from tests.system.street import Street

_METERS = 2
_WAY_S, _AROUND_S, _GATEWAY_S = 120.0, 240.0, 240.0
_EPOCH_S = 30               # So that others are there before anything dies.


def test_who_has_no_uplink_delivers_around_a_relay_and_a_gateway_that_die(
        tmp_path: Path) -> None:
    street = Street(tmp_path / "street", concentrators=4, meters=_METERS, has_mesh=True,
                    standby=(2,), guests=(4,), epoch_s=_EPOCH_S)
    assert not (street.cabinets[3].keys / "mesh.key").exists()
    try:
        street.start()
        street.wait_for("readings of everybody", lambda: _meters(street) == 4 * _METERS or None,
                        _WAY_S)
        way = street.wait_for("a way over two hops", lambda: _parent(street, 4), _WAY_S)
        assert way == 3
        assert "admitted as station 4" in (street.place.logs / "edge-4.log").read_text()
        _shows_its_route(street)
        order_reaches_all(street, 4, _WAY_S, _GATEWAY_S)
        _the_head_end_loses_what_it_had(street, 4)
        before = _network_keys(street)
        _the_relay_dies(street)
        _the_gateway_dies(street)
        _the_networks_key_has_changed_without_the_relay(street)
        street.restart("edge-3")
        street.restart("edge-1")
        _the_old_key_ends_when_the_relay_has_the_new_one(street, before)
        _nothing_is_lost(street)
    finally:
        street.stop()


def _shows_its_route(street: Street) -> None:
    shown = subprocess.run(
        street.program("wum-edge", "mesh", "--config", str(street.cabinets[3].configuration)),
        capture_output=True, text=True, check=True, timeout=180).stdout
    assert "Route: station 3 towards gateway 1" in shown and "neighbour" in shown
    doors = {door.split(" ")[0] + " " + Path(door.split(" ")[1]).name
             for door in reachable(street.pid("edge-4"))}
    assert doors == {"unix mesh-status", *(
        "serial " + link.resolve().name
        for link in (street.cabinets[3].bus, street.cabinets[3].modem))}


def _the_head_end_loses_what_it_had(street: Street, number: int) -> None:
    """And knows by the numbers that it has, so that it asks for the rest through the mesh."""
    with psycopg.connect(street.database_url) as connection:
        ((identity,),) = connection.execute(
            "select concentrator_id from concentrator where name = %s",
            ["cabinet-%d" % number]).fetchall()
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


def _the_relay_dies(street: Street) -> None:
    street.kill("edge-3")
    killed = street.ask("select now()")[0][0]
    code, said = network_key(street, "begin")           # It goes on while others are waited for.
    assert code == 0 and "0 of 4 stations have it." in said, said + street.logs()
    street.wait_for("readings around the dead relay", lambda: _has_read(street, 4, killed),
                    _AROUND_S)
    assert street.wait_for("a report of it", lambda: _parent(street, 4, 2), _WAY_S) == 2


def _the_gateway_dies(street: Street) -> None:
    assert "gateway of the mesh" not in (street.place.logs / "edge-2.log").read_text()
    street.wait_for("the network's new key at the gateway", lambda: (
        "cabinet-1" not in network_key(street, "show")[1] or None), _WAY_S)
    street.kill("edge-1")
    killed = street.ask("select now()")[0][0]
    for number in (2, 4):
        street.wait_for("readings past the dead gateway",
                        lambda number=number: _has_read(street, number, killed), _GATEWAY_S)
    assert "opens its uplink" in (street.place.logs / "edge-2.log").read_text()


def _network_keys(street: Street) -> set[str]:
    """The lines of keys that stations hold: of the network's own, one or two."""
    return {line for cabinet in street.cabinets
            for line in (cabinet.keys / "mesh.key").read_text().splitlines() if "key = " in line}


def _the_networks_key_has_changed_without_the_relay(street: Street) -> None:
    street.wait_for("a new key of the network at all that are there",
                    lambda: stations_have(street, "3 of 4 stations have it."), _GATEWAY_S)
    code, said = network_key(street, "finish")
    assert code == 1 and "1 of 4 stations have not got" in said and "cabinet-3" in said


def _the_old_key_ends_when_the_relay_has_the_new_one(street: Street, before: set[str]) -> None:
    """It was away all the time, and has the old key alone: its neighbours understand it."""
    street.wait_for("the new key at the relay",
                    lambda: stations_have(street, "4 of 4 stations have it."), _GATEWAY_S)
    assert len(before) == 1 and len(_network_keys(street)) == 2
    code, said = network_key(street, "finish")
    assert code == 0, said
    street.wait_for("the end of the old key",
                    lambda: stations_have(street, "4 of them and no other."), _GATEWAY_S)
    after = _network_keys(street)
    assert len(after) == 1 and not after & before


def _nothing_is_lost(street: Street) -> None:
    """What the archives accepted is in the database, once."""
    restarted = street.ask("select now()")[0][0]
    for number in (1, 3):
        street.wait_for("readings of who is back",
                        lambda number=number: _has_read(street, number, restarted), _WAY_S)
    street.wait_for("the answer to what was asked for", lambda: street.ask(
        "select 1 from gap_history where answered_at is not null") or None, _WAY_S)
    street.wait_for("keys of another epoch in use behind the mesh",
                    lambda: "cabinet-4" in _with_other_keys(street) or None, _GATEWAY_S)
    street.wait_for("every record", lambda: _is_whole(street) or None, _WAY_S)
    for cabinet in street.cabinets:
        street.end("edge-%d" % cabinet.number)
    newest = dict(street.ask("select incarnation, upper(received + lost) - 1 from archive"))
    folders = [cabinet.folder / "archive" for cabinet in street.cabinets]
    must, may = read_archives(folders, newest), read_archives(folders)
    keys = street.cabinets[3].keys
    assert not [name for name in ("uplink.key", "downlink.key", "registration.cose")
                if (keys / name).exists()], "what the workbench made is gone"
    assert len(newest) == 4 and must.rows > 4 * _METERS
    assert differences(must, may, read_database(street.database_url)) == []
    assert street.ask("select count(*) from quarantine")[0][0] == 0
    assert who_told_of_it(street) == ["cabinet-%d" % number for number in (1, 2, 3, 4)]


def _with_other_keys(street: Street) -> list[object]:
    """Who has delivered under keys that are not of the workbench."""
    return [name for (name,) in street.ask(
        "select c.name from concentrator c join concentrator_epoch e using (concentrator_id)"
        " group by 1 having max(e.epoch) filter (where not isempty(e.uplink_seen)) > 0")]


def _meters(street: Street) -> object:
    return street.ask("select count(*) from meter_state where last_captured_at is not null")[0][0]


def _has_read(street: Street, number: int, after: object) -> object:
    return street.ask(
        "select 1 from meter_state m join concentrator c using (concentrator_id)"
        " where c.name = %s and m.last_captured_at > %s limit 1",
        "cabinet-%d" % number, after) or None


def _parent(street: Street, address: int, wanted: int | None = None) -> object:
    found = street.ask("select parent from mesh_station where address = %s and parent > 0", address)
    return found[0][0] if found and wanted in (None, found[0][0]) else None


def _is_whole(street: Street) -> bool:
    """No number below the newest of any archive is missing."""
    return street.ask(
        "select count(*) from archive where received + lost <>"
        " int8multirange(int8range(1, upper(received + lost)))")[0][0] == 0
