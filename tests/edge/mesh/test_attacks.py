"""What an outsider can record, forge and flood, and what a member can lie about."""

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.guard import Guard

MINUTE_US = 60_000_000
CHAIN = [(1, 2), (2, 3), (3, 4)]


def chain():
    air = QuietAir({1}, CHAIN)
    air.run(2 * MINUTE_US)
    return air


def recorded(air, kind, source):
    return [frame for address, frame in air.sent
            if address == source and frames.decode_header(frame).kind == kind]


def test_an_outsider_s_polls_silence_nobody():
    air = chain()
    relay = air.relays[3]
    forger = Guard(DigestSeal(b"another key"), 7, 1, 9)
    forger.reserve()
    body = bytes(33)
    relay.on_rx(air.now, forger.seal(frames.POLL, 1, 8, frames.poll_aux(16, 0), body), -60, 90, 0)
    assert relay.counts["not ours"] == 1
    assert relay.channel.free_us(air.now, 1 + frames.ASK) <= air.now
    assert not relay.channel.is_burst_near(air.now) and relay.neighbours.get(9) is None


def test_a_recorded_acknowledgement_takes_nothing_from_a_child_that_restarted():
    air = chain()
    air.submit(4, bytes(200))
    air.run(3 * MINUTE_US)
    polls = recorded(air, frames.POLL, 3)
    assert len(polls) >= 2 and len(air.delivered) == 1
    air.boot(4)
    air.run(air.now + 5 * MINUTE_US)
    del air.relays[3]                        # Its parent is gone; somebody plays its part.
    relay = air.relays[4]
    relay.guard._keys[0].windows.clear()             # Even if the store had kept nothing.
    assert air.submit(4, bytes(201)) is not None
    before = len(recorded(air, frames.DATA, 4))
    for frame in polls:
        relay.on_rx(air.now, frame, -60, 90, 0)
        air._act(4)
        air.run(air.now + 3_000_000)
    assert relay.counts["poll of another life"] >= 1
    assert relay.custody.size == 1 and len(recorded(air, frames.DATA, 4)) == before


def test_a_member_that_lies_about_its_rank_and_keeps_everything_is_gone_round():
    links = [(1, 2), (2, 4), (5, 4)]         # 5 has no way to the gateway, and says it is one.
    air = QuietAir({1, 5}, links)
    air.run(2 * MINUTE_US)
    liar, origin = air.relays[5], air.relays[4]
    liar.ends.arrive = lambda item: None          # It takes everything, tells nobody.
    assert origin.gradient.parent == 5
    came = []
    for hour in range(6):
        content = bytes([hour]) * 100
        air.submit(4, content)
        for _ in range(60):
            air.run(air.now + MINUTE_US)
            for _, _number in air.of("again"):
                air.submit(4, content)
            air.told = []
        came.append(content in [found for _, found in air.delivered])
    assert origin.gradient.parent == 2
    assert came[-4:] == [True] * 4
