"""The newest mesh report of each concentrator, written in the transaction of ingest."""

from datetime import UTC, datetime, timedelta

from wum_cloud.database import Connection
from wum_cloud.ingest.replays import APART
from wum_cloud.registry.store import Sender
from wum_shared.mesh import MeshReport


async def take_reports(
        connection: Connection, reports: list[tuple[Sender, int, MeshReport]]) -> None:
    """Keep the newest of each; one that is older than what is there, or came before, is dropped.

    In the order of concentrators, so that parallel workers wait for one another in no circle.
    """
    newest = {sender.concentrator_id: (sender, counter, report)
              for sender, counter, report in sorted(reports, key=lambda one: one[1])}
    for number in sorted(newest):
        sender, counter, report = newest[number]
        if await _keep(connection, sender, counter, report):
            await _keep_links(connection, number, report)


async def _keep(
        connection: Connection, sender: Sender, counter: int, report: MeshReport) -> bool:
    """Whether it is newer than what was there. A new card counts from anywhere: replays.py."""
    cursor = await connection.execute(
        "insert into mesh_station as s (concentrator_id, network, address, epoch, counter,"
        "   reported_at, arrived_at, is_gateway, gateway, rank, parent, held, used_permille,"
        "   every_s, groups)"
        " values (%s, %s, %s, %s, %s, %s, now(), %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (concentrator_id) do update set network = excluded.network,"
        "   address = excluded.address, epoch = excluded.epoch, counter = excluded.counter,"
        "   reported_at = excluded.reported_at, arrived_at = excluded.arrived_at,"
        "   is_gateway = excluded.is_gateway, gateway = excluded.gateway, rank = excluded.rank,"
        "   parent = excluded.parent, held = excluded.held,"
        "   used_permille = excluded.used_permille, every_s = excluded.every_s,"
        "   groups = excluded.groups"
        " where s.epoch < excluded.epoch or s.epoch = excluded.epoch"
        "   and (s.counter < excluded.counter or s.counter > excluded.counter + %s)",
        [sender.concentrator_id, report.network, report.address, sender.epoch, counter,
         datetime.fromtimestamp(report.at_s, UTC), report.is_gateway, report.gateway, report.rank,
         report.parent, report.held, report.used_permille, report.every_s,
         list(report.groups), APART])
    return cursor.rowcount > 0


async def _keep_links(connection: Connection, number: int, report: MeshReport) -> None:
    await connection.execute("delete from mesh_link where concentrator_id = %s", [number])
    now = datetime.now(UTC)
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into mesh_link (concentrator_id, address, medium, quality, margin_q4,"
            "   heard_at) values (%s, %s, %s, %s, %s, %s)",
            [(number, link.address, link.medium, link.quality, link.margin_q4,
              now - timedelta(seconds=link.age_s)) for link in report.links])
