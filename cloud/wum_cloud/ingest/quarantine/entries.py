"""What is set aside: the reasons, the forms in which bytes are kept, and the limits.

Left out: the table (store.py). Bytes that nobody vouches for are the first to go when a limit is
reached; counters go on counting whatever is dropped.
"""

from dataclasses import dataclass
from hashlib import sha256

# Reasons: short words that stand in quarantine.reason and ingest_count.what.
MALFORMED = "malformed"                       # Not one of the contract's messages.
UNKNOWN_DEVICE = "unknown device"             # No concentrator with this id is registered.
UNKNOWN_KEY = "unknown key"                   # Registered, but not with the key epoch it names.
NOT_GENUINE = "not genuine"                   # The seal does not hold.
FOREIGN = "foreign"                           # Sealed by one, sent on another's topic.
UNSUPPORTED = "unsupported version"           # Another version or feature of the contract.
UNDECODABLE = "undecodable"                   # Genuine, and the content is not what it should be.
UNSTORABLE = "unstorable"                     # Genuine and decoded, and the database refuses it.
SCHEMA_REFUSED = "schema refused"             # Genuine, and it claims what it may not.
FUTURE = "captured in the future"
CLOCK_NEVER_SET = "clock never set"
FOREIGN_METER = "meter of another concentrator"

REASONS = (
    MALFORMED, UNKNOWN_DEVICE, UNKNOWN_KEY, NOT_GENUINE, FOREIGN, UNSUPPORTED, UNDECODABLE,
    UNSTORABLE, SCHEMA_REFUSED, FUTURE, CLOCK_NEVER_SET, FOREIGN_METER,
)

# Forms of the bytes that are kept.
MESSAGE = "message"                           # As it came, sealed: nobody vouches for it.
BATCH = "batch"                               # An opened batch.
SCHEMA = "schema"                             # An opened schema.
READINGS = "readings"                         # CBOR list of the contract's `reading`.
MISSED = "missed"                             # CBOR list of the contract's `missed`.

CONTENT_MAX = 384 * 1024                      # Longer content is cut; size_bytes says how long.
DETAIL_MAX = 500

# Of what nobody vouches for, this much is kept out of one transaction; the rest is counted.
UNPROVEN_PER_TRANSACTION = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the table. A concentrator whose clock is broken fills some entries an hour."""

    sender_rows: int = 10_000
    sender_bytes: int = 64 * 1024**2
    unproven_rows: int = 10_000         # Of form MESSAGE, of all senders together.
    unproven_bytes: int = 64 * 1024**2
    all_rows: int = 1_000_000
    all_bytes: int = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Aside:
    """One entry for the quarantine. `records` is how many archive records it stands for."""

    reason: str
    detail: str
    form: str
    content: bytes
    records: int = 0

    def digest(self, concentrator_id: int | None) -> bytes:
        """The same for the same content from the same sender: it is kept once."""
        head = "%s/%s/%s/" % (concentrator_id, self.reason, self.form)
        return sha256(head.encode() + self.content).digest()


class BatchRefused(Exception):
    """A message that is not taken as a whole: `aside` is what the quarantine keeps of it."""

    def __init__(self, aside: Aside) -> None:
        super().__init__("%s: %s" % (aside.reason, aside.detail))
        self.aside = aside
