"""The life of a command: a table of states and events. Nothing is said that is not known.

    requested -> approved -> sent -> received -> done, failed
                                  -> unknown -> done, failed, expired, when the truth comes late

*Expired* is said only of what nobody can have carried out: never sent, or refused by the
concentrator itself, on record, for its time. What was sent and not answered in its time is
*unknown*, until the concentrator says, under its signature. Left out: SQL and sending.
"""

from wum_shared import orders

REQUESTED, APPROVED, SENT, RECEIVED = "requested", "approved", "sent", "received"
DONE, FAILED, EXPIRED, UNKNOWN = "done", "failed", "expired", "unknown"
WITHDRAWN = "withdrawn"          # By a person, before anything was sent.
STATES = (REQUESTED, APPROVED, SENT, RECEIVED, DONE, FAILED, EXPIRED, UNKNOWN, WITHDRAWN)
OVER = (DONE, FAILED, EXPIRED, WITHDRAWN)          # No event changes these.
ASKED_ABOUT = (SENT, RECEIVED, UNKNOWN)            # Sent again, which asks what became of it.

APPROVE, WITHDRAW, SEND, TIME_OVER = "approve", "withdraw", "send", "time over"

_OF_PEOPLE = {
    REQUESTED: {APPROVE: APPROVED, WITHDRAW: WITHDRAWN, TIME_OVER: EXPIRED},
    APPROVED: {SEND: SENT, WITHDRAW: WITHDRAWN, TIME_OVER: EXPIRED},
    SENT: {SEND: SENT, TIME_OVER: UNKNOWN},
    RECEIVED: {SEND: RECEIVED, TIME_OVER: UNKNOWN},
    UNKNOWN: {SEND: UNKNOWN, TIME_OVER: UNKNOWN},
}


def after(state: str, event: str) -> str | None:
    """The state after what a person or the clock did; None where that cannot be."""
    return _OF_PEOPLE.get(state, {}).get(event)


def told(state: str, receipt: orders.Receipt) -> str:
    """The state after a genuine receipt of one of the command's orders."""
    if state not in ASKED_ABOUT:
        return state                 # Over; and nobody can have a receipt for what was not sent.
    if receipt.state == orders.DONE:
        return DONE
    if receipt.state == orders.FAILED:
        return FAILED
    if receipt.state == orders.REFUSED:
        return EXPIRED if receipt.reason == orders.EXPIRED else FAILED
    if receipt.state == orders.UNKNOWN:
        return UNKNOWN
    if receipt.state == orders.RECEIVED and state == SENT:
        return RECEIVED
    return state                     # To be given again: it was not taken.
