"""Which of the missing records one request asks for, when it may be repeated, and what it becomes.

Pure: no database, no broker, no clock. Left out: what is missing (store.py), when (asking.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wum_cloud.ingest.downlink import request_number
from wum_cloud.registry.store import Sender
from wum_shared import cose, topics
from wum_shared.cipher import Cipher
from wum_shared.gaps import (
    NUMBERS_MAX,
    RANGES_MAX,
    SPAN_MAX_S,
    GapRange,
    GapRequest,
    encode_gap_request,
)
from wum_shared.messages import DirectionKey

AGAIN_LEAST_S = 60              # To one concentrator at most a request in so long,
AGAIN_MOST_S = 86400            # and for the same ranges ever more seldom, up to once a day.
PATIENCE_S = 120                # Gaps that stay as they are for so long do not close by themselves.
CONTACT_S = 5400                # Who has not been heard for so long is not asked: hourly ones are.
SENT_TIMES = 3                  # Sent so often and still not there: it is not asked for any more.


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a concentrator is to be asked for. `ranges` are what it was asked for last."""

    sender: Sender
    ranges: tuple[GapRange, ...]
    tries: int
    holes: tuple[tuple[bytes, int, int], ...]   # Incarnation, first and last number.
    spans: tuple[tuple[str, int, int], ...]     # Serial, first and last second.


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to be noted and sent; `tries` for the same, this one included."""

    sender: Sender
    ranges: tuple[GapRange, ...]
    tries: int

    @property
    def again_s(self) -> int:
        """How long not to ask again."""
        return min(AGAIN_LEAST_S << min(self.tries - 1, 20), AGAIN_MOST_S)


def ask_for(wanted: Wanted) -> Ask | None:
    """The next request; None where nothing is missing.

    By number first: what is missing by time may come with it.
    """
    ranges = tuple(_by_number(wanted.holes) or _by_time(wanted.spans))
    if not ranges:
        return None
    return Ask(wanted.sender, ranges, wanted.tries + 1 if ranges == wanted.ranges else 1)


def _by_number(holes: Sequence[tuple[bytes, int, int]]) -> list[GapRange]:
    found: list[GapRange] = []
    left = NUMBERS_MAX
    for incarnation, first, last in holes[:RANGES_MAX]:
        if left:
            found.append(GapRange(incarnation, first, min(last, first + left - 1)))
            left -= 1 + found[-1].last - first
    return found


def _by_time(spans: Sequence[tuple[str, int, int]]) -> list[GapRange]:
    """Neighbouring spans of a meter as one; a day or more as several."""
    found: list[GapRange] = []
    for serial, first, last in spans:
        before = found[-1] if found else None
        if before is not None and (before.of, before.last + 1) == (serial, first) and (
                last - before.first < SPAN_MAX_S):
            found[-1] = GapRange(serial, before.first, last)
        elif len(found) == RANGES_MAX:
            break
        else:
            found.append(GapRange(serial, first, min(last, first + SPAN_MAX_S - 1)))
    return found


def encoded(ask: Ask, number: int) -> bytes:
    """The opened request."""
    return encode_gap_request(GapRequest(ask.sender.device_id, number, ask.ranges))


def sealed(cipher: Cipher, key: DirectionKey, ask: Ask, counter: int) -> tuple[str, bytes]:
    """(topic, message). `counter` was reserved for it, and gives it its number."""
    sender = ask.sender
    message = cose.seal(
        cipher, key, cose.key_id(sender.device_id, sender.epoch), counter,
        encoded(ask, request_number(counter)), topics.DOWN, sender.tenant, topics.REQUEST)
    return topics.topic(sender.device_id, topics.DOWN, topics.REQUEST), message
