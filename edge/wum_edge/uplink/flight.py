"""One batch on its way: its states, and what moves it from one to the next. No I/O."""

# States.
DUE = 0                       # To be sent once its time has come.
SENT = 1                      # Handed to the broker; the head-end's answer is awaited.
DONE = 2                      # The head-end has it.

# What happens to it.
WENT_OUT = 0                  # The broker took it.
TIMED_OUT = 1                 # No answer within the time.
TAKEN = 2                     # Acknowledged: stored or set aside.
SCHEMA_WANTED = 3             # The head-end does not know its schema.
NOT_SPOKEN = 4                # The head-end does not speak our version.
BASE_WANTED = 5               # The head-end does not have the base it builds on.

NEXT = {
    DUE: {WENT_OUT: SENT, TAKEN: DONE, SCHEMA_WANTED: DUE, NOT_SPOKEN: DUE, BASE_WANTED: DUE},
    SENT: {TIMED_OUT: DUE, TAKEN: DONE, SCHEMA_WANTED: DUE, NOT_SPOKEN: DUE, BASE_WANTED: DUE},
    DONE: {},                 # An answer that comes once more finds no batch in flight.
}

COPIES_MAX = 4                # Older ones have arrived, or are lost.
DIGESTS_MAX = 4               # As a delta, in full, and when records of it are lost meanwhile.


class Flight:
    """The batch of records first..last, from its first sending until the head-end has it."""

    __slots__ = ("as_lost", "copies", "deadline_ms", "digests", "due_ms", "first", "lane", "last",
                 "opened", "schema_id", "schema_wanted", "sent_ms", "state", "tries")

    def __init__(
            self, lane: int, first: int, last: int, schema_id: bytes, now_ms: int) -> None:
        self.lane = lane                 # One of lanes.py.
        self.first = first
        self.last = last
        self.schema_id = schema_id
        self.state = DUE
        self.due_ms = now_ms
        self.sent_ms = self.deadline_ms = 0
        self.tries = 0
        self.schema_wanted = 0           # How often in a row the head-end asked for the schema.
        self.as_lost = False             # Its schema is gone: it is reported as lost instead.
        self.copies: list[int] = []      # What is under way of it and can be withdrawn.
        self.digests: list[bytes] = []   # Of every opened batch that went out for this range.
        self.opened: tuple[bytes, bytes] | None = None  # (Batch, digest) until it first goes out.

    def happens(self, what: int) -> None:
        """Move on. A pair that the table does not list is a mistake of ours."""
        self.state = NEXT[self.state][what]

    def went_out(
            self, digest: bytes, now_ms: int, deadline_ms: int, copy: int | None = None) -> None:
        """It was handed to the broker, and is awaited until `deadline_ms`."""
        if copy is not None:
            self.copies = self.copies[1 - COPIES_MAX:] + [copy]
        self.happens(WENT_OUT)
        self.opened = None
        self.tries += 1
        self.sent_ms, self.deadline_ms = now_ms, deadline_ms
        if digest not in self.digests:
            self.digests = self.digests[1 - DIGESTS_MAX:] + [digest]
