"""A sample of power cuts in the life of updates that runs on MicroPython too; cpython/ has all."""

from tests.edge.power import one_in
from tests.edge.update_power import survives_again, torture
from tests.edge.update_site_power import SiteModel


def test_a_sample_of_cuts_leaves_a_machine_that_runs_and_can_be_updated():
    assert torture(pick=one_in(211)).looked > 20


def test_a_sample_of_second_cuts_does_too():
    assert torture(survives_again(one_in(607)), one_in(499)).looked > 5


def test_a_sample_of_cuts_of_the_whole_updater_does_too():
    assert torture(pick=one_in(6007), model=SiteModel).looked > 5
