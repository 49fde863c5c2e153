"""When a station reports, and what."""

from tests.edge.mesh.test_wire import MINUTE_US, WiredAir
from wum_edge.carry.reporting import CHANGED_MS, Reporting, report_of
from wum_shared.mesh import NOBODY, RADIO, WIRE, decode_mesh_report, encode_mesh_report


def test_a_report_tells_way_and_neighbours():
    air = WiredAir({1}, [(1, 2), (3, 4)], [(2, 3)])
    air.run(2 * MINUTE_US)
    own = report_of(air.relays[3], 7, air.now, 1760000000, 900)
    assert decode_mesh_report(encode_mesh_report(own)) == own
    assert (own.address, own.parent, own.gateway, own.is_gateway) == (3, 2, 1, False)
    assert {link.address: link.medium for link in own.links} == {2: WIRE, 4: RADIO}
    assert max([link.age_s for link in own.links]) <= 120
    gateway = report_of(air.relays[1], 7, air.now, 1760000000, 900)
    assert gateway.is_gateway and gateway.parent == NOBODY and gateway.rank == 0


def test_one_without_a_way_has_no_gateway():
    air = WiredAir(set(), [(1, 2)], [])
    air.run(MINUTE_US)
    alone = report_of(air.relays[1], 7, air.now, 0, 900)
    assert (alone.gateway, alone.parent, alone.rank) == (NOBODY, NOBODY, 65535)
    assert decode_mesh_report(encode_mesh_report(alone)) == alone


def test_reports_come_regularly_and_soon_after_a_change():
    air = WiredAir({1}, [(1, 2)], [])
    relay = air.relays[2]
    times = Reporting(900_000, 0)
    assert times.is_due(relay, 0)                # The way that it begins with is news.
    times.sent(0)
    assert not times.is_due(relay, 899_999) and times.is_due(relay, 900_000)
    times.sent(900_000)
    air.run(2 * MINUTE_US)
    assert relay.gradient.parent == 1
    assert not times.is_due(relay, 900_000 + CHANGED_MS - 1)
    assert times.is_due(relay, 900_000 + CHANGED_MS)
