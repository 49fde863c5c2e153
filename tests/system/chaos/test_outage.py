"""After an outage new readings, those behind and those asked for share the link; none starves."""

import pytest

from tests.system.chaos import mutants
from tests.system.chaos.outage import BEHIND_S, share_the_link
from wum_simulator.chaos.gateway import Violation


def test_every_lane_has_its_share_of_a_slow_link():
    told = share_the_link()
    assert told["live"] <= 15, "seconds until a new reading is stored, beside all that is behind"
    assert told["asked"] < told["behind"] < BEHIND_S


@pytest.mark.parametrize("name", sorted(mutants.LANES))
def test_a_lane_that_starves_is_noticed(name):
    make, words = mutants.LANES[name]
    with pytest.raises(Violation, match=words):
        share_the_link(make)
