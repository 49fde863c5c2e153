"""What the ledger is told of each batch: between which capture times its sequence numbers lie, and
what of it was refused.

Left out: rows, losses and hours (../store.py); what the ledger makes of it (reasons/store.py).
"""

from datetime import UTC, datetime

from wum_cloud.database import Connection
from wum_cloud.ingest.harvest import Harvest
from wum_cloud.ingest.moments import edges
from wum_cloud.reasons.names import REFUSED
from wum_cloud.reasons.store import Told, tell, tell_of_serials


async def note(connection: Connection, harvest: Harvest) -> None:
    """Inside the transaction that stores `harvest`."""
    await _note_batches(connection, harvest)
    own = []
    of_meters: dict[int, list[tuple[tuple[str, ...], Told]]] = {}
    for sender, heading, refusal, words in harvest.refused:
        told = Told(
            sender.concentrator_id, REFUSED, None, heading.incarnation, refusal.first_sequence,
            refusal.last_sequence, _utc(refusal.after_s), _utc(refusal.before_s), words)
        if refusal.serials is None:
            own.append(told)
        else:
            of_meters.setdefault(sender.tenant_id, []).append((refusal.serials, told))
    await tell(connection, own)
    for tenant, told_of in sorted(of_meters.items()):
        await tell_of_serials(connection, tenant, told_of)


async def _note_batches(connection: Connection, harvest: Harvest) -> None:
    rows = []
    for taken in harvest.batches:
        heading = taken.accepted.heading
        found = edges(taken.plan.schema, taken.accepted.groups, taken.accepted.missed)
        first_s, last_s = found if found is not None else (None, None)
        rows.append((taken.sender.concentrator_id, heading.incarnation, heading.first_sequence,
                     heading.last_sequence, first_s, last_s))
    if rows:
        await connection.execute(
            "insert into batch_arrival (concentrator_id, incarnation, first_sequence,"
            "   last_sequence, first_captured_at, last_captured_at)"
            " select a, b, c, d, to_timestamp(e), to_timestamp(f)"
            " from unnest(%s::integer[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[],"
            "   %s::bigint[]) as x (a, b, c, d, e, f) on conflict do nothing",
            [list(column) for column in zip(*sorted(rows, key=lambda row: row[:4]), strict=True)])


def _utc(at_s: int | None) -> datetime | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)
