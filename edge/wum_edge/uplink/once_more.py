"""A batch sent once more, built again from the archive. Left out: its first time (batch.py)."""

from wum_edge.archive.ring import Archive
from wum_edge.uplink.basis import Basis
from wum_edge.uplink.batch import build_again, build_gap, build_lost
from wum_edge.uplink.flight import Flight
from wum_edge.uplink.lanes import ASKED, LIVE
from wum_shared.status import LOST_DAMAGED


def opened_again(
        archive: Archive, flight: Flight, basis: Basis, now_ms: int,
) -> tuple[bytes, bytes] | None:
    """The opened batch and its digest.

    None where what was asked for is gone meanwhile: the next request hears why. Raises OSError.
    """
    if flight.as_lost:
        built = build_lost(archive, flight.first, flight.last, flight.schema_id, LOST_DAMAGED)
    elif flight.lane == ASKED:
        whole, lost = build_gap(archive, flight.first, flight.last)
        if whole is None or lost:
            return None
        built = whole
    else:
        again = build_again(archive, flight.first, flight.last,
                            basis if flight.lane == LIVE else None, now_ms)
        assert again is not None and again.last_sequence == flight.last
        built = again
    flight.schema_id = built.schema_id
    return built.opened, built.digest
