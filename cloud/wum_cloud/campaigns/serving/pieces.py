"""Which pieces go to whom now: those that are wanted, and were not sent a moment ago. No I/O.

A concentrator asks again with every piece that comes, and all of what it lacks each time; so only a
few messages are on their way to one at once, and none is sent twice within AGAIN_S.
"""

from collections.abc import Callable

from wum_shared.updates import PIECES_MAX, Want

ON_THE_WAY_MAX = 60           # Pieces to one concentrator: 60 KiB, four messages.
AGAIN_S = 20.0                # It asks again after 30 seconds for what did not come.
ASKING_MAX = 5000             # Concentrators that are remembered; then all is forgotten.


class OnTheWay:
    """What was sent to whom; one process's."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._sent: dict[tuple[int, bytes, int], dict[int, float]] = {}

    def next_of(self, concentrator_id: int, want: Want) -> list[tuple[int, int]]:
        """(first place, count) of the messages that are to be sent; they count as sent."""
        if len(self._sent) >= ASKING_MAX:
            self._sent.clear()
        now_s = self._monotonic_s()
        key = (concentrator_id, want.digest, want.part)
        sent = {place: at_s for place, at_s in self._sent.get(key, {}).items()
                if now_s - at_s < AGAIN_S and any(
                    first <= place < first + count for first, count in want.ranges)}
        messages: list[tuple[int, int]] = []
        for first, count in want.ranges:
            for place in range(first, first + count):
                if len(sent) >= ON_THE_WAY_MAX:
                    break
                if place in sent:
                    continue
                sent[place] = now_s
                if messages and sum(messages[-1]) == place and messages[-1][1] < PIECES_MAX:
                    messages[-1] = (messages[-1][0], messages[-1][1] + 1)
                else:
                    messages.append((place, 1))
        self._sent[key] = sent
        return messages
