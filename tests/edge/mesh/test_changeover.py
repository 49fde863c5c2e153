"""The network's key changes while everybody goes on: station by station, in any order, with one
that is asleep meanwhile; and who has the old key alone is out in the end.
"""

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.quiet_air import WAYS, QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.changeover import RECENT_US
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting

MINUTE_US = 60_000_000
CHAIN = [(1, 2), (2, 3), (3, 4)]
OLD, NEW = 7, 9              # Numbers of the network in the two epochs.


def chain(links=CHAIN):
    air = QuietAir({1}, links)
    air.run(2 * MINUTE_US)
    return air


def takes_up(air, address):
    air.relays[address].changeover.take_up(DigestSeal(b"next"), NEW, 2)


def forgets(air, address):
    air.relays[address].changeover.forget()


def says(air, address, number):
    """An object of this station, and what there is to compare."""
    content = bytes((address, number)) * 150
    air.submit(address, content)
    return address, content


def nets(air, since):
    """(sender, network) of what was sent since."""
    return [(sender, frames.decode_header(frame).net) for sender, frame in air.sent[since:]]


def arrives(air, wanted, minutes=10):
    """All of this arrives soon, and nothing of it twice."""
    end_us = air.now + minutes * MINUTE_US
    while air.now < end_us and sorted(set(air.delivered)) != sorted(wanted):
        air.run(air.now + MINUTE_US // 6)
    assert sorted(air.delivered) == sorted(wanted)


def test_nothing_is_lost_whoever_has_the_key_first():
    for order in ((1, 2, 3, 4), (4, 3, 2, 1), (3, 1, 4, 2)):
        air, wanted = chain(), []
        for act in (takes_up, forgets):
            for number, address in enumerate(order):
                act(air, address)
                wanted += [says(air, origin, number + 4 * (act is forgets))
                           for origin in (2, 3, 4)]
                arrives(air, wanted)
        assert air.relays[1].counts.get("not ours", 0) < 40
        since = len(air.sent)
        wanted.append(says(air, 4, 99))
        arrives(air, wanted)
        assert {net for _, net in nets(air, since)} == {NEW}


def test_a_neighbour_is_spoken_to_under_the_newest_key_that_it_was_heard_under():
    air = chain()
    for address in (1, 2, 3):
        takes_up(air, address)
    air.run(air.now + MINUTE_US)
    two, three = air.relays[2].changeover, air.relays[3].changeover
    assert not two.is_old(frames.ASK, 1) and two.is_old(frames.ASK, 77)
    assert three.is_old(frames.POLL, 4) and not three.is_old(frames.POLL, 2)
    turns = [three.is_old(frames.BEACON, frames.ALL) for _ in range(4)]
    assert turns in ([True, False] * 2, [False, True] * 2)
    assert two.waits_for() is None and three.waits_for() == 4
    assert not [None for _ in range(4) if two.is_old(frames.BEACON, frames.ALL)]
    assert not air.relays[4].changeover.is_old(frames.ASK, 3)    # It has one key alone.


def test_kinds_for_everybody_take_turns_each_for_itself():
    air = chain()
    takes_up(air, 3)
    turns = [(air.relays[3].changeover.is_old(frames.BEACON, frames.ALL),
              air.relays[3].changeover.is_old(frames.RIPPLE, 4)) for _ in range(4)]
    assert {one for one, _ in turns} == {one for _, one in turns} == {True, False}


def test_who_was_asleep_during_the_change_is_heard_under_the_old_key_and_gets_the_new_one():
    air = chain()
    asleep = air.relays.pop(4)
    for address in (1, 2, 3):
        takes_up(air, address)
    air.run(air.now + RECENT_US + 10 * MINUTE_US)
    since = len(air.sent)
    air.run(air.now + 180 * MINUTE_US)
    sent = nets(air, since)
    assert {net for _, net in sent} == {NEW}                 # Nobody is waited for any more.
    assert len([sender for sender, _ in sent if sender == 3]) > 2
    air.relays[4] = asleep
    wanted = [says(air, 4, 1)]
    arrives(air, wanted)
    air.do(1, "send_down", 4, b"the new key, sealed for 4 alone" * 9)
    air.run(air.now + 2 * MINUTE_US)
    assert (4, b"the new key, sealed for 4 alone" * 9) in [
        (address, rest[-1]) for _, address, *rest in air.told if rest[0] == "receive"]
    takes_up(air, 4)
    for address in (2, 4, 1, 3):
        forgets(air, address)
        wanted.append(says(air, 4, address + 1))
        arrives(air, wanted)


def test_who_has_the_old_key_alone_is_out_when_it_is_forgotten():
    air = chain()
    for address in (1, 2, 3):
        takes_up(air, address)
    air.run(air.now + MINUTE_US)
    assert air.relays[4].gradient.rank < RANK_MAX            # The change alone shuts nobody out.
    for address in (1, 2, 3):
        forgets(air, address)
    wanted = [says(air, 3, 1)]
    says(air, 4, 1)
    air.run(air.now + 20 * MINUTE_US)
    assert air.delivered == wanted and air.relays[4].gradient.rank >= RANK_MAX
    stranger = Guard(DigestSeal(b"k"), OLD, 1, 2, 1 << 31)   # Speaks in the name of a neighbour.
    stranger.reserve()
    before = air.relays[3].neighbours.get(2).heard_at_us
    air.relays[3].on_rx(air.now, stranger.seal(
        frames.ASK, 1, 3, 0, frames.encode_ask(frames.Ask(500, 1, 0, 0))), -80, 60, 0)
    air._act(3)
    assert air.relays[3].neighbours.get(2).heard_at_us == before


def test_an_order_to_all_reaches_who_lacks_the_key_too():
    air = chain(CHAIN + [(2, 4)])
    for address in (1, 2, 3):
        takes_up(air, address)
    air.run(air.now + MINUTE_US)
    number = air.do(1, "send_ripple", frames.ALL, b"an order")
    for _ in range(3):
        air.run(air.now + MINUTE_US // 6)
        air.do(1, "repeat_ripple", number)
    air.run(air.now + MINUTE_US)
    assert sorted({entry[0] for entry in air.of("ripple")}) == [2, 3, 4]


def test_a_power_cut_during_the_change_loses_no_counter_and_nothing_else():
    air, wanted, counters = chain(), [], set()
    for address in (1, 2, 3, 4):
        takes_up(air, address)
    for address in (3, 2, 1):
        del air.relays[address]
        air.run(air.now + MINUTE_US)
        counter, spent_us = air.stored[address]
        again = Relay(Setting(address, address == 1, WAYS, 10_000),
                      Guard(DigestSeal(b"k"), OLD, 1, address, counter), air.now, 1, spent_us)
        air.relays[address] = again
        air.words[address] = 0
        takes_up(air, address)
        wanted.append(says(air, 4, address))
        arrives(air, wanted, 60)
    for sender, frame in air.sent:
        nonce = sender, frames.decode_header(frame).counter
        assert nonce not in counters         # Under either key.
        counters.add(nonce)
