"""What a gateway carries for others, and delivery's connection through the mesh."""

from wum_edge.carry.carriage import REOPEN, WAITING_MAX, Carriage, Uplink
from wum_edge.carry.envelope import DOWNWARD, UPWARD, unwrap, wrap
from wum_edge.carry.mesh_broker import COPIES_MAX, Mesh, MeshBroker
from wum_edge.log import Log
from wum_shared import cbor
from wum_shared.errors import Malformed
from wum_shared.topics import ACKNOWLEDGEMENT, BATCH, DOWN, REQUEST, SCHEMA, UP, topic

OWN, OTHER = b"\x01" * 8, b"\x02" * 8


def sealed_of(concentrator, text=b"text that nobody opens"):
    """The outside of a sealed message: its kid tells whose it is."""
    protected = cbor.encode({1: 24, 4: concentrator + b"\x00\x00", 6: b"\x05"})
    return cbor.encode(cbor.Tag(16, [protected, {}, text + bytes(16)]))


class Sentences(Log):
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.said.append(text)


class Wire(Uplink):
    def __init__(self):
        self.number, self.published, self.takes = 1, [], 1000
        self.heard = {}

    def session(self):
        return self.number

    def publish(self, topic, payload):
        if len(self.published) >= self.takes:
            return False
        self.published.append((topic, payload))
        return True

    def also_hear(self, concentrator, is_wanted):
        if is_wanted:
            self.heard[concentrator] = None
        else:
            del self.heard[concentrator]

    def hears(self, concentrator):
        return self.heard.get(concentrator)


class Air(Mesh):
    def __init__(self):
        self.down, self.open, self.up, self.again = [], [], [], []
        self.room, self.takes_down = True, True

    def has_room(self, pieces):
        return self.room

    def submit(self, content, priority):
        if not self.room:
            return None
        self.up.append((content, priority))
        return len(self.up)

    def resubmit(self, number, content, here, priority):
        self.again.append((number, content, here))

    def send_down(self, address, content):
        if self.takes_down:
            self.down.append((address, content))
        return self.takes_down

    def let_in(self, is_open):
        self.open.append(is_open)


class Gateway:
    def __init__(self):
        self.wire, self.air, self.log = Wire(), Air(), Sentences()
        self.carriage = Carriage(OWN, self.wire, self.air, self.log)

    def arrives(self, sealed, address=7, stream=BATCH):
        self.carriage.delivered(address, wrap(UPWARD, stream, sealed), 0)


def test_a_message_goes_out_in_its_owners_name_once_its_answers_are_heard():
    gateway = Gateway()
    sealed = sealed_of(OTHER)
    gateway.arrives(sealed)
    gateway.carriage.tick(1)
    assert gateway.wire.published == [] and gateway.wire.heard == {OTHER: None}
    gateway.wire.heard[OTHER] = True
    gateway.carriage.tick(2)
    assert gateway.wire.published == [(topic(OTHER, UP, BATCH), sealed)]
    assert gateway.carriage.waiting == 0


def test_what_the_head_end_says_goes_down_as_it_came():
    gateway = Gateway()
    gateway.arrives(sealed_of(OTHER), address=9, stream=SCHEMA)
    for stream in (ACKNOWLEDGEMENT, REQUEST):
        gateway.carriage.said(topic(OTHER, DOWN, stream), sealed_of(OTHER, stream.encode()))
    assert [address for address, _ in gateway.air.down] == [9, 9]
    assert [unwrap(DOWNWARD, content)[1:] for _, content in gateway.air.down] == [
        (stream, sealed_of(OTHER, stream.encode())) for stream in (ACKNOWLEDGEMENT, REQUEST)]
    gateway.carriage.said(topic(b"\x03" * 8, DOWN, ACKNOWLEDGEMENT), b"x")
    gateway.air.takes_down = False
    gateway.carriage.said(topic(OTHER, DOWN, ACKNOWLEDGEMENT), sealed_of(OTHER))
    assert len(gateway.air.down) == 2 and gateway.carriage.counts["no room down"] == 1


def test_a_queue_that_is_full_closes_the_mesh_until_half_of_it_is_gone():
    gateway = Gateway()
    gateway.wire.number = 0
    for _ in range(WAITING_MAX):
        gateway.arrives(sealed_of(OTHER))
    assert gateway.air.open == [False]
    gateway.arrives(sealed_of(OTHER))            # What was under way is given up, and counted.
    assert gateway.carriage.waiting == WAITING_MAX and gateway.carriage.counts["given up"] == 1
    gateway.wire.number, gateway.wire.heard[OTHER] = 1, True
    gateway.wire.takes = WAITING_MAX - REOPEN - 1
    gateway.carriage.tick(1)
    assert gateway.air.open == [False] and gateway.carriage.waiting == REOPEN + 1
    gateway.wire.takes += 1
    gateway.carriage.tick(2)
    assert gateway.air.open == [False, True]


def test_without_rights_at_the_broker_it_is_told_what_to_do_and_nothing_piles_up():
    gateway = Gateway()
    gateway.arrives(sealed_of(OTHER))
    gateway.wire.heard[OTHER] = False
    gateway.carriage.tick(1)
    assert gateway.carriage.waiting == 0 and gateway.wire.published == []
    assert "--carries" in gateway.log.said[-1]


def test_what_is_no_message_or_claims_to_be_ours_is_not_carried():
    gateway = Gateway()
    for content in (b"", b"\x40", b"\x4fxxx", b"\x00" + sealed_of(OTHER), b"\x40" + bytes(40),
                    wrap(UPWARD, BATCH, sealed_of(OWN))):
        gateway.carriage.delivered(7, content, 0)
    assert gateway.carriage.waiting == 0 and gateway.carriage.counts["refused"] == 6
    assert gateway.wire.heard == {}


def test_an_origin_that_is_not_heard_for_long_is_forgotten():
    gateway = Gateway()
    gateway.arrives(sealed_of(OTHER))
    gateway.carriage.tick(6 * 3_600_000 + 1)
    assert gateway.wire.heard == {} and gateway.carriage.origins == {}


def answer(number):
    """A sealed message like no other."""
    return sealed_of(OWN)[:-16] + number.to_bytes(16, "big")


def station():
    heard, clock = [], [0]
    air = Air()
    broker = MeshBroker(air, Sentences(), lambda: clock[0],
                        lambda is_request, sealed: heard.append((is_request, sealed)))
    return air, broker, heard, clock


def test_delivery_hands_over_and_hears_through_the_mesh():
    air, broker, heard, _ = station()
    sealed = sealed_of(OWN)
    assert broker.session() == 1 and broker.publish(topic(OWN, UP, BATCH), sealed)
    assert unwrap(UPWARD, air.up[0][0]) == (OWN, BATCH, sealed)
    request = answer(5)
    for _ in range(2):           # Two gateways may both have heard it for us.
        broker.receive(wrap(DOWNWARD, ACKNOWLEDGEMENT, sealed))
        broker.receive(wrap(DOWNWARD, REQUEST, request))
    assert heard == [(False, sealed), (True, request)]
    for noise in (b"", b"\x40", b"\x45" + sealed):
        broker.receive(noise)
    assert broker.refused == 3 and len(heard) == 2
    air.room = False
    assert not broker.has_room() and not broker.publish(topic(OWN, UP, BATCH), sealed)


def test_patience_follows_what_answers_take():
    _, broker, _, clock = station()
    first = broker.answer_ms
    for _ in range(8):
        broker.publish(topic(OWN, UP, BATCH), sealed_of(OWN))
        clock[0] += 300_000
        broker.receive(wrap(DOWNWARD, ACKNOWLEDGEMENT, answer(clock[0])))
    assert first < broker.answer_ms <= 1_200_000
    for _ in range(30):
        broker.publish(topic(OWN, UP, BATCH), sealed_of(OWN))
        clock[0] += 1000
        broker.receive(wrap(DOWNWARD, ACKNOWLEDGEMENT, answer(clock[0])))
    assert broker.answer_ms < first


def test_missing_pieces_are_sent_again_as_long_as_the_object_is_known():
    air, broker, _, _ = station()
    for _ in range(COPIES_MAX + 2):
        broker.publish(topic(OWN, UP, BATCH), sealed_of(OWN))
    broker.want(1, 0)                            # The oldest two had to make room.
    broker.want(3, 5)
    broker.done(3)
    broker.want(3, 5)
    assert [(number, here) for number, _, here in air.again] == [(3, 5)]


def test_an_envelope_of_another_direction_is_refused():
    content = wrap(UPWARD, "mesh", sealed_of(OWN))
    refused = False
    try:
        unwrap(DOWNWARD, content)
    except Malformed:
        refused = True
    assert refused
