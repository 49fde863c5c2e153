"""What serving asks of the database beside campaigns/store.py: identities, keys' counters,
rolls."""

from typing import Protocol

from wum_cloud.database import Connection


class Counters(Protocol):
    """Message counters of the downlink: ingest/downlink.py."""

    def check(self, key: tuple[int, int], before: int) -> None: ...
    def first(self, key: tuple[int, int], last: int, messages: int) -> int | None: ...


async def counters(
        connection: Connection, downlink: Counters, concentrator_id: int, epoch: int,
        messages: int) -> int | None:
    """The first of so many message counters, reserved as those of acknowledgements are."""
    row = await (await connection.execute(
        "with locked as ("
        "   select downlink_count as before from concentrator_epoch"
        "    where concentrator_id = %(c)s and epoch = %(e)s for no key update)"
        " update concentrator_epoch e set downlink_count = next_downlink_count(l.before, %(n)s)"
        "   from locked l where e.concentrator_id = %(c)s and e.epoch = %(e)s"
        " returning l.before, e.downlink_count",
        {"c": concentrator_id, "e": epoch, "n": messages})).fetchone()
    assert row is not None
    downlink.check((concentrator_id, epoch), row[0])
    return downlink.first((concentrator_id, epoch), row[1], messages)


async def roll(connection: Connection, tenant: int, digest: bytes) -> bytes | None:
    """A roll, whole: it is a page; None where there is none such."""
    row = await (await connection.execute(
        "select body from update_roll where tenant_id = %s and digest = %s",
        [tenant, digest])).fetchone()
    return None if row is None else bytes(row[0])
