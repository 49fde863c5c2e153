"""Four concentrators, two without an uplink of their own: a relay is killed, and nothing is lost.

The radio is simulated, in real time: modems on ptys, the air between them. Everything else is real.
"""

import subprocess
from pathlib import Path

from tests.system.street import Street

_METERS = 2
_WAY_S, _AROUND_S = 120.0, 150.0


def test_who_has_no_uplink_delivers_through_the_mesh_and_around_a_relay_that_dies(
        tmp_path: Path) -> None:
    street = Street(tmp_path / "street", concentrators=4, meters=_METERS, has_mesh=True)
    try:
        street.start()
        street.wait_for("readings of everybody", lambda: _meters(street) == 4 * _METERS or None,
                        _WAY_S)
        way = street.wait_for("a way over two hops", lambda: _parent(street, 4), _WAY_S)
        assert way == 3
        shown = subprocess.run(
            street.program("wum-edge", "mesh", "--config", str(street.cabinets[3].configuration)),
            capture_output=True, text=True, check=True, timeout=30).stdout
        assert "Route: station 3 towards gateway 1" in shown and "neighbour" in shown
        street.kill("edge-3")
        killed = street.ask("select now()")[0][0]
        street.wait_for("readings around the dead relay", lambda: street.ask(
            "select 1 from meter_state m join concentrator c using (concentrator_id)"
            " where c.name = 'cabinet-4' and m.last_captured_at > %s limit 1", killed) or None,
            _AROUND_S)
        assert street.wait_for("a report of it", lambda: _parent(street, 4, 2), _WAY_S) == 2
        street.restart("edge-3")
        street.wait_for("the relay's own readings", lambda: street.ask(
            "select 1 from meter_state m join concentrator c using (concentrator_id)"
            " where c.name = 'cabinet-3' and m.last_captured_at > %s limit 1", killed) or None,
            _WAY_S)
        street.wait_for("every record", lambda: _is_whole(street) or None, _WAY_S)
        assert street.ask("select count(*) from quarantine")[0][0] == 0
    finally:
        street.stop()


def _meters(street: Street) -> object:
    return street.ask("select count(*) from meter_state where last_captured_at is not null")[0][0]


def _parent(street: Street, address: int, wanted: int | None = None) -> object:
    found = street.ask("select parent from mesh_station where address = %s and parent > 0", address)
    return found[0][0] if found and wanted in (None, found[0][0]) else None


def _is_whole(street: Street) -> bool:
    """No number below the newest of any archive is missing."""
    return street.ask(
        "select count(*) from archive where received + lost <>"
        " int8multirange(int8range(1, upper(received + lost)))")[0][0] == 0
