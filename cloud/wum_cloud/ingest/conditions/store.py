"""The newest condition of each concentrator, written in the transaction of ingest."""

from datetime import UTC, datetime

from wum_cloud.database import Connection
from wum_cloud.ingest.replays import APART
from wum_cloud.registry.store import Sender
from wum_shared.condition import FLASH_TAKES, Condition


async def take_conditions(
        connection: Connection, told: list[tuple[Sender, int, Condition]]) -> None:
    """Keep the newest of each; one that is older than what is there, or came before, is dropped.

    Counters of a new card begin anywhere (replays.py): only near ones tell which is older. In the
    order of concentrators, so that parallel workers wait for one another in no circle.
    """
    for sender, counter, one in sorted(told, key=lambda one: (one[0].concentrator_id, one[1])):
        await connection.execute(
            "insert into concentrator_condition as c (concentrator_id, epoch, counter, told_at,"
            "   arrived_at, time_quality, flash, flash_since, waiting, given_up, behind_s)"
            " values (%s, %s, %s, %s, now(), %s, %s, now() - make_interval(secs => %s), %s, %s, %s)"
            " on conflict (concentrator_id) do update set epoch = excluded.epoch,"
            "   counter = excluded.counter, told_at = excluded.told_at,"
            "   arrived_at = excluded.arrived_at, time_quality = excluded.time_quality,"
            "   flash = excluded.flash, flash_since = excluded.flash_since,"
            "   waiting = excluded.waiting, given_up = excluded.given_up,"
            "   behind_s = excluded.behind_s"
            " where c.epoch < excluded.epoch or c.epoch = excluded.epoch"
            "   and (c.counter < excluded.counter or c.counter > excluded.counter + %s)",
            [sender.concentrator_id, sender.epoch, counter, datetime.fromtimestamp(one.at_s, UTC),
             one.quality, one.flash, None if one.flash == FLASH_TAKES else one.flash_for_s,
             one.waiting, one.given_up, one.behind_s, APART])
