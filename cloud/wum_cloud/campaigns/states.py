"""States of a campaign and of its members, and the records that the decision core works on.

Of a member only what the concentrator itself reported counts: a release is there when it says,
under its signature, that it runs it. Pure.
"""

from dataclasses import dataclass

# Of a campaign.
REQUESTED, RUNNING, PAUSED = "requested", "running", "paused"
DONE, STOPPED, ABORTED, WITHDRAWN = "done", "stopped", "aborted", "withdrawn"
CAMPAIGN_STATES = (REQUESTED, RUNNING, PAUSED, DONE, STOPPED, ABORTED, WITHDRAWN)
LOOKED_AT = (RUNNING, PAUSED, DONE, STOPPED, ABORTED)     # The last three: who speaks late.

# Of a member.
WAITING, ORDERED, FETCHING, STAGED, TRIAL = "waiting", "ordered", "fetching", "staged", "trial"
CONFIRMED = "confirmed"       # It runs; whether it reads as before is not known yet.
GOOD, SKIPPED, FAILED = "good", "already there", "failed"
RETURNING, RETURNED = "going back", "back"
LEFT = "left out"             # The campaign ended before it was this one's turn, or within.
MEMBER_STATES = (WAITING, ORDERED, FETCHING, STAGED, TRIAL, CONFIRMED, GOOD, SKIPPED, FAILED,
                 RETURNING, RETURNED, LEFT)
ACTIVE = (ORDERED, FETCHING, STAGED, TRIAL)
OVER = (GOOD, SKIPPED, FAILED, RETURNED, LEFT)


@dataclass(frozen=True, slots=True)
class Target:
    """The release that a campaign is about: its sequence, and the SHA-256 of its content."""

    sequence: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Course:
    """How far a campaign is. `wave` counts from 0; `why`: what stopped it."""

    state: str
    wave: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reads:
    """Intervals of meters that were due in a span, and those of which a reading is there."""

    expected: int
    received: int

    def plus(self, other: "Reads") -> "Reads":
        """Both together."""
        return Reads(self.expected + other.expected, self.received + other.received)


NOTHING = Reads(0, 0)


@dataclass(frozen=True, slots=True)
class Told:
    """The newest standing of a concentrator. `is_ours`: of the order that this campaign gave last.
    `state` as in wum_shared/updates.py.
    """

    is_ours: bool
    state: int
    sequence: int
    digest: bytes
    have: int
    of: int
    nonce: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Member:
    """A concentrator in a campaign; moments are UTC seconds, 0 where there is none yet.

    order, order_words: state of the order that was given last, and what was said of it. home,
    home_digest: the release that ran before. answered: what was answered last (a nonce).
    """

    concentrator_id: int
    wave: int
    place: int = 0
    state: str = WAITING
    fault: str = ""
    words: str = ""
    tries: int = 0
    due_s: float = 0
    begins_s: float = 0
    ends_s: float = 0
    deadline_s: float = 0
    ordered_s: float = 0
    confirmed_s: float = 0
    judged_s: float = 0
    home: int = 0
    home_digest: bytes = b""
    can_return: bool = False
    answered: bytes = b""
    answered_s: float = 0
    order: str = ""
    order_words: str = ""
    told: Told | None = None
    before: Reads | None = None
    after: Reads | None = None


@dataclass(frozen=True, slots=True)
class Assign:
    """Order: run the campaign's release; `is_back`: the one that ran before instead."""

    concentrator_id: int
    begins_s: float
    ends_s: float
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Confirm:
    """Order: what you told with this nonce was heard, go on."""

    concentrator_id: int
    digest: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class CallOff:
    """Order: what this campaign assigned is called off."""

    concentrator_id: int


Act = Assign | Confirm | CallOff


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log; of no member where it is of the whole campaign."""

    concentrator_id: int | None
    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from what is known at a moment. `members`: those that changed."""

    course: Course
    members: list[Member]
    acts: list[Act]
    log: list[Entry]
