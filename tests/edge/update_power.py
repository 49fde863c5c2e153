"""Cutting the power in the life of updates: what every disk that a cut leaves has to be good for.

It starts something that stays up, never below what was confirmed, never a trial more often than it
has tries; and from there it can be updated.
"""

from tests.edge import updates
from tests.edge.power import Watcher, all_of_them
from wum_edge.update import boot
from wum_simulator.flash import SimulatedFlash

NEXT = 9                      # The release that every survivor is updated to.


class Model:
    """What a life has seen so far: how often each sequence was started, and what was confirmed."""

    def __init__(self):
        self.started = {}
        self.confirmed = 0
        self.due = 0              # A good release that is assigned, and that no cut may lose.

    def follow(self, machine):
        """Take down what `machine` starts from now on, as it starts it."""
        start, model = machine.start, self

        def noted():
            slot, behaviour, sequence = start()
            kept = boot.read_boot(machine.flash)
            if kept.trial is not None:
                model.started[sequence] = model.started.get(sequence, 0) + (slot == kept.trial)
            return slot, behaviour, sequence

        machine.start = noted
        return machine

    def copied(self):
        """A model that can go its own way from here."""
        twin = type(self)()
        twin.started, twin.confirmed = dict(self.started), self.confirmed
        twin.due = self.due
        return twin

    def machine(self, flash):
        """What starts from `flash`, followed."""
        return self.follow(updates.Machine(flash))

    def update(self, machine, sequence, behaviour=updates.GOOD):
        """Update to another release; (slot, sequence) of what runs then."""
        updates.install(machine.flash, sequence, updates.content(sequence, behaviour), sequence)
        return machine.settle()


def survives(found, model):
    """What runs after this cut is good, and can be updated to another release that is."""
    twin = model.copied()
    _is_sane(boot.read_boot(found))
    machine = twin.machine(found)
    slot, sequence = machine.settle()
    kept = boot.read_boot(found)
    _is_sane(kept)
    assert slot == kept.home, "%d runs, %d is home" % (slot, kept.home)
    assert sequence >= twin.confirmed, "%d runs, %d was confirmed" % (sequence, twin.confirmed)
    assert twin.due in (0, sequence), "%d was assigned, %d runs" % (twin.due, sequence)
    for tried in twin.started:
        assert twin.started[tried] <= boot.TRIES, "%d was tried %d times" % (
            tried, twin.started[tried])
    assert twin.update(machine, NEXT)[1] == NEXT


def _is_sane(kept):
    """The floor is never above what was confirmed, or the way back would end below it."""
    assert kept.floor <= kept.sequence, "floor %d over %d" % (kept.floor, kept.sequence)


def survives_again(pick):
    """A `look` that cuts once more while the first cut is recovered from and updated."""
    def twice(found, model):
        twin = model.copied()
        Watcher(found, twin, pick, survives)
        machine = twin.machine(found)
        twin.confirmed = max(twin.confirmed, machine.settle()[1])
        twin.update(machine, NEXT)
        found.disk.watch = None
    return twice


def life(flash, model):
    """From the factory to 5, to 6 which crashes and comes back, to 7, each with its floor."""
    machine = model.machine(flash)
    assert machine.settle() == (boot.FACTORY, 0)
    for sequence, behaviour, runs in (
            (5, updates.GOOD, (boot.A, 5)), (6, updates.CRASH, (boot.A, 5)),
            (7, updates.GOOD, (boot.B, 7))):
        assert model.update(machine, sequence, behaviour) == runs
        model.confirmed = runs[1]


def torture(look=survives, pick=all_of_them, model=Model):
    """Live a life once and look at the cuts that `pick` picks; it must have been a life."""
    flash, model = SimulatedFlash(), model()
    watcher = Watcher(flash, model, pick, look)
    life(flash, model)
    kept = boot.read_boot(flash)
    assert (kept.home, kept.sequence, kept.floor) == (boot.B, 7, 7), kept
    assert model.started == {5: 1, 6: boot.TRIES, 7: 1}, model.started
    assert watcher.looked, "no cut was looked at"
    return watcher
