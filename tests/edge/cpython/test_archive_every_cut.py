"""The power goes at every operation and after every byte of small scenarios, torn in every way."""

import pytest

from tests.edge import scenarios
from tests.edge.power import (
    Model,
    one_in,
    survives,
    survives_again,
    survives_full,
    torture,
)
from tests.edge.records import SCHEMA_ID, STAMP, archive_on, event, mixed
from wum_edge.archive.errors import ArchiveRefused
from wum_simulator.flash import NOTHING, PowerCut, SimulatedFlash


def test_every_cut_of_an_everyday_life_is_survived():
    assert torture(scenarios.everyday, survives).looked > 1500


@pytest.mark.parametrize("life", [scenarios.long_append, scenarios.rolling])
def test_cuts_of_long_appends_and_new_segments_are_survived(life):
    assert torture(life, survives, one_in(2003)).looked > 20


def test_cuts_while_the_store_gives_records_up_keep_every_number_accounted_for():
    assert torture(scenarios.overflowing, survives_full, one_in(4001)).looked > 20


def test_a_second_cut_during_recovery_is_survived():
    counted = []

    def look(found, model):
        counted.append(1)
        survives(found, model)

    torture(scenarios.everyday, survives_again(look, one_in(29)), one_in(29))
    assert len(counted) > 300


def test_what_a_killed_process_had_not_synced_is_synced_before_it_is_served():
    """The system's cache outlives the process: served from there, it must outlive the power too."""
    served = 0
    for cut_at in range(1, 40):
        flash, model = SimulatedFlash(cut_at=cut_at), Model()
        try:
            scenarios.everyday(flash, model)
        except PowerCut:
            killed = flash.after_kill()
            archive = archive_on(killed, b"made-new")
            model.check(archive)
            served += len(model.seen) - len(model.accepted)
            survives(killed.after_cut(NOTHING), model)
    assert served > 0, "no cut left records that were appended and not synced"


def test_records_that_were_not_synced_are_never_read():
    flash, model = SimulatedFlash(), Model()
    archive = archive_on(flash)
    model.append(archive, mixed(0, 4))
    flash.fail[flash.operations + 2] = 5  # The append is done, its sync is not.
    with pytest.raises(ArchiveRefused, match="takes no more"):
        archive.append([event(99)], SCHEMA_ID, STAMP)
    assert sorted(model.read(archive)[0]) == [1, 2, 3, 4]
    assert flash.pending_bytes() > 0

