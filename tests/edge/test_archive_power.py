"""A sample of power cuts that also runs on MicroPython; cpython/ cuts everywhere."""

from tests.edge import scenarios
from tests.edge.power import one_in, survives, survives_again, survives_full, torture


def test_a_sample_of_cuts_in_an_everyday_life_is_survived():
    assert torture(scenarios.everyday, survives, one_in(31)).looked > 50


def test_a_sample_of_cuts_in_lives_of_200_steps_is_survived():
    for life, fills in scenarios.LIVES:
        seen = torture(life, survives_full if fills else survives, one_in(499))
        assert seen.steps >= scenarios.STEPS_LEAST and seen.looked > 20


def test_a_sample_of_second_cuts_is_survived():
    look = survives_again(survives, one_in(41))
    assert torture(scenarios.everyday, look, one_in(211)).looked > 5


def test_a_sample_of_cuts_while_the_store_gives_records_up_is_survived():
    assert torture(scenarios.overflowing, survives_full, one_in(40009)).looked > 5
