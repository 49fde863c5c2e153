"""Four concentrators, two without an uplink of their own, of which one has to join, and one on
standby: the relay is killed, and then the gateway, and nothing is lost or comes twice.

The radio is simulated, in real time: modems on ptys, the air between them. Everything else is real.
"""

import subprocess
from pathlib import Path

from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import Street

_METERS = 2
_WAY_S, _AROUND_S, _GATEWAY_S = 120.0, 150.0, 240.0


def test_who_has_no_uplink_delivers_around_a_relay_and_a_gateway_that_die(
        tmp_path: Path) -> None:
    street = Street(tmp_path / "street", concentrators=4, meters=_METERS, has_mesh=True,
                    standby=(2,), guests=(4,))
    assert not (street.cabinets[3].keys / "mesh.key").exists()
    try:
        street.start()
        street.wait_for("readings of everybody", lambda: _meters(street) == 4 * _METERS or None,
                        _WAY_S)
        way = street.wait_for("a way over two hops", lambda: _parent(street, 4), _WAY_S)
        assert way == 3
        assert "admitted as station 4" in (street.place.logs / "edge-4.log").read_text()
        _shows_its_route(street)
        _the_relay_dies(street)
        _the_gateway_dies(street)
        street.restart("edge-3")
        street.restart("edge-1")
        _nothing_is_lost(street)
    finally:
        street.stop()


def _shows_its_route(street: Street) -> None:
    shown = subprocess.run(
        street.program("wum-edge", "mesh", "--config", str(street.cabinets[3].configuration)),
        capture_output=True, text=True, check=True, timeout=30).stdout
    assert "Route: station 3 towards gateway 1" in shown and "neighbour" in shown


def _the_relay_dies(street: Street) -> None:
    street.kill("edge-3")
    killed = street.ask("select now()")[0][0]
    street.wait_for("readings around the dead relay", lambda: _has_read(street, 4, killed),
                    _AROUND_S)
    assert street.wait_for("a report of it", lambda: _parent(street, 4, 2), _WAY_S) == 2


def _the_gateway_dies(street: Street) -> None:
    assert "gateway of the mesh" not in (street.place.logs / "edge-2.log").read_text()
    street.kill("edge-1")
    killed = street.ask("select now()")[0][0]
    for number in (2, 4):
        street.wait_for("readings past the dead gateway",
                        lambda number=number: _has_read(street, number, killed), _GATEWAY_S)
    assert "opens its uplink" in (street.place.logs / "edge-2.log").read_text()


def _nothing_is_lost(street: Street) -> None:
    """What the archives accepted is in the database, once."""
    restarted = street.ask("select now()")[0][0]
    for number in (1, 3):
        street.wait_for("readings of who is back",
                        lambda number=number: _has_read(street, number, restarted), _WAY_S)
    street.wait_for("every record", lambda: _is_whole(street) or None, _WAY_S)
    for cabinet in street.cabinets:
        street.end("edge-%d" % cabinet.number)
    newest = dict(street.ask("select incarnation, upper(received + lost) - 1 from archive"))
    folders = [cabinet.folder / "archive" for cabinet in street.cabinets]
    must, may = read_archives(folders, newest), read_archives(folders)
    assert len(newest) == 4 and must.rows > 4 * _METERS
    assert differences(must, may, read_database(street.database_url)) == []
    assert street.ask("select count(*) from quarantine")[0][0] == 0


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
