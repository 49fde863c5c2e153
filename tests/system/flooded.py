"""An order that a street's mesh floods to all of its stations, as an operator gives it."""

import subprocess

from demo import mesh
from tests.system.street import Street
from wum_shared.status import EVENT_GROUP_ORDER


def order_reaches_all(street: Street, stations: int, report_s: float, event_s: float) -> None:
    """Whoever gives it is told that everybody has it, and everybody that it was carried out."""
    street.wait_for("a report of everybody", lambda: street.ask(
        "select 1 from mesh_station having count(*) = %s", stations) or None, report_s)
    order = street.place.root / "order"
    order.write_bytes(b"opaque to everybody on the way")
    given = subprocess.run(
        street.program("wum-cloud", "ripple", mesh.NAME, str(order), "--in", "8"),
        env=street.environment, capture_output=True, text=True, timeout=90)
    assert given.returncode == 0, given.stdout + given.stderr + street.logs()
    assert "%d of %d expected stations have it." % (stations, stations) in given.stdout
    # An event is a record like others: lost on its way it is sent again after a minute, then two.
    street.wait_for("word of the order from everybody",
                    lambda: len(who_told_of_it(street)) >= stations or None, event_s)


def who_told_of_it(street: Street) -> list[str]:
    """Names of the concentrators that say that it came, each as often as it says so."""
    return [name for (name,) in street.ask(  # type: ignore[misc]
        "select c.name from event e join concentrator c using (concentrator_id)"
        " where e.kind = %s order by 1", EVENT_GROUP_ORDER)]
