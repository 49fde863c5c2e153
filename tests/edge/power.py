"""Cutting the power at every operation and byte, and what must hold when it is back."""

from tests.edge.records import SCHEMA_ID, STAMP, archive_on, event, numbered, read_all
from wum_simulator.flash import (
    FLIPPED,
    GARBAGE,
    NOTHING,
    OUT_OF_ORDER,
    PREFIX,
    ZEROS,
    PowerCut,
    SimulatedFlash,
)


class Model:
    """What the archive said, to be compared with what it gives after a cut."""

    def __init__(self):
        self.offered = {}        # number -> record that may stand there: its append was begun.
        self.accepted = {}       # number -> record whose append returned.
        self.cursor = 0          # Acknowledged, the acknowledgement being written included.
        self.seen = {}           # number -> record that a read gave: it may have been sent.

    def append(self, archive, records):
        """Append through the archive, taking down what it promises."""
        first = archive.next_sequence
        begun = {first + n: numbered(r, first + n) for n, r in enumerate(records)}
        self.offered.update(begun)
        assert archive.append(records, SCHEMA_ID, STAMP) == (first, first + len(records) - 1)
        self.accepted.update(begun)

    def acknowledge(self, archive, sequence):
        """Acknowledge as delivery does."""
        self.cursor = sequence
        archive.acknowledge(sequence)

    def read(self, archive):
        """Read all that is not acknowledged, as delivery does."""
        records, lost = read_all(archive, first=archive.cursor + 1)
        self._compare(records)
        self.seen.update(records)
        return records, lost

    def check(self, archive, given_up=False):
        """What was accepted is there, what is there was offered, and the cursor does not lead.

        `given_up`: the scenario fills the store, so that lost ranges are no surprise.
        """
        assert archive.cursor <= self.cursor, "the cursor leads"
        records, lost = self.read(archive)
        gone = [(x.first_sequence, x.last_sequence) for x in lost]
        for number in sorted(self.accepted):
            if number > archive.cursor and number not in records:
                reported = any(first <= number <= last for first, last in gone)
                assert given_up and reported, "accepted record %d is gone" % number
        if self.accepted:
            assert archive.next_sequence > max(self.accepted)
        if self.seen:
            assert archive.next_sequence > max(self.seen), "a number that was seen is free again"
        return records, lost

    def _compare(self, records):
        for number in sorted(records):
            known = self.seen.get(number) or self.accepted.get(number) or self.offered.get(number)
            assert records[number] == known, "record %d is another one: %r" % (
                number, records[number])


def cuts(scenario, every=1):
    """(flash as the power left it, model) for each cut of a scenario: operation, tear, byte.

    `scenario(flash, model)` starts from an empty flash. `every` skips bytes, for slow machines.
    """
    operations = _operations(scenario)
    assert operations
    for cut_at in range(1, operations + 1):
        flash, model = SimulatedFlash(cut_at=cut_at), Model()
        cut = False
        try:
            scenario(flash, model)
        except PowerCut:
            cut = True
        assert cut
        for tear, keep in _tears(flash.pending_bytes(), every):
            yield flash.after_cut(tear, keep), model


def _tears(pending, every):
    """(tear, byte) for so many pending bytes; those that leave the same flash only once."""
    if not pending:
        return [(NOTHING, 0)]
    found = [(NOTHING, 0)] + [(OUT_OF_ORDER, pages) for pages in range(4)]
    for keep in range(0, pending + 1, every):
        found += [(PREFIX, keep), (ZEROS, keep), (GARBAGE, keep), (FLIPPED, keep)]
    return found


def _operations(scenario):
    flash = SimulatedFlash()
    scenario(flash, Model())
    return flash.operations


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
    twin.offered, twin.accepted = dict(model.offered), dict(model.accepted)
    twin.seen, twin.cursor = dict(model.seen), model.cursor
    return twin


def survives(found, model, given_up=False):
    """Mount, check, append, mount again: on one flash that a cut left."""
    twin = copied(model)
    archive = archive_on(found, b"made-new")
    twin.check(archive, given_up)
    goes_on(archive, twin)
    twin.check(archive_on(found, b"made-new"), given_up)
