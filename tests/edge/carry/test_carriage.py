"""What a gateway carries for others, and delivery's connection through the mesh."""

from tests.portable import raises
from wum_edge.carry.carriage import REOPEN, WAITING_MAX, Carriage, Uplink
from wum_edge.carry.envelope import DOWNWARD, UPWARD, unwrap, wrap
from wum_edge.carry.mesh_broker import COPIES_MAX, Mesh, MeshBroker
from wum_edge.carry.unanswered import OF_ONE_MAX, TRIES_MAX
from wum_edge.log import Log
from wum_edge.uplink.broker import Broker
from wum_shared import cbor
from wum_shared.errors import Malformed
from wum_shared.topics import ACKNOWLEDGEMENT, BATCH, DOWN, ENROL, REQUEST, SCHEMA, UP, topic

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
        self.withdrawn = []

    def has_room(self, pieces):
        return self.room

    def submit(self, content, priority):
        if not self.room:
            return None
        self.up.append((content, priority))
        return len(self.up)

    def resubmit(self, number, content, here, priority):
        self.again.append((number, content, here))

    def withdraw(self, number):
        self.withdrawn.append(number)

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
        self.carriage.delivered(address, wrap(UPWARD, OTHER, stream, sealed), 0)

    def hands_over(self, sealed, address=7, now_ms=0):
        self.arrives(sealed, address)
        self.wire.heard[OTHER] = True
        self.carriage.tick(now_ms)

    def is_answered(self):
        self.carriage.said(topic(OTHER, DOWN, ACKNOWLEDGEMENT), sealed_of(OTHER))

    def sent(self):
        """What the broker took since this was last asked."""
        taken, self.wire.published = [sealed for _, sealed in self.wire.published], []
        return taken


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
    gateway.hands_over(sealed_of(OTHER), address=9)
    for stream in (ACKNOWLEDGEMENT, REQUEST):
        gateway.carriage.said(topic(OTHER, DOWN, stream), sealed_of(OTHER, stream.encode()))
    assert [address for address, _ in gateway.air.down] == [9, 9]
    assert [unwrap(DOWNWARD, content)[1:] for _, content in gateway.air.down] == [
        (stream, sealed_of(OTHER, stream.encode())) for stream in (ACKNOWLEDGEMENT, REQUEST)]
    gateway.carriage.said(topic(b"\x03" * 8, DOWN, ACKNOWLEDGEMENT), b"x")
    gateway.air.takes_down = False
    gateway.carriage.said(topic(OTHER, DOWN, REQUEST), sealed_of(OTHER))
    assert len(gateway.air.down) == 2 and gateway.carriage.counts["no room down"] == 1


def test_what_a_broker_confirmed_and_lost_goes_out_again_and_its_origin_need_not_send_it():
    gateway = Gateway()
    one, other = sealed_of(OTHER, b"one"), sealed_of(OTHER, b"other")
    gateway.hands_over(one)
    gateway.hands_over(other)
    gateway.is_answered()
    assert gateway.sent() == [one, other]
    gateway.wire.number = 0                      # The broker is away, and knows of nothing when
    gateway.carriage.tick(1000)                  # it is back.
    gateway.wire.number = 2
    gateway.carriage.tick(2000)
    assert gateway.sent() == []
    gateway.carriage.tick(2000 + Broker.reconnect_ms)
    assert gateway.sent() == [other]             # An answer counts for the oldest.
    gateway.is_answered()
    gateway.carriage.tick(3_000_000)
    assert gateway.sent() == [] and gateway.carriage.counts["again"] == 1


def test_a_head_end_that_answers_nobody_is_probed_with_one_batch_and_then_gets_all():
    gateway = Gateway()
    batches = [sealed_of(OTHER, b"%d" % number) for number in range(3)]
    for batch in batches:
        gateway.hands_over(batch)
    assert gateway.sent() == batches
    wait_ms, rounds = Broker.answer_ms, []
    for at_ms in range(0, 4 * wait_ms, 1000):
        gateway.carriage.tick(at_ms)
        rounds += [gateway.sent()]
    assert [len(found) for found in rounds if found] == [3, 1]
    gateway.is_answered()                        # It lives: now all that is due goes out.
    gateway.carriage.tick(10 * wait_ms)
    assert gateway.sent() == batches[1:]


def test_what_is_never_answered_is_given_up_and_of_one_origin_four_are_kept():
    gateway = Gateway()
    for number in range(OF_ONE_MAX + 2):
        gateway.hands_over(sealed_of(OTHER, b"%d" % number))
    gateway.sent()
    found = []
    for at_s in range(3000):
        gateway.carriage.tick(at_s * 1000)
        found += gateway.sent()
    assert len(set(found)) == OF_ONE_MAX and len(found) == OF_ONE_MAX * (TRIES_MAX - 1)


def test_an_answer_to_what_another_gateway_carried_takes_no_airtime():
    gateway = Gateway()
    gateway.arrives(sealed_of(OTHER), stream=SCHEMA)
    gateway.is_answered()
    assert gateway.air.down == [] and gateway.carriage.counts["of another way"] == 1
    gateway.hands_over(sealed_of(OTHER))
    gateway.is_answered()
    gateway.is_answered()
    assert len(gateway.air.down) == 1


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
                    wrap(UPWARD, OWN, BATCH, sealed_of(OWN))):
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
    heard = []
    air = Air()
    broker = MeshBroker(air, Sentences(), lambda stream, sealed: heard.append((stream, sealed)))
    return air, broker, heard


def test_delivery_hands_over_and_hears_through_the_mesh():
    air, broker, heard = station()
    sealed = sealed_of(OWN)
    assert broker.session() == 1 and broker.publish(topic(OWN, UP, BATCH), sealed)
    assert unwrap(UPWARD, air.up[0][0]) == (OWN, BATCH, sealed)
    request = answer(5)
    for _ in range(2):           # Two gateways may both have heard it for us.
        broker.receive(wrap(DOWNWARD, OWN, ACKNOWLEDGEMENT, sealed))
        broker.receive(wrap(DOWNWARD, OWN, REQUEST, request))
    assert heard == [(ACKNOWLEDGEMENT, sealed), (REQUEST, request)]
    for noise in (b"", b"\x40", b"\x45" + sealed):
        broker.receive(noise)
    assert broker.refused == 3 and len(heard) == 2
    air.room = False
    assert not broker.has_room() and not broker.publish(topic(OWN, UP, BATCH), sealed)


def test_patience_follows_what_answers_take():
    _, broker, _ = station()
    first = broker.answer_ms
    for _ in range(8):
        broker.answered(300_000)
    assert first < broker.answer_ms <= 1_200_000
    for _ in range(30):
        broker.answered(1000)
    assert broker.answer_ms < first


def test_missing_pieces_are_sent_again_as_long_as_the_object_is_known():
    air, broker, _ = station()
    for _ in range(COPIES_MAX + 2):
        broker.publish(topic(OWN, UP, BATCH), sealed_of(OWN))
    broker.want(1, 0)                            # The oldest two had to make room.
    broker.want(3, 5)
    broker.done(3)
    broker.want(3, 5)
    assert [(number, here) for number, _, here in air.again] == [(3, 5)]


def test_what_the_head_end_has_is_withdrawn_and_no_piece_of_it_sent_again():
    air, broker, _ = station()
    broker.publish(topic(OWN, UP, BATCH), sealed_of(OWN))
    number = broker.last
    broker.withdraw(number)
    broker.want(number, 0)
    assert air.withdrawn == [number] and air.again == []


def test_the_answer_to_an_opening_goes_down_by_the_gateway_that_carried_it_and_by_no_other():
    carrier, other = Gateway(), Gateway()
    for gateway, stream in ((carrier, ENROL), (other, SCHEMA)):
        gateway.arrives(sealed_of(OTHER), stream=stream)
        gateway.wire.heard[OTHER] = True
        gateway.carriage.tick(0)
        for _ in range(2):               # Who asked twice is told once.
            gateway.carriage.said(topic(OTHER, DOWN, ENROL), sealed_of(OTHER))
    assert [address for address, _ in carrier.air.down] == [7] and other.air.down == []
    assert carrier.carriage.counts["of another way"] == 1
    carrier.arrives(sealed_of(OTHER), stream=ENROL)
    carrier.carriage.said(topic(OTHER, DOWN, ENROL), sealed_of(OTHER))
    assert len(carrier.air.down) == 1, "the opening waits here still: this is of another one"
    carrier.carriage.tick(0)
    carrier.carriage.said(topic(OTHER, DOWN, ENROL), sealed_of(OTHER))
    assert len(carrier.air.down) == 2


def test_trust_documents_that_come_a_second_time_are_heard_for_flash_may_have_refused_them():
    _, broker, heard = station()
    for stream in (ENROL, REQUEST):
        for _ in range(2):
            broker.receive(wrap(DOWNWARD, OWN, stream, sealed_of(OWN, stream.encode())))
    assert [stream for stream, _ in heard] == [ENROL, ENROL, REQUEST]


def test_a_stream_without_a_number_passes_both_ways_whatever_it_says():
    gateway, (_, broker, heard) = Gateway(), station()
    signed = b"not even a seal, as what lets somebody in"
    gateway.carriage.delivered(7, wrap(UPWARD, OTHER, "enrol", signed), 0)
    gateway.wire.heard[OTHER] = True
    gateway.carriage.tick(0)
    assert gateway.wire.published == [(topic(OTHER, UP, "enrol"), signed)]
    gateway.carriage.said(topic(OTHER, DOWN, "order"), b"opaque")
    (address, content), = gateway.air.down
    broker.receive(content)
    assert (address, heard) == (7, [("order", b"opaque")])
    for noise in (b"\x4f" + OTHER, b"\x4f" + OTHER + b"\x00x", b"\x4f" + OTHER + b"\x01/x",
                  b"\x4f" + OTHER + b"\x01a", b"\x4f" + OTHER + b"\x01\xffx",
                  b"\x4f" + OTHER + b"\x21" + b"a" * 34):
        raises(Malformed, lambda noise=noise: unwrap(DOWNWARD, noise))


def test_an_envelope_of_another_direction_is_refused():
    content = wrap(UPWARD, OWN, "mesh", sealed_of(OWN))
    refused = False
    try:
        unwrap(DOWNWARD, content)
    except Malformed:
        refused = True
    assert refused
