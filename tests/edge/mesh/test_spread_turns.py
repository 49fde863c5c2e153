"""Updates over the mesh: who is silent so that others are heard."""

from tests.edge.mesh.test_spread import Sender, alone, sent_by, street
from wum_edge.mesh.frames import ALL, LACK, SYMBOL, decode_header
from wum_edge.mesh.page import PAGE_SIZE
from wum_edge.mesh.spread import BURST
from wum_edge.mesh.spreadframes import decode_lack

_SECONDS = 1 / 60


def asked(air):
    return [decode_lack(frame[12:-4]) for frame in sent_by(air, LACK)]


def seeks(air):
    return [lack for lack in asked(air) if lack.server == ALL]


def test_who_hears_others_seek_what_it_lacks_and_knows_nobody_either_is_silent():
    air, shelf = alone(3)
    others = [Sender(air, 90 + at, shelf) for at in range(8)]
    for at in range(24):                             # One of them every 20 s.
        others[at % 8].tell(0, 40, ALL)
        shelf.run(20 * _SECONDS)
        assert not seeks(air), at
    shelf.run(1.5)                                   # They are silent.
    assert len(seeks(air)) >= 1
    air, shelf = alone(3)
    Sender(air, 90, shelf).tell(0, 39, ALL)          # Who lacks less may hear of others.
    shelf.run(0.5)
    assert len(seeks(air)) == 1


def test_who_knows_whom_to_ask_is_not_held_up_by_those_who_seek():
    air, shelf = alone(3)
    server, other = Sender(air, 98, shelf), Sender(air, 97, shelf)
    server.tell(1, 0, ALL, 5)
    server.send(0, range(3))                         # It serves, and then is silent.
    for _ in range(12):
        other.tell(0, 40, ALL)
        shelf.run(20 * _SECONDS)
    assert 98 in [lack.server for lack in asked(air)]


def test_a_server_spreads_its_bursts_so_that_others_are_heard_and_nobody_asks_into_its_rests():
    air, shelf = street(2, size=6 * PAGE_SIZE)
    came_us = []

    def listen(frame):
        if decode_header(frame).kind == SYMBOL:
            came_us.append(air.now)
        return False

    air.loses = listen
    assert shelf.run(120)
    burst_us = BURST * air.relays[1].spread.symbol_us
    gaps_us = [came_us[at] - came_us[at - 1] for at in range(1, len(came_us))]
    rests_us = [gap_us for gap_us in gaps_us if gap_us > burst_us // 2]
    assert len(came_us) == 240 and len(rests_us) >= 24, len(came_us)
    assert 20 * burst_us < sum(rests_us) // len(rests_us) < 45 * burst_us
    repairs = [lack for lack in asked(air) if 0 < lack.lacks < 40]
    assert not repairs and len([lack for lack in asked(air) if lack.lacks]) < 16, asked(air)


def test_a_server_that_rests_is_not_asked_again_before_its_rest_may_be_over():
    air, shelf = alone(3)
    server = Sender(air, 98, shelf)
    server.tell(1, 0, ALL, 5)
    server.send(0, range(3))
    for _ in range(300):
        shelf.run(_SECONDS)
        if asked(air):
            break
    assert [lack.server for lack in asked(air)] == [98]
    shelf.run(34 * _SECONDS)
    assert len(asked(air)) == 1
    shelf.run(40 * _SECONDS)
    assert [lack.server for lack in asked(air)] == [98, 98]
