"""The boot record: which slot is home, which is on trial, and below what nothing is installed.

There are two, written in turn, each with a number and a CRC: the newest whole one counts. A write
never touches the record that counts, so that it needs no atomic rename of the medium. Left out:
which slot starts (start.py), what is in a slot (slots.py). Layout: docs/updates.md.
"""

from binascii import crc32
from collections import namedtuple
from struct import calcsize, pack, unpack

from wum_edge.archive.flash import Flash, read_whole

A, B, FACTORY = 0, 1, 2       # FACTORY is what came with the machine: no update ever writes it.
TRIES = 3                     # Starts of a new version, each counted before it begins.

# Why a trial was given up, or what it still lacked when it last told.
UNTOLD = 0                    # It ended, or hung, before it could tell.
DAMAGED = 1                   # What is in the slot is not what was signed.
NO_ARCHIVE = 2
NO_METER = 3
NO_HEADEND = 4
ABORTED = 5
HUNG = 6
WINDOW_OVER = 7
BAD_CONTENT = 8
NO_ROOM = 9
FORMATS = 10
UNTRUSTED = 11
NO_FLASH = 12
WHYS = {
    UNTOLD: "it ended before it could tell", DAMAGED: "its slot is damaged",
    NO_ARCHIVE: "the archive took no record", NO_METER: "no meter answered",
    NO_HEADEND: "the head-end did not answer", ABORTED: "it was called off",
    HUNG: "it hung", WINDOW_OVER: "its window was over before it could begin",
    BAD_CONTENT: "its pieces do not make what was signed",
    NO_ROOM: "flash had no room for it",
    FORMATS: "it and the version that runs cannot read each other's archives",
    UNTRUSTED: "who signed it is not trusted any more",
    NO_FLASH: "flash refused what its trial has to write",
}

NAMES = ("boot-a", "boot-b")
_MAGIC = b"WUMB"
_FORMAT = 0
_NONE = 255
_MISSING = 2                  # errno ENOENT.
_LAYOUT = "<4sBIBBBIIQI32sI32sBIB"
_SIZE = calcsize(_LAYOUT) + 4
_EMPTY = (0, bytes(32))       # Sequence and digest of a slot with nothing to start in it.


class Boot(namedtuple("Boot", (
        "number", "home", "trial", "tries", "floor", "next_floor", "assigned", "slots", "why",
        "failed", "failed_why"))):
    """What a start has to know. `number` counts the writes.

    home: the slot that was confirmed last, or FACTORY; trial: the slot on trial, or None, with
    `tries` starts left. floor: no lower sequence is installed or started; next_floor: what it
    becomes when the trial is confirmed. assigned: the highest assignment that was taken. slots:
    (sequence, SHA-256) of A and B, sequence 0 where nothing may be started. why: what the trial
    lacks; failed, failed_why: the sequence of the last one given up, and why.
    """

    __slots__ = ()
    number: int
    home: int
    trial: int | None
    tries: int
    floor: int
    next_floor: int
    assigned: int
    slots: tuple[tuple[int, bytes], tuple[int, bytes]]
    why: int
    failed: int
    failed_why: int

    @property
    def spare(self) -> int:
        """The slot that an update may be written to."""
        return B if self.home == A else A

    @property
    def sequence(self) -> int:
        """Of the release that is home; 0 is that of the factory."""
        return 0 if self.home == FACTORY else self.slots[self.home][0]

    def taken(self, assignment: int) -> "Boot":
        """Once an assignment is taken: none with a lower number is any more."""
        return self._with({
            "assigned": max(self.assigned, assignment), "failed": 0, "failed_why": UNTOLD})

    def dropped(self, sequence: int, why: int) -> "Boot":
        """A release that was taken will not be tried."""
        return self._with({"failed": sequence, "failed_why": why})

    def cleared(self) -> "Boot":
        """Before the spare slot is written to: nothing in it may be started."""
        assert self.trial is None
        return self._with({"slots": self._slots(self.spare, _EMPTY)})

    def armed(self, sequence: int, digest: bytes, floor: int) -> "Boot":
        """The spare slot is on trial from the next start; `floor` holds once it is confirmed."""
        assert self.trial is None and sequence > 0 and floor <= sequence
        return self._with({
            "trial": self.spare, "tries": TRIES, "next_floor": floor, "why": UNTOLD,
            "slots": self._slots(self.spare, (sequence, digest))})

    def tried(self) -> "Boot":
        """One try less; written before the trial starts."""
        assert self.trial is not None and self.tries > 0
        return self._with({"tries": self.tries - 1})

    def lacking(self, why: int) -> "Boot":
        """What the trial still lacks, as far as it knows."""
        assert self.trial is not None
        return self._with({"why": why})

    def confirmed(self) -> "Boot":
        """The trial is home, and the floor rises: never before, or a way back would end below."""
        assert self.trial is not None
        return self._with({
            "home": self.trial, "trial": None, "tries": 0, "why": UNTOLD, "next_floor": 0,
            "floor": max(self.floor, self.next_floor)})

    def given_up(self, why: int) -> "Boot":
        """Home stays what it was, and what was on trial is never started again."""
        assert self.trial is not None
        return self._with({
            "trial": None, "tries": 0, "next_floor": 0, "why": UNTOLD, "failed_why": why,
            "failed": self.slots[self.trial][0], "slots": self._slots(self.trial, _EMPTY)})

    def fallen_back(self, slot: int) -> "Boot":
        """`slot`, which was home before and runs because home does not, is home again."""
        assert self.trial is None and slot == self.spare and self.slots[slot][0]
        return self._with({
            "home": slot, "failed": self.sequence, "failed_why": UNTOLD,
            "slots": self._slots(self.home, _EMPTY)})

    def _slots(self, slot: int, holds: tuple[int, bytes],
               ) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
        return (holds, self.slots[B]) if slot == A else (self.slots[A], holds)

    def _with(self, changes: dict[str, object]) -> "Boot":
        return Boot(*[changes.get(_FIELDS[at], self[at]) for at in range(len(_FIELDS))])


_FIELDS = ("number", "home", "trial", "tries", "floor", "next_floor", "assigned", "slots", "why",
           "failed", "failed_why")
NEW = Boot(0, FACTORY, None, 0, 0, 0, 0, (_EMPTY, _EMPTY), UNTOLD, 0, UNTOLD)


def read_boot(flash: Flash) -> Boot:
    """The newest whole record; NEW, a machine as it left the factory, where there is none."""
    return _newest(flash)[0]


def keep_boot(flash: Flash, boot: Boot) -> Boot:
    """Write `boot` over the record that does not count; durable on return. Raises OSError."""
    newest, name = _newest(flash)
    kept = Boot(*((newest.number + 1,) + tuple(boot)[1:]))
    raw = _encoded(kept)
    target = NAMES[1] if name == NAMES[0] else NAMES[0]
    if target in flash.names():
        flash.remove(target)
    flash.append(target, raw)
    flash.sync(target)
    return kept


def _newest(flash: Flash) -> tuple[Boot, str]:
    """The record that counts, and its name; "" where none does."""
    found, where = NEW, ""
    for name in NAMES:
        boot = _decoded(_read(flash, name))
        if boot is not None and boot.number > found.number:
            found, where = boot, name
    return found, where


def _read(flash: Flash, name: str) -> bytes | None:
    """A record; None where there is none, also because it is written anew at this moment."""
    try:
        return read_whole(flash, name, _SIZE)
    except OSError as error:
        if error.args[0] != _MISSING:
            raise
        return None


def _encoded(boot: Boot) -> bytes:
    (sequence_a, digest_a), (sequence_b, digest_b) = boot.slots
    trial = _NONE if boot.trial is None else boot.trial
    raw = pack(_LAYOUT, _MAGIC, _FORMAT, boot.number, boot.home, trial, boot.tries, boot.floor,
               boot.next_floor, boot.assigned, sequence_a, digest_a, sequence_b, digest_b,
               boot.why, boot.failed, boot.failed_why)
    return raw + pack("<I", crc32(raw))


def _decoded(data: bytes | None) -> Boot | None:
    if data is None or len(data) != _SIZE or unpack("<I", data[-4:])[0] != crc32(data[:-4]):
        return None
    (magic, version, number, home, trial, tries, floor, next_floor, assigned, sequence_a, digest_a,
     sequence_b, digest_b, why, failed, failed_why) = unpack(_LAYOUT, data[:-4])
    if magic != _MAGIC or version != _FORMAT:
        return None
    return Boot(number, home, None if trial == _NONE else trial, tries, floor, next_floor, assigned,
                ((sequence_a, digest_a), (sequence_b, digest_b)), why, failed, failed_why)
