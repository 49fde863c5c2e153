"""Whatever a genuine member of the mesh sends, a relay neither fails nor grows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edge.mesh.doubles import DigestSeal
from wum_edge.mesh import downframes, frames
from wum_edge.mesh.airtime import modulation
from wum_edge.mesh.children import CHILDREN_MAX, ROUTES_MAX
from wum_edge.mesh.custody import ITEMS_MAX
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.neighbours import NEIGHBOURS_MAX
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting

WAYS = [modulation(7, 250_000), modulation(5, 250_000, preamble=12)]
SHORT = st.integers(0, 255)
ADDRESS = st.sampled_from([1, 2, 3, 4, 5, 0xFFFF])
WORD = st.integers(0, 0xFFFF)
STAMPS = st.builds(frames.Stamp, SHORT, st.integers(0, (1 << 56) - 1), SHORT)
POLLS = st.builds(
    frames.Poll, ADDRESS, SHORT, WORD, SHORT, WORD, st.integers(0, 0xFFFFFFFF), STAMPS,
    st.lists(st.tuples(ADDRESS, WORD, WORD), max_size=frames.ACKS_MAX),
    st.lists(st.tuples(ADDRESS, st.integers(0, 20), SHORT), max_size=frames.RECEIPTS_MAX))
ITEMS = st.lists(st.builds(
    frames.Item, ADDRESS, st.integers(0, 20), st.integers(0, 127), st.booleans(),
    st.binary(max_size=40), st.integers(0, 15)), max_size=5)
BODIES = st.one_of(
    st.tuples(st.just(frames.BEACON), st.builds(
        frames.Beacon, ADDRESS, SHORT, st.integers(0, 0xFFFF), SHORT, SHORT, st.integers(0, 1),
        STAMPS).map(frames.encode_beacon)),
    st.tuples(st.just(frames.ASK), st.builds(
        frames.Ask, WORD, SHORT, SHORT, st.integers(0, 0xFFFFFFFF)).map(frames.encode_ask)),
    st.tuples(st.just(frames.POLL), POLLS.map(frames.encode_poll)),
    st.tuples(st.just(frames.DATA), st.builds(
        frames.encode_data, st.integers(0, 0xFFFF), st.integers(0, 3), ITEMS)),
    st.tuples(st.just(frames.RIPPLE), st.builds(
        downframes.Ripple, STAMPS, ADDRESS, SHORT, SHORT, SHORT, st.integers(0, (1 << 56) - 1),
        st.binary(max_size=40)).map(downframes.encode_ripple)),
    st.tuples(st.just(frames.ECHO), st.builds(
        downframes.Echo, STAMPS, WORD, ADDRESS, SHORT, st.integers(0, 40),
        st.binary(max_size=24)).map(downframes.encode_echo)),
    st.tuples(st.just(frames.DOWN), st.builds(downframes.encode_down, ADDRESS, ITEMS)),
    st.tuples(st.integers(0, 15), st.binary(max_size=frames.BODY_MAX)))
EVENTS = st.lists(st.tuples(
    st.integers(2, 5), st.sampled_from([1, 1, 1, 0xFFFF, 9]), SHORT, BODIES,
    st.integers(0, 3_000_000), st.integers(-60, 160), st.integers(0, 1)), max_size=40)


def answer(relay, t_us):
    """Do what it wants: every frame goes out, and takes 30 ms."""
    for action in relay.actions():
        if action[0] == "tx":
            assert len(action[2]) <= frames.FRAME_MAX
            relay.on_tx_done(t_us + 30_000, action[1], 30_000 if t_us % 3 else 0)


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.booleans(), st.integers(0, 1000))
def test_any_member_s_frames_do_no_harm(events, is_gateway, seed):
    seal = DigestSeal(b"k")
    members = {address: Guard(seal, 7, 1, address) for address in range(2, 6)}
    relay = Relay(Setting(1, is_gateway, WAYS, 1000), Guard(seal, 7, 1, 1), 0, seed, 0)
    t_us = 0
    relay.submit(t_us, bytes(500), 2)
    for source, to, aux, (kind, body), wait_us, snr_q4, rate in events:
        t_us += wait_us
        if members[source].must_reserve():
            members[source].reserve()
        relay.on_rx(t_us, members[source].seal(kind, 2, to, aux, body), -90, snr_q4, rate)
        answer(relay, t_us)
        t_us += 40_000
        relay.on_tick(t_us)
        answer(relay, t_us)
        deadline_us = relay.next_deadline()
        assert deadline_us is not None
        assert relay.custody.size <= ITEMS_MAX
        assert len(relay.neighbours.all()) <= NEIGHBOURS_MAX
        assert len(relay.children._children) <= CHILDREN_MAX
        assert len(relay.children._routes) <= ROUTES_MAX


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_noise_does_no_harm(noises):
    relay = Relay(Setting(1, False, WAYS, 1000), Guard(DigestSeal(b"k"), 7, 1, 1), 0, 1, 0)
    for t_us, noise in enumerate(noises):
        relay.on_rx(t_us, noise, -90, 20, 0)
    assert relay.neighbours.all() == [] and not relay.custody.size
