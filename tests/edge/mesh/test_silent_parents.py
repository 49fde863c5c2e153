"""Who does not answer may be dead: how soon another is asked, and who is blamed."""

from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.frames import decode_header

SECOND_US = 1_000_000
DIAMOND = [(1, 2), (1, 3), (2, 4), (3, 4)]


def after_its_death(loses=lambda header: False):
    """The air, how long an object of 4 takes whose first parent is dead, and what 4 asked, when;
    that parent's and the other's address.
    """
    air = QuietAir({1}, DIAMOND)
    air.run(120 * SECOND_US)
    known = air.relays[4].neighbours
    while air.now - max(known.get(2).heard_at_us, known.get(3).heard_at_us) < 16 * SECOND_US:
        air.run(air.now + SECOND_US)             # Nobody was heard just now.
    dead = air.relays[4].gradient.parent
    assert dead in (2, 3)
    del air.relays[dead]
    air.loses = lambda frame: loses(decode_header(frame))
    begin_us, begun = air.now, len(air.sent)
    air.submit(4, bytes(100))
    asked = []
    while not air.delivered and air.now < begin_us + 300 * SECOND_US:
        air.run(air.now + SECOND_US // 10)
        while begun < len(air.sent):
            header = decode_header(air.sent[begun][1])
            if (header.source, header.kind) == (4, frames.ASK):
                asked.append((air.now - begin_us, header.destination))
            begun += 1
    assert air.delivered == [(4, bytes(100))]
    return air, air.now - begin_us, asked, dead, 5 - dead


def test_another_is_asked_after_two_asks_in_vain():
    _, took_us, asked, dead, other = after_its_death()
    assert [to for _, to in asked] == [dead, dead, other]
    assert took_us < 15 * SECOND_US


def test_one_ask_that_is_lost_on_its_way_to_another_does_not_condemn_that_one():
    lost = []

    def loses(header):
        if header.kind == frames.ASK and header.source == 4 and header.destination in (2, 3) and (
                len(lost) < 3):
            lost.append(header.destination)
            return True
        return False

    air, took_us, asked, dead, other = after_its_death(loses)
    waits_us = [asked[at + 1][0] - asked[at][0] for at in range(3)]
    assert max(waits_us) < 6 * SECOND_US, asked      # Patience is doubled with who is busy alone.
    assert lost == [dead, dead, other]           # The first that the other one might have heard.
    assert air.relays[4].neighbours.get(other).away_until_us == 0
    assert took_us < 30 * SECOND_US, asked
