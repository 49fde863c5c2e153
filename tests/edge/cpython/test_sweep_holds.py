"""What a sweep still holds of meters that it has read: a board has no room for all answers."""

import gc
import weakref

from tests.edge.meters.test_sweep import Street
from wum_edge.meters.visit import Visit
from wum_shared.batch import Row


def test_a_visit_that_gave_all_is_let_go_before_the_next(monkeypatch):
    made = []
    begin = Visit.__init__

    def noted(visit, *given):
        begin(visit, *given)
        made.append(weakref.ref(visit))
    monkeypatch.setattr(Visit, "__init__", noted)
    street = Street(6)
    alive = []
    for record in street.sweep.run(street.bus, street.clock, 100000):
        if isinstance(record, Row):
            gc.collect()
            alive.append(sum(one() is not None for one in made))
    assert len(alive) == 6 and max(alive) <= 2       # The one that is read, and the latest.


def test_a_visit_that_lacks_something_keeps_no_answer(monkeypatch):
    street = Street(4)
    street.meters[1].silent = street.meters[2].silent = True
    kept, lacking = [], street.sweep._visit

    def visit_of(known):
        kept.append(lacking(known))
        return kept[-1]
    monkeypatch.setattr(street.sweep, "_visit", visit_of)
    for record in street.sweep.run(street.bus, street.clock, 100000):
        if record is None:
            assert all(not visit.heard and not visit.take.errors for visit in kept)
    assert [visit.error is None for visit in kept] == [True, False, False, True]
