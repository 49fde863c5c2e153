"""Archive, delivery, relays, gateway and head-end in one: power cuts anywhere, and nothing is lost.

Virtual time, real seals, real relays; the air loses what it is told to.
"""

from tests.edge.headend import KEYS, EvenDice, HeadEnd, Sentences
from tests.edge.mesh.test_wire import MINUTE_US, WiredAir
from tests.edge.records import SCHEMA_ID, STAMP, archive_on, mixed, numbered
from tests.shared.quick_cipher import QuickCipher
from wum_edge.carry.carriage import Carriage, Uplink
from wum_edge.carry.envelope import UPWARD, unwrap
from wum_edge.carry.mesh_broker import Mesh, MeshBroker
from wum_edge.uplink.counter import Counter
from wum_edge.uplink.delivery import Delivery
from wum_shared.gaps import GapRange
from wum_shared.status import GAP_SENT
from wum_shared.topics import ACKNOWLEDGEMENT, BATCH, DOWN, REQUEST, UP, parse_topic, topic
from wum_simulator.flash import SimulatedFlash

STEP_US = 1_000_000
OWN = b"\x09" * 8            # The gateway's: it is not our concentrator.


class Station(Mesh):
    """One station of the air, as carry/ wants it."""

    def __init__(self, air, address):
        self._air, self._address = air, address

    def _do(self, act):
        relay = self._air.relays.get(self._address)
        if relay is None:
            return None
        answer = act(relay, self._air.now)
        self._air._act(self._address)
        return answer

    def has_room(self, pieces):
        return bool(self._do(lambda relay, _: relay.custody.has_room(pieces)))

    def submit(self, content, priority):
        return self._do(lambda relay, t_us: relay.submit(t_us, content, priority))

    def resubmit(self, number, content, here, priority):
        self._do(lambda relay, t_us: relay.resubmit(t_us, number, content, here, priority))

    def withdraw(self, number):
        self._do(lambda relay, t_us: relay.withdraw(t_us, number))

    def send_down(self, address, content):
        return self._do(lambda relay, t_us: relay.send_down(t_us, address, content)) is not None

    def let_in(self, is_open):
        self._air.relays[1].is_open = is_open


class Wire(Uplink):
    """The gateway's connection to the head-end, which commits at once and answers."""

    def __init__(self, street):
        self._street = street

    def session(self):
        return 1 if self._street.is_connected else 0

    def publish(self, name, payload):
        street = self._street
        if not street.is_connected or not street.head_end.publish(name, payload):
            return False
        if parse_topic(name)[2] == BATCH:
            answer = street.head_end.store(street.head_end.batches()[-1])
            street.answers.append((topic(KEYS.concentrator, DOWN, ACKNOWLEDGEMENT), answer))
        return True

    def also_hear(self, concentrator, is_wanted):
        pass

    def hears(self, concentrator):
        return True


class Street:
    """1 is the gateway, 2 a relay, 3 the concentrator without an uplink."""

    def __init__(self):
        self.air = WiredAir({1}, [(1, 2)], [(2, 3)])
        self.air.other = self._other
        self.flash, self.head_end, self.is_connected = SimulatedFlash(), HeadEnd(), True
        self.answers = []
        self.start_gateway()
        self.start_agent()

    def start_gateway(self):
        self.carriage = Carriage(OWN, Wire(self), Station(self.air, 1), Sentences())

    def start_agent(self):
        self.archive = archive_on(self.flash)
        self.broker = MeshBroker(Station(self.air, 3), Sentences(), self._hear)
        self.delivery = Delivery(
            archive=self.archive, counter=Counter(self.flash, KEYS.key_id, 0),
            cipher=QuickCipher(), keys=KEYS, broker=self.broker, dice=EvenDice(), log=Sentences())

    def _hear(self, stream, sealed):
        hear = self.delivery.asked if stream == REQUEST else self.delivery.heard
        hear(sealed, self.air.now // 1000)

    def _other(self, address, action):
        if action[0] == "deliver":
            self.carriage.delivered(action[1], action[3], self.air.now // 1000)
        elif action[0] == "receive" and address == 3:
            self.broker.receive(action[3])
        elif action[0] == "want" and address == 3:
            self.broker.want(action[1], action[2])
        elif action[0] in ("done", "again") and address == 3:
            self.broker.done(action[1])

    def run(self, minutes):
        """Let time pass; the agents tick each second."""
        until_us = self.air.now + minutes * MINUTE_US
        while self.air.now < until_us:
            self.step(STEP_US)

    def step(self, step_us):
        self.air.run(self.air.now + step_us)
        now_ms = self.air.now // 1000
        self.delivery.tick(now_ms)
        self.carriage.tick(now_ms)
        answers, self.answers = self.answers, []
        for name, sealed in answers:
            self.carriage.said(name, sealed)

    def is_whole(self, records):
        return self.archive.backlog == 0 and self.head_end.committed == {
            n + 1: numbered(r, n + 1) for n, r in enumerate(mixed(0, records))}


def test_records_arrive_and_only_the_head_end_moves_the_cursor():
    street = Street()
    street.run(2)
    street.archive.append(mixed(0, 5), SCHEMA_ID, STAMP)
    street.is_connected = False
    street.run(1)
    assert street.carriage.waiting and street.archive.cursor == 0      # Receipts move nothing.
    street.is_connected = True
    street.run(3)
    assert street.is_whole(5) and street.archive.cursor == 5
    assert len(street.head_end.batches()) == 1


def test_a_copy_that_was_sent_again_is_withdrawn_when_the_first_is_acknowledged():
    street = Street()
    street.run(1)
    street.air.loses = lambda frame: True
    street.archive.append(mixed(0, 5), SCHEMA_ID, STAMP)
    copies = street.broker._copies
    while len(copies) < 3:                       # Schema, batch, and the batch once more.
        street.step(STEP_US)
    first = {number: unwrap(UPWARD, content)[1:] for number, (content, _) in copies.items()}
    relay = street.air.relays[3]
    batches = [number for number, (stream, _) in first.items() if stream == BATCH]
    held = {item.number for item in relay.custody.everything()}
    assert len(batches) >= 2 and held >= set(batches)
    for number in sorted(first)[:2]:             # What went first has arrived all the same.
        stream, sealed = first[number]
        street.head_end.publish(topic(KEYS.concentrator, UP, stream), sealed)
    street._hear(ACKNOWLEDGEMENT, street.head_end.store(street.head_end.batches()[0]))
    assert street.archive.backlog == 0
    assert not {item.number for item in relay.custody.everything()} & set(batches)


def test_what_the_head_end_asks_goes_down_over_the_relay_and_the_answer_comes_up_though_it_dies():
    street = Street()
    street.run(1)
    street.archive.append(mixed(0, 5), SCHEMA_ID, STAMP)
    street.run(3)
    assert street.is_whole(5)
    before = len(street.head_end.batches())
    request = street.head_end.ask(GapRange(street.archive.incarnation, 2, 4))
    street.carriage.said(topic(KEYS.concentrator, DOWN, REQUEST), request)
    street.air._act(1)
    while not street.air.relays[2].downward.size:    # Nobody on the way opens it.
        street.step(20_000)
    street.air.boot(2)                               # Power fails there: the gateway says it again.
    for _ in range(20):
        street.run(1)
        if street.head_end.answers():
            break
    assert [part.reason for part in street.head_end.answers()[0].parts] == [GAP_SENT]
    sent = street.head_end.batches()[before:]
    assert [(batch.first, batch.last) for batch in sent] == [(2, 4)]


# Where something is that a power cut takes: who loses it, and when.
CUTS = {
    "of the origin, on the way up": (3, lambda street: street.air.relays[3].custody.size),
    "of the relay, on the way up": (2, lambda street: street.air.relays[2].custody.size and (
        not street.air.relays[3].custody.size)),
    "of the gateway, whose broker is away": (1, lambda street: street.carriage.waiting),
    "of the relay, with the answer": (2, lambda street: street.air.relays[2].downward.size),
    "of the gateway, with the answer": (1, lambda street: street.air.relays[1].orders.size),
    "of the origin, before the answer": (3, lambda street: street.air.relays[2].downward.size),
}


def cut(street, name, steps):
    """Let power fail at the time of this name in CUTS, which comes within so many steps."""
    address, is_time = CUTS[name]
    street.is_connected = "broker" not in name
    for _ in range(steps):
        street.step(20_000)
        if is_time(street):
            break
    assert is_time(street), name
    street.air.boot(address)
    street.is_connected = True
    if address == 1:
        street.start_gateway()                   # What waited there is gone.
        street.answers = []
    if address == 3:
        street.start_agent()


def test_power_cuts_anywhere_on_the_way_lose_nothing():
    for name in sorted(CUTS):
        street = Street()
        street.run(1)
        street.archive.append(mixed(0, 4), SCHEMA_ID, STAMP)
        cut(street, name, 60 * 50)
        tries = 0
        while not street.is_whole(4):
            street.run(1)
            tries += 1
            assert tries < 40, name
