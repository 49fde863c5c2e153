"""Cutting the power after every step and byte of a life, and what must hold when it is back.

A life runs once: after every step of its disk, each disk that a cut would leave there is mounted,
compared with the model, appended to, and mounted again. `every` looks at one in so many of them.
"""

from binascii import crc32

from tests.edge.records import SCHEMA_ID, STAMP, archive_on, event, numbered, read_all
from wum_shared.status import LOST_DAMAGED, LOST_FULL
from wum_simulator.disk import NOTHING, WHOLE
from wum_simulator.flash import SimulatedFlash


class Model:
    """What the archive said, to be compared with what it gives after a cut."""

    def __init__(self):
        self.offered = {}        # number -> records that may stand there: their append was begun.
        self.accepted = {}       # number -> record whose append returned.
        self.cursor = 0          # Acknowledged, the acknowledgement being written included.
        self.seen = {}           # number -> record that a read gave: it may have been sent.
        self.acknowledged = 0    # The highest cursor ever, also where a cut took it back.
        self.refused = False     # Flash refused something: a cursor may lag behind a removal.
        self.limit_bytes = None  # Of the archive, where a life has its own.

    def archive(self, flash, incarnation=b"first-ar"):
        """The archive on `flash`, as this life has it."""
        if self.limit_bytes is None:
            return archive_on(flash, incarnation)
        return archive_on(flash, incarnation, self.limit_bytes)

    def append(self, archive, records, schema=SCHEMA_ID, stamp=STAMP):
        """Append through the archive, taking down what it promises."""
        first = archive.next_sequence
        begun = {first + n: numbered(r, first + n) for n, r in enumerate(records)}
        for number in begun:
            self.offered.setdefault(number, []).append(begun[number])
        assert archive.append(records, schema, stamp) == (first, first + len(records) - 1)
        self.accepted.update(begun)

    def acknowledge(self, archive, sequence):
        """Acknowledge as delivery does."""
        self.cursor = sequence
        self.acknowledged = max(self.acknowledged, sequence)
        archive.acknowledge(sequence)

    def read(self, archive):
        """Read all that is not acknowledged, as delivery does."""
        records, lost = read_all(archive, first=archive.cursor + 1)
        self._compare(records)
        self.seen.update(records)
        return records, lost

    def check(self, archive, given_up=False):
        """What was accepted is there, what is there was offered, and the cursor does not lead.

        `given_up`: the life fills the store, so that lost ranges are no surprise.
        """
        assert archive.cursor <= self.cursor, "the cursor leads"
        records, lost = self.read(archive)
        reasons = {}
        for x in lost:
            for number in range(x.first_sequence, x.last_sequence + 1):
                reasons[number] = x.reason
        for number in sorted(self.accepted):
            if number > archive.cursor and number not in records:
                # Damaged is what nobody damaged only where the head-end has it, and the cursor
                # that says so was refused (FORMAT.md, order of writes).
                known = self.refused and number <= self.acknowledged
                assert given_up and (
                    reasons.get(number) == LOST_FULL
                    or known and reasons.get(number) == LOST_DAMAGED), (
                    "accepted record %d is gone, as %r" % (number, reasons.get(number)))
        if self.accepted:
            assert archive.next_sequence > max(self.accepted), "an accepted number is free again"
        if self.seen:
            assert archive.next_sequence > max(self.seen), "a number that was seen is free again"
        return records, lost

    def _compare(self, records):
        for number in sorted(records):
            known = self.seen.get(number) or self.accepted.get(number)
            choice = self.offered.get(number, []) if known is None else [known]
            assert records[number] in choice, "record %d is another one: %r" % (
                number, records[number])


class Watcher:
    """Follows a life and hands every disk that a cut would leave to `look`, with its model.

    `pick(count, tear)` says whether the cut of that number, from 0, is looked at.
    """

    def __init__(self, flash, model, pick, look):
        self.steps = self.cuts = self.looked = 0
        self._flash, self._model, self._pick, self._look = flash, model, pick, look
        flash.disk.watch = self._step

    def _step(self):
        self.steps += 1
        disk = self._flash.disk
        for names, tear, keep in disk.cuts():
            self.cuts += 1
            if self._pick(self.cuts - 1, tear):
                self.looked += 1
                self._look(self._flash.on(disk.after_cut(names, tear, keep)), self._model)


def torture(life, look, pick=None):
    """Live `life(flash, model)` once and `look(flash, model)` at the cuts that `pick` picks."""
    flash, model = SimulatedFlash(), Model()
    watcher = Watcher(flash, model, pick or all_of_them, look)
    life(flash, model)
    assert watcher.looked, "no cut was looked at"
    return watcher


def all_of_them(count, tear):
    return True


def between_steps(count, tear):
    """Cuts that tear nothing: what was written is there, or none of it is."""
    return tear in (NOTHING, WHOLE)


def one_in(every, seed=0):
    """A seeded choice of one in `every` cuts."""
    return lambda count, tear: crc32(b"%d %d" % (seed, count)) % every == 0




def goes_on(archive, model):
    """The next append works, under numbers that nobody has seen."""
    before = dict(model.seen)
    model.append(archive, [event(7000), event(7001)])
    for number in before:
        assert number < archive.next_sequence - 2
    records, _ = model.read(archive)
    assert records[archive.next_sequence - 1] == numbered(event(7001), archive.next_sequence - 1)


def copied(model):
    """A model that can go its own way from here."""
    twin = Model()
    twin.offered = {number: list(model.offered[number]) for number in model.offered}
    twin.accepted, twin.seen = dict(model.accepted), dict(model.seen)
    twin.cursor, twin.limit_bytes = model.cursor, model.limit_bytes
    twin.acknowledged, twin.refused = model.acknowledged, model.refused
    return twin


def survives(found, model, given_up=False):
    """Mount, check, append, mount again: on one flash that a cut left."""
    twin = copied(model)
    archive = twin.archive(found, b"made-new")
    twin.check(archive, given_up)
    goes_on(archive, twin)
    twin.check(twin.archive(found, b"made-new"), given_up)


def survives_full(found, model):
    """The same, for a life that fills the store."""
    survives(found, model, given_up=True)


def survives_again(look, pick, given_up=False):
    """A `look` that cuts the power once more while the first cut is recovered from."""
    def twice(found, model):
        twin = copied(model)
        Watcher(found, twin, pick, look)
        archive = twin.archive(found, b"made-new")
        twin.check(archive, given_up)
        goes_on(archive, twin)
        found.disk.watch = None
    return twice
