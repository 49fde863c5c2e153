"""Mesh reports: the newest counts, what comes late or damaged changes nothing."""

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd
from wum_cloud.ingest.quarantine.entries import UNDECODABLE
from wum_shared import topics
from wum_shared.mesh import RADIO, WIRE, MeshLink, MeshReport, encode_mesh_report

LINKS = (MeshLink(3, RADIO, 94, 41, 20), MeshLink(9, WIRE, 99, 0, 1))


def report(parent: int, links: tuple[MeshLink, ...] = LINKS) -> bytes:
    return encode_mesh_report(MeshReport(
        0x57A1, 7, 1760000000, False, 1, 106, parent, 12, 41, 900, links, (0, 7)))


async def test_the_newest_report_stands_and_an_older_one_changes_nothing(
        head_end: HeadEnd) -> None:
    concentrator = Concentrator()
    await head_end.register(concentrator)
    first = concentrator.send(report(3), topics.MESH)
    second = concentrator.send(report(9, LINKS[1:]), topics.MESH)
    assert await head_end.take(second) == []
    assert await head_end.take(first, second) == []
    assert head_end.ask(
        "select network, address, parent, rank, held, used_permille, every_s, is_gateway"
        " from mesh_station") == [(0x57A1, 7, 9, 106, 12, 41, 900, False)]
    assert head_end.ask("select groups from mesh_station") == [[0, 7]]
    assert head_end.ask("select address, medium, quality, margin_q4 from mesh_link") == [
        (9, 1, 99, 0)]
    third = concentrator.send(report(3), topics.MESH)
    await head_end.take(third)
    assert head_end.ask("select parent from mesh_station") == [3]
    assert head_end.ask("select address, now() - heard_at < interval '30 s' from mesh_link"
                        " order by address") == [(3, True), (9, True)]
    assert head_end.quarantined() == []


async def test_a_new_card_whose_counters_begin_lower_is_heard(head_end: HeadEnd) -> None:
    concentrator = Concentrator(counter=2**54)
    await head_end.register(concentrator)
    await head_end.take(concentrator.send(report(3), topics.MESH))
    concentrator.counter = 2**40
    await head_end.take(concentrator.send(report(9), topics.MESH))
    assert head_end.ask("select parent from mesh_station") == [9]


async def test_a_damaged_report_is_set_aside_and_a_batch_beside_it_is_not(
        head_end: HeadEnd) -> None:
    concentrator = Concentrator()
    await head_end.register(concentrator)
    await head_end.take(concentrator.send_schema())
    answers = await head_end.take(
        concentrator.send(report(3)[:-1], topics.MESH), concentrator.send_rows(concentrator.row()))
    assert len(answers) == 1 and head_end.quarantined() == [UNDECODABLE]
    assert head_end.ask("select count(*) from mesh_station") == [0]


async def test_one_cannot_report_for_another(head_end: HeadEnd) -> None:
    concentrator, other = Concentrator(), Concentrator()
    await head_end.register(concentrator, other)
    sent = concentrator.send(report(3), topics.MESH)
    forged = type(sent)(topics.topic(other.id, topics.UP, topics.MESH), sent.payload,
                        sent.session, sent.message_id, sent.qos)
    await head_end.take(forged)
    assert head_end.ask("select count(*) from mesh_station") == [0]
