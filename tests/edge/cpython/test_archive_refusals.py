"""Flash that refuses one operation, whichever, while the store is full: nothing goes unsaid.

Left out: what a full, read-only or failing disk looks like from outside (test_agent.py).
"""

from tests.edge.power import Model, copied
from tests.edge.records import SCHEMA_ID, STAMP, mixed
from wum_edge.archive.errors import ArchiveRefused
from wum_shared.status import LOST_FULL
from wum_simulator.flash import SimulatedFlash

LIMIT_BYTES = 4 * 6 * 1024


def full_store(acknowledged):
    """(flash, model): the next append but a few has to give up a segment."""
    flash, model = SimulatedFlash(), Model()
    model.limit_bytes = LIMIT_BYTES
    archive = model.archive(flash)
    while archive.used_bytes < LIMIT_BYTES - 4096:
        model.append(archive, mixed(archive.next_sequence, 40))
    model.acknowledge(archive, acknowledged)
    return flash, model


def refused_once(store, operation, errno):
    """Refuse one operation of what follows, start again, judge; whether it was refused."""
    flash, model = store[0].after_kill(), copied(store[1])
    archive = model.archive(flash)
    flash.fail = {flash.operations + operation: errno}
    model.refused = True
    for _ in range(4):
        try:
            model.append(archive, mixed(archive.next_sequence, 80), SCHEMA_ID, STAMP)
        except ArchiveRefused:
            break
    again = model.archive(flash, b"made-new")
    assert again.incarnation == b"first-ar"
    model.check(again, given_up=True)
    return not flash.fail


def test_what_nobody_has_is_on_record_before_it_goes_whatever_is_refused():
    store = full_store(acknowledged=0)
    operation = 1
    while refused_once(store, operation, (5, 28, 30)[operation % 3]):
        operation += 1
    assert operation > 10, operation


def test_what_the_head_end_has_may_go_and_nothing_else_does():
    store = full_store(acknowledged=150)
    operation = 1
    while refused_once(store, operation, 28):
        operation += 1
    assert operation > 10, operation


def test_a_refused_cursor_refuses_the_append_and_the_next_one_is_taken():
    flash, model = full_store(acknowledged=0)
    archive = model.archive(flash)
    refused = False
    while "segment-00000001" in flash.names():
        before = archive.next_sequence
        flash.fail = {flash.operations + 1: 28}     # The cursor comes first where a segment goes.
        try:
            model.append(archive, mixed(before, 20), SCHEMA_ID, STAMP)
        except ArchiveRefused:
            refused = True
            assert "segment-00000001" in flash.names()
        flash.fail = {}
        model.append(archive, mixed(archive.next_sequence, 20), SCHEMA_ID, STAMP)
    assert refused
    records, lost = model.read(model.archive(flash))
    assert [x.reason for x in lost] == [LOST_FULL] and records
