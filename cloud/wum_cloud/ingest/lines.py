"""What ingest's log says of a transaction: a line for each batch, and for each refusal's reason.

Written after COMMIT, so that a line says what is in the database: `batch_arrival` has the same
concentrator, incarnation and numbers. Left out: what is decided (accept.py).
"""

import logging
from collections import Counter

from wum_cloud.ingest.harvest import Harvest
from wum_cloud.logs import ids
from wum_shared.ids import batch_name, id_to_text

_log = logging.getLogger("wum_cloud.ingest.batch")


def write(harvest: Harvest) -> None:
    """Tell of what was committed."""
    if not _log.isEnabledFor(logging.INFO):
        return
    for taken in harvest.batches:
        heading = taken.accepted.heading
        _log.info("stored", extra=ids(
            concentrator=id_to_text(taken.sender.device_id),
            batch=batch_name(heading.incarnation, heading.first_sequence, heading.last_sequence),
            rows=sum([len(group) for group in taken.accepted.groups]),
            aside=taken.accepted.aside_records))
    for sender, heading, _, words in harvest.refused:
        _log.warning("set aside: %s", words, extra=ids(
            concentrator=id_to_text(sender.device_id),
            batch=batch_name(heading.incarnation, heading.first_sequence, heading.last_sequence)))
    nobodys = Counter([kept.aside.reason for kept in harvest.kept if kept.concentrator_id is None])
    for reason, n in nobodys.items():   # Anybody can cause these: a line for all of them.
        _log.warning("%d messages of nobody known set aside: %s", n, reason)
