"""What is done when a command's turn comes, and what a receipt changes. Pure: no clock, no SQL."""

from dataclasses import dataclass

from wum_cloud.commands import states
from wum_shared import orders
from wum_shared.orders import Receipt

AGAIN_S = (5, 10, 20, 40, 80, 160, 300)      # Until it is sent once more, by how often it was.
ASK_S = 900                  # Once its time is over,
ASK_FOR_S = 30 * 86400       # and for so long; then ever more seldom.
GRACE_S = 90                 # After its time, before what was sent counts as unknown.
RETRY_S = 20                 # Where flash refuses, or too many wait.


@dataclass(frozen=True, slots=True)
class Turn:
    """The state from now on, when to look again, and whether to sign anew and to send."""

    state: str
    again_s: int
    is_signed: bool
    is_sent: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """The state from now on, and whether to look at it in `hurry_s`; None: no sooner than planned.
    `is_again`: then it is signed anew. `is_challenge`: the challenge is good to be used.
    """

    state: str
    hurry_s: int | None
    is_again: bool
    is_challenge: bool


def turn(state: str, past_s: float, sent: int, *, is_signed: bool, is_again: bool) -> Turn:
    """A command's turn, `past_s` seconds after its time was over (negative: before)."""
    if state in (states.REQUESTED, states.APPROVED) and past_s >= 0:
        return Turn(_moved(state, states.TIME_OVER), ASK_S, False, False)
    if state == states.REQUESTED:
        return Turn(state, max(1, int(-past_s)), False, False)
    to_sign = past_s < 0 and (is_again or not is_signed)
    if past_s < GRACE_S:
        again_s = AGAIN_S[min(sent, len(AGAIN_S) - 1)]
        return Turn(_moved(state, states.SEND), again_s, to_sign, True)
    again_s = ASK_S if past_s < ASK_FOR_S else 10 * ASK_FOR_S
    return Turn(_moved(state, states.TIME_OVER), again_s, False, True)


def heard(state: str, receipt: Receipt, *, is_newest: bool, is_in_time: bool) -> Heard:
    """A genuine receipt of one of the command's orders; `is_newest`: of the one signed last."""
    after = states.told(state, receipt)
    is_challenge = receipt.state == orders.AGAIN or receipt.reason == orders.EXPIRED
    hurry_s, is_again = None, False
    if receipt.state == orders.AGAIN and is_newest and is_in_time and after not in states.OVER:
        is_again = receipt.reason == orders.PROVE_FRESH
        hurry_s = 0 if is_again else RETRY_S
    return Heard(after, hurry_s, is_again, is_challenge)


def _moved(state: str, event: str) -> str:
    after = states.after(state, event)
    assert after is not None, "%s in state %s" % (event, state)
    return after
