"""A station without keys comes in through a neighbour; a storm of such does not get far."""

from hashlib import sha256

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.quiet_air import WAYS, QuietAir
from tests.portable import raises
from wum_edge.mesh import joining, keys
from wum_edge.mesh.frames import Malformed
from wum_edge.mesh.joiner import Joiner
from wum_edge.mesh.porch import BURST_MAX, REFILL_US
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
        content = joining.request(DEVICE, sha256(b"%d" % count).digest()[:8], count, 0xC000)
        relay.on_rx(air.now, joining.join_frame(0xC000, 3, content), -80, 60, 0)
        air.run(air.now + 30_000)
    air.run(air.now + MINUTE_US)
    allowed = BURST_MAX + (air.now - begin_us) // REFILL_US + 1
    assert 0 < len(air.of("join")) <= allowed
    assert relay.counts["join refused"] >= 2_000 - allowed


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
