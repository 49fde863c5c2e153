"""A sample of power cuts that also runs on MicroPython; cpython/ cuts everywhere."""

from tests.edge import scenarios
from tests.edge.power import cuts, survives


def test_a_sample_of_cuts_in_an_everyday_life_is_survived():
    count = 0
    for found, model in cuts(scenarios.everyday, every=61):
        survives(found, model)
        count += 1
    assert count > 100


def test_a_sample_of_cuts_while_the_store_gives_records_up_is_survived():
    count = 0
    for at, (found, model) in enumerate(cuts(scenarios.overflowing, every=4001)):
        if at % 9 == 0:
            survives(found, model, given_up=True)
            count += 1
    assert count > 5
