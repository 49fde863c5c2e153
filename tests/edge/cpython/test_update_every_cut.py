"""Power cuts after every durable write of updates, and the mutants that this must catch.

A mutant is a broken updater; a machine that stays green on one would prove nothing.
"""

import pytest

from tests.edge.cpython import update_cuts
from tests.edge.power import one_in
from tests.edge.update_power import torture
from tests.edge.update_site_power import SiteModel
from wum_edge.update import boot, fetch, updater
from wum_edge.update import start as start_room
from wum_edge.update.boot import NAMES, Boot, keep_boot


def test_every_cut_between_two_steps_and_a_share_of_the_torn_ones_is_survived():
    between, torn, pairs = update_cuts.share()
    assert between > 150 and torn > 150 and pairs > 20


def test_after_every_step_of_the_whole_updater_it_goes_on_with_what_was_assigned():
    between, torn, pairs = update_cuts.share_of_site()
    assert between > 180 and torn > 8 and pairs > 2


def floor_raised_before_confirm(monkeypatch):
    """The floor is that of the new release as soon as it is on trial."""
    armed = Boot.armed
    monkeypatch.setattr(Boot, "armed", lambda self, sequence, digest, floor: armed(
        self, sequence, digest, floor)._with({"floor": floor}))


def pointer_without_alternation(monkeypatch):
    """There is one record, written over where it stands."""
    def keep(flash, kept):
        for name in NAMES[1:]:
            if name in flash.names():
                flash.remove(name)
        newest = boot.read_boot(flash)
        kept = kept._with({"number": newest.number + 1})
        if NAMES[0] in flash.names():
            flash.remove(NAMES[0])
        flash.append(NAMES[0], boot._encoded(kept))
        flash.sync(NAMES[0])
        return kept

    for room in (boot, start_room):
        monkeypatch.setattr(room, "keep_boot", keep)


def written_over_the_one_that_counts(monkeypatch):
    """Two records, but the newest is the one that is written to."""
    encoded = boot._encoded

    def keep(flash, kept):
        newest, name = boot._newest(flash)
        kept = kept._with({"number": newest.number + 1})
        target = name or NAMES[0]
        if target in flash.names():
            flash.remove(target)
        flash.append(target, encoded(kept))
        flash.sync(target)
        return kept

    for room in (boot, start_room):
        monkeypatch.setattr(room, "keep_boot", keep)


def tries_not_counted_before_the_jump(monkeypatch):
    """The jump comes first."""
    monkeypatch.setattr(start_room, "keep_boot", lambda flash, kept: keep_boot(
        flash, kept if kept.trial is None else boot.read_boot(flash)))


def tries_counted_without_a_sync(monkeypatch):
    """A start counts its try into the cache, which a version that takes the power loses."""
    def keep(flash, kept):
        sync, flash.sync = flash.sync, lambda name: None
        try:
            return keep_boot(flash, kept)
        finally:
            flash.sync = sync

    monkeypatch.setattr(start_room, "keep_boot", keep)


def no_crc(monkeypatch):
    """Every check value is 0, and so always right."""
    monkeypatch.setattr(boot, "crc32", lambda data: 0)


def pieces_are_not_looked_at_again(monkeypatch):
    """What lies in a file of pieces after a start is taken for what was written there."""
    monkeypatch.setattr(fetch.Fetch, "_read_file", lambda self, name: _all_of(self, name))


def _all_of(self, name):
    offset, end = 0, self._flash.size(name)
    while offset + 6 <= end:
        place, size = fetch.unpack(">IH", self._flash.read(name, offset, 6))
        self._where[place] = (name, offset + 6, size)
        offset += 6 + size
        self._count = offset // 1030


def assignment_noted_before_it_is_kept(monkeypatch):
    """Its number counts as taken before it is on flash itself."""
    assigned = updater.Updater.assigned

    def taken_first(self, number, assignment):
        self._keep(self._boot.taken(number))
        self.check = lambda number, assignment: updater.genuine(
            self._verifier, self._trusted.rules, assignment)
        assigned(self, number, assignment)

    monkeypatch.setattr(updater.Updater, "assigned", taken_first)


CAUGHT_BY = [
    (floor_raised_before_confirm, "floor 5 over 0"),
    (pointer_without_alternation, "0 runs, 5 was confirmed"),
    (written_over_the_one_that_counts, "0 runs, 5 was confirmed"),
    (tries_not_counted_before_the_jump, "it starts for ever"),
    (tries_counted_without_a_sync, "6 was tried 4 times"),
    (no_crc, "2 runs, 0 is home"),
]


@pytest.mark.parametrize(("mutant", "words"), CAUGHT_BY)
def test_a_mutant_is_caught(monkeypatch, mutant, words):
    mutant(monkeypatch)
    with pytest.raises(AssertionError, match=words):
        update_cuts.share()


@pytest.mark.parametrize(("mutant", "words"), [
    (pieces_are_not_looked_at_again, "was assigned, "),
    (assignment_noted_before_it_is_kept, "was assigned, "),
])
def test_a_mutant_of_the_updater_is_caught(monkeypatch, mutant, words):
    mutant(monkeypatch)
    with pytest.raises(AssertionError, match=words):
        torture(pick=one_in(211), model=SiteModel)
