"""What an updater says, and when: its standing when it changed or is waited for, and what it wants.

Portable. Left out: sealing and sending (whoever gives `say`).
"""

from wum_edge.clock import Clock
from wum_edge.update.updater import Updater
from wum_shared import cose, updates
from wum_shared.cipher import Signer
from wum_shared.topics import STANDING, WANT
from wum_shared.updates import Standing, Want

WAITING_MS = 60_000           # While the head-end's word is waited for,
FETCHING_MS = 900_000         # while pieces come,
QUIET_MS = 86_400_000         # and when there is nothing to be done.
ASK_MS = 30_000               # Pieces that did not come are asked for again.
ANEW_MS = 20_000              # What was signed and not taken is old then.

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class Courier:
    """Speaks for one updater; a standing is signed by the identity of `seed`, named `kid`."""

    def __init__(self, updater: Updater, clock: Clock, signer: Signer, seed: bytes,
                 kid: bytes) -> None:
        self._updater = updater
        self._clock = clock
        self._signer = signer
        self._seed, self._kid = seed, kid
        self._told: tuple[object, ...] = ()
        self._tell_ms = self._ask_ms = clock.monotonic_ms()
        self._asked: Want | None = None
        self._signed: tuple[tuple[object, ...], int, bytes] | None = None

    def tick(self, say: "Callable[[str, bytes], bool]", is_fed: bool = False) -> None:
        """Say by `say` (stream, plaintext), which may refuse, what is due; `is_fed`: the pieces
        come from neighbours, and are not asked for.
        """
        now_ms = self._clock.monotonic_ms()
        standing = self._updater.standing()
        what = (standing.state, standing.sequence, standing.assignment, standing.nonce,
                standing.note, standing.trust)
        if what != self._told or now_ms >= self._tell_ms:
            if not say(STANDING, self._signed_of(standing, what, now_ms)):
                return
            self._told, self._tell_ms = what, now_ms + _pace(standing)
        want = self._updater.want()
        if want is None or is_fed or want == self._asked and now_ms < self._ask_ms:
            return
        if say(WANT, updates.encode_want(want)):
            self._asked, self._ask_ms = want, now_ms + ASK_MS

    def _signed_of(self, standing: Standing, what: tuple[object, ...], now_ms: int) -> bytes:
        """Signed once for all the times that nobody takes it: a board needs a while for it."""
        kept = self._signed
        if kept is None or kept[0] != what or now_ms >= kept[1]:
            kept = self._signed = (what, now_ms + ANEW_MS, cose.sign(
                self._signer, self._seed, self._kid, updates.encode_standing(standing)))
        return kept[2]


def _pace(standing: Standing) -> int:
    if standing.state in (updates.STAGED, updates.TRIAL):
        return WAITING_MS
    return FETCHING_MS if standing.state == updates.FETCHING else QUIET_MS
