"""A station without keys comes in through a neighbour; a storm of such does not get far."""

from hashlib import sha256

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.quiet_air import WAYS, QuietAir
from tests.portable import raises
from wum_edge.mesh import frames, joining, keys
from wum_edge.mesh.frames import ALL, Header, Malformed
from wum_edge.mesh.joiner import KNOWN_MAX, Joiner
from wum_edge.mesh.porch import UNDER_WAY_MAX, WAY_MIN_US
from wum_edge.mesh.setting import Setting

MINUTE_US = 60_000_000
EUI = b"station4"
DEVICE = DigestSeal(b"of station 4")
GIVEN = joining.Admission(4, 1, b"k" * 16)
CHAIN = [(1, 2), (2, 3), (3, 4)]


def started():
    """A chain whose last station has only a key of its own."""
    air = QuietAir({1}, CHAIN)
    air.relays[4] = Joiner(Setting(4, False, WAYS, 10_000), DEVICE, EUI, 0, air.now, 1, 0)
    return air


def answer(air):
    """What the head-end does with a request."""
    for address, proxy, content in air.of("join"):
        wanted = joining.decode_request(content)
        if wanted.eui == EUI and joining.is_genuine(DEVICE, wanted):
            sealed = joining.admission(DEVICE, wanted, GIVEN)
            air.do(address, "admit", proxy, wanted.answer_to, sealed)
    air.told = [entry for entry in air.told if entry[2] != "join"]


def test_a_station_joins_through_a_neighbour_two_hops_from_the_gateway():
    air = started()
    for _ in range(120):
        air.run(air.now + 1_000_000)
        answer(air)
        if air.of("joined"):
            break
    assert air.of("joined") == [(4, 4, 1, b"k" * 16)]
    assert air.relays[4].is_admitted and len(air.of("nonce")) >= 1


def test_only_its_own_answer_admits_it():
    wanted = joining.decode_request(joining.request(DEVICE, EUI, 7, 0xC001))
    sealed = joining.admission(DEVICE, wanted, GIVEN)
    assert joining.decode_admission(DEVICE, EUI, 7, sealed) == GIVEN
    assert joining.decode_admission(DEVICE, EUI, 8, sealed) is None
    assert joining.decode_admission(DEVICE, b"station5", 7, sealed) is None
    assert joining.decode_admission(DigestSeal(b"other"), EUI, 7, sealed) is None
    assert not joining.is_genuine(DigestSeal(b"other"), wanted)
    raises(Malformed, lambda: joining.decode_request(bytes(joining.REQUEST_SIZE - 1)))


def test_a_replayed_request_gets_no_other_key_sealed_with_the_same_nonce():
    seen = []

    class Watched(DigestSeal):
        def seal(self, nonce, plain, aad):
            if plain:
                seen.append((nonce, plain))
            return super().seal(nonce, plain, aad)

    device = Watched(b"of station 4")
    wanted = joining.decode_request(joining.request(device, EUI, 7, 0xC001))
    for epoch in (1, 1, 2):
        key = bytes((epoch,)) * 16
        sealed = joining.admission(device, wanted, joining.Admission(4, epoch, key))
        found = joining.decode_admission(device, EUI, 7, sealed)
        assert found == joining.Admission(4, epoch, key)
        changed = (9).to_bytes(4, "big") + sealed[4:]
        assert joining.decode_admission(device, EUI, 7, changed) is None
    assert seen[0] == seen[1] and seen[0][0] != seen[2][0]
    assert [len(nonce) for nonce, _ in seen] == [13, 13, 13]
    assert joining.decode_admission(device, EUI, 7, b"\x00") is None


def test_a_storm_of_requests_is_passed_on_no_faster_than_the_porch_allows():
    air = started()
    air.run(2 * MINUTE_US)
    relay, begin_us = air.relays[3], air.now
    air.told = []
    for count in range(2_000):
        eui, chance = sha256(b"%d" % count).digest()[:8], 0xC000 + count
        content = joining.request(DEVICE, eui, count, chance)
        relay.on_rx(air.now, joining.join_frame(chance, 3, content), -80, 60, 0)
        air.run(air.now + 30_000)
    air.run(air.now + MINUTE_US)
    allowed = UNDER_WAY_MAX * (2 + (air.now - begin_us) // (2 * WAY_MIN_US))
    assert 0 < len(air.of("join")) <= allowed
    assert relay.counts["join refused"] >= 2_000 - allowed
    air.relays[4].on_rx(air.now, beacon_of(3), -80, 60, 0)
    for _ in range(600):                 # Who is genuine gets in behind the storm.
        air.run(air.now + 1_000_000)
        answer(air)
    assert air.of("joined") == [(4, 4, 1, b"k" * 16)]


def beacon_of(source, priority=1):
    """What a joiner reads of a beacon, which it cannot open."""
    return frames.encode_header(Header(frames.BEACON, priority, 7, source, ALL, 1, 0)) + bytes(24)


def words(air, proxy):
    """What a proxy has said on requests: (to whom, content)."""
    found = [(frames.decode_header(frame), frame[frames.HEADER_SIZE:])
             for address, frame in air.sent if address == proxy]
    return [(header.destination, body) for header, body in found if header.kind == frames.WELCOME]


def test_who_asks_is_told_that_its_request_is_on_its_way_or_when_there_will_be_room():
    air = QuietAir({1}, CHAIN[:2])
    air.run(2 * MINUTE_US)
    relay, air.told, air.sent = air.relays[3], [], []
    for count in range(UNDER_WAY_MAX + 2):
        for nonce in (count, count + 100):       # The second one finds the first under way.
            content = joining.request(DEVICE, b"%08d" % count, nonce, 0xC100 + count)
            relay.on_rx(air.now, joining.join_frame(0xC100 + count, 3, content), -80, 60, 0)
            air.run(air.now + 500_000)
    said = [(to, joining.decode_wait(at // 2 + at % 2 * 100, body))
            for at, (to, body) in enumerate(words(air, 3))]
    assert said == [(0xC100 + count, (90, True)) for count in range(UNDER_WAY_MAX)
                    for _ in range(2)] + [
        (0xC108, (8, False)), (0xC108, (16, False)), (0xC109, (24, False)), (0xC109, (32, False))]
    air.run(air.now + MINUTE_US)
    assert len(air.of("join")) == UNDER_WAY_MAX


def joiner(seed=1):
    return Joiner(Setting(4, False, WAYS, 10_000), DEVICE, EUI, 0, 0, seed, 0)


def asks(alone, until_us):
    """(when, proxy, content) of all that a joiner sends until then; its frames are out at once."""
    found = []
    while alone.next_deadline() is not None and alone.next_deadline() <= until_us:
        at_us = alone.next_deadline()
        alone.on_tick(at_us)
        for action in alone.actions():
            if action[0] == "tx":
                header = frames.decode_header(action[2])
                found.append((at_us, header.destination, action[2][frames.HEADER_SIZE:]))
                alone.on_tx_done(at_us, action[1], 30_000)
    return found


def test_an_answer_that_took_longer_than_our_patience_counts_as_long_as_few_requests_followed():
    for later, is_good in ((0, True), (7, True), (8, False)):
        alone = joiner()
        alone.on_rx(0, beacon_of(3), -80, 60, 0)
        sent = asks(alone, 3_600_000_000)[:later + 1]
        alone = joiner()
        alone.on_rx(0, beacon_of(3), -80, 60, 0)
        assert asks(alone, sent[-1][0]) == sent
        wanted = joining.decode_request(sent[0][2])
        sealed = joining.admission(DEVICE, wanted, GIVEN)
        frame = joining.welcome_frame(3, wanted.answer_to, sealed)
        alone.on_rx(sent[-1][0] + 1, frame, -80, 60, 0)
        assert alone.is_admitted == is_good


def test_a_word_of_the_proxy_is_heeded_for_its_request_alone_and_not_for_long():
    for seconds, is_on_its_way, is_ours, waits in (
            (40, True, True, (40, 60)), (127, False, True, (90, 135)), (1, True, True, (1, 1.5)),
            (40, True, False, (6, 18))):
        alone = joiner()
        alone.on_rx(0, beacon_of(3), -80, 60, 0)
        at_us, _, content = asks(alone, 6_000_000)[0]
        wanted = joining.decode_request(content)
        word = joining.wait(wanted.nonce + (0 if is_ours else 1), seconds, is_on_its_way)
        alone.on_rx(at_us, joining.welcome_frame(3, wanted.answer_to, word), -80, 60, 0)
        again_us = alone.next_deadline() - at_us
        assert waits[0] * 1e6 <= again_us <= waits[1] * 1e6, (seconds, again_us)
    assert joining.decode_wait(5, b"\x85\0\0") is None
    assert joining.decode_wait(5, joining.wait(5, 0, True)) == (1, True)
    assert joining.decode_wait(5, joining.wait(5, 999, False)) == (127, False)


def test_a_gateway_that_is_heard_well_is_asked_first_then_who_is_heard_best_of_any_number():
    alone = joiner()
    for source in range(20, 20 + KNOWN_MAX):     # Heard hardly, and enough to fill the table.
        alone.on_rx(0, beacon_of(source), -110, -20, 0)
    alone.on_rx(0, beacon_of(7, priority=0), -100, 0, 0)
    alone.on_rx(0, beacon_of(8, priority=0), -100, -25, 0)       # Too weak to matter.
    for source in (2, 3, 4, 5):
        alone.on_rx(0, beacon_of(source), -80, 10 * source, 0)
    found = [proxy for _, proxy, _ in asks(alone, 200_000_000)]
    assert found[:5] == [7, 5, 4, 3, 7]


def test_questions_of_others_spare_us_ours_but_not_for_ever():
    alone, noisy = joiner(), joiner()
    question = joining.join_frame(0xC001, ALL, b"")
    sent = []
    for second in range(600):
        noisy.on_rx(second * 1_000_000, question, -80, 60, 0)
        sent += asks(noisy, second * 1_000_000)
    assert 2 <= len(sent) < len(asks(alone, 600_000_000))


def test_a_request_waits_for_a_burst_that_was_heard_to_begin_once():
    alone = joiner()
    alone.on_rx(0, beacon_of(3), -80, 60, 0)
    due_us = alone.next_deadline()
    poll = frames.encode_header(Header(frames.POLL, 0, 7, 9, 10, 1, frames.poll_aux(16, 0)))
    alone.on_rx(due_us - 200_000, poll + bytes(30), -80, 60, 0)
    after_us = alone.next_deadline()
    assert due_us + 1_000_000 < after_us < due_us + 4_000_000
    alone.on_rx(after_us - 200_000, poll + bytes(30), -80, 60, 0)
    assert alone.next_deadline() == after_us


def test_a_closed_porch_passes_nothing_on():
    air = started()
    for address in (1, 2, 3):
        air.relays[address].porch.is_open = False
    air.run(5 * MINUTE_US)
    assert air.of("join") == [] and air.of("joined") == []


def test_each_epoch_has_its_own_key_and_its_own_number_in_headers():
    # RFC 4231, case 2.
    assert keys.hmac(b"Jefe", b"what do ya want for nothing?")[:4] == b"\x5b\xdc\xc1\x46"
    found = {keys.epoch_key(b"k" * 16, epoch) for epoch in range(50)}
    assert len(found) == 50 and all(len(key) == keys.KEY_SIZE for key in found)
    assert all(0 < keys.network_of(b"k" * 16, epoch) < 65536 for epoch in range(200))
