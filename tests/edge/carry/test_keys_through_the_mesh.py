"""New keys for a concentrator without an uplink: its opening up, the answer down, over relays.

Virtual time, real relays; whoever carries reads nothing, and power fails where it hurts.
"""

from tests.edge.carry.test_through_the_mesh import (
    CUTS,
    OWN,
    STEP_US,
    Station,
    Street,
    Wire,
    cut,
)
from tests.edge.headend import EvenDice, Sentences
from tests.edge.test_joining import (
    AGREEMENT,
    CIPHER,
    CRYPTO,
    IDENTITY,
    ROOT,
    ROOT_SEED,
    SIGNATURES,
    trust,
)
from wum_edge.carry.carriage import Carriage
from wum_edge.carry.envelope import DOWNWARD, UPWARD, unwrap, wrap
from wum_edge.enrolment.joining import Opening, Trusted
from wum_edge.enrolment.renewal import Questions, Renewal
from wum_shared import enrolment
from wum_shared.errors import WireError
from wum_shared.topics import DOWN, ENROL, UP, parse_topic, topic

DAY_MS = 86_400_000
SECRETS = [bytes((number,)) * 32 for number in range(1, 12)]     # Of the uplink keys, in order.


def widest(number):
    """A trust document that is as long as they get."""
    approvers = tuple(SIGNATURES.public(bytes((one,)) * 32) for one in range(1, 7))
    orders = (SIGNATURES.public(b"o" * 32), SIGNATURES.public(b"p" * 32))
    return enrolment.sign_trust(SIGNATURES, ROOT_SEED, ROOT, enrolment.Trust(
        number, AGREEMENT.public(SECRETS[number - 1]), orders, ROOT, approvers, 3))


class Office:
    """The head-end: under the newest two documents it opens, from others it leads on."""

    def __init__(self, documents):
        self.documents, self.keys, self.openings = documents, {}, []
        self.count = 0

    def answer(self, message):
        opening = enrolment.open_opening(SIGNATURES, IDENTITY.key, message)
        self.openings.append(opening.epoch)
        digests = [enrolment.sha256(one) for one in self.documents]
        meant = digests.index(opening.trust_digest)
        newer = self.documents[meant + 1:meant + 1 + enrolment.CHAIN_MAX]
        if len(newer) >= 2:
            return enrolment.encode_chain(newer)
        up, down = enrolment.epoch_keys(
            AGREEMENT, SECRETS[meant], opening.ephemeral_key, self.documents[meant],
            opening.concentrator, opening.epoch)
        self.keys[opening.epoch] = up, down
        self.count += 1
        return enrolment.seal_opened(
            CIPHER, down, opening.concentrator, opening.epoch, "utility", self.count,
            enrolment.Opened(newer, "a password of the broker"))


class EnrolWire(Wire):
    """What is carried of `enrol` is of the concentrator with the identity."""

    def publish(self, name, payload):
        if parse_topic(name)[2] != ENROL:
            return Wire.publish(self, name, payload)
        if not self._street.is_connected:
            return False
        self._street.answers.append((
            topic(IDENTITY.concentrator, DOWN, ENROL), self._street.office.answer(payload)))
        return True


class KeyStreet(Street):
    """3 opens epochs; what stands in `flash_*` outlives its power cuts."""

    def __init__(self, documents=None, every_ms=DAY_MS):
        self.every_ms = every_ms
        documents = documents or [trust(1, SECRETS[0])]
        self.office = Office(documents)
        self.flash_trusted = Trusted(ROOT, documents[0], "utility")
        self.flash_tried, self.flash_keys, self.refused = 0, None, []
        Street.__init__(self)

    def start_gateway(self):
        self.carriage = Carriage(OWN, EnrolWire(self), Station(self.air, 1), Sentences())

    def start_agent(self):
        Street.start_agent(self)
        self.renewal = Renewal(self._begin, Questions(
            self.broker, topic(IDENTITY.concentrator, UP, ENROL), EvenDice()),
            self.every_ms, self.air.now // 1000 + 30_000)

    def _begin(self):
        self.flash_tried += 1
        return Opening(CRYPTO, IDENTITY, self.flash_trusted, self.flash_tried,
                       bytes((self.flash_tried,)) * 32)

    def _hear(self, stream, sealed):
        if stream != ENROL:
            Street._hear(self, stream, sealed)
            return
        renewed = None
        try:
            renewed = self.renewal.opening.opened(sealed) if self.renewal.opening else None
        except WireError as error:
            self.refused.append(str(error))
        if renewed is None:
            return
        self.flash_trusted = renewed.trusted
        self.flash_keys = renewed.keys or self.flash_keys
        self.renewal.answered(self.air.now // 1000, is_done=renewed.keys is not None)

    def step(self, step_us):
        self.renewal.tick(self.air.now // 1000)
        Street.step(self, step_us)

    def has_same_keys(self):
        keys = self.flash_keys
        return keys is not None and self.office.keys[keys.epoch] == (keys.uplink, keys.downlink)


def test_an_epoch_is_opened_and_nobody_on_the_way_gives_the_meaning():
    street = KeyStreet()
    street.run(3)
    assert street.has_same_keys() and street.flash_keys.epoch == 1
    assert street.office.openings == [1] and street.refused == []
    assert street.air.relays[3].custody.size == 0


def test_the_longest_chain_of_trust_documents_comes_down_whole_and_the_next_opening_follows():
    street = KeyStreet([widest(number) for number in range(1, 12)])
    assert len(enrolment.encode_chain(street.office.documents[1:9])) > 3000
    street.run(8)
    assert street.has_same_keys()
    assert street.office.openings == [1, 2, 3], "eight documents, the last two, and keys"
    assert street.flash_trusted.document == street.office.documents[-1]


def test_what_is_played_again_to_it_moves_nothing():
    street = KeyStreet([trust(number, SECRETS[number - 1]) for number in (1, 2, 3)])
    heard, hear = [], street._hear

    def listen(stream, sealed):
        heard.append((stream, sealed))
        hear(stream, sealed)
    street.broker._hear = listen
    street.run(4)
    before, said = (street.flash_keys, street.flash_trusted), list(heard)
    assert street.has_same_keys() and len(said) == 2
    for stream, sealed in said:                  # With nothing asked, and with the next opening.
        street.broker.receive(wrap(DOWNWARD, IDENTITY.concentrator, stream, sealed))
    street.renewal.answered(street.air.now // 1000, is_done=False)
    street.is_connected = False
    street.run(1)
    for stream, sealed in said:
        street.broker.receive(wrap(DOWNWARD, IDENTITY.concentrator, stream, sealed))
    assert (street.flash_keys, street.flash_trusted) == before and len(street.refused) == 2
    assert street.renewal.opening is not None, "its own answer may still come"
    street.is_connected = True
    street.run(4)
    assert street.has_same_keys() and street.flash_keys.epoch > before[0].epoch


def test_after_power_cuts_anywhere_on_the_way_both_sides_have_the_same_new_keys():
    for name in sorted(CUTS):
        street = KeyStreet(every_ms=3 * 60_000)      # So long is its patience, too.
        cut(street, name, 60 * 100)
        tries = 0
        while not street.has_same_keys():
            street.run(1)
            tries += 1
            assert tries < 12, name
        assert sorted(set(street.office.openings)) == list(range(
            street.office.openings[0], street.flash_keys.epoch + 1)), name


def test_while_the_head_end_is_away_there_is_one_copy_of_one_opening_in_the_mesh():
    street = KeyStreet()
    street.run(2)                                # A way, and the first epoch.
    first = street.flash_keys
    street.renewal.answered(street.air.now // 1000, is_done=False)
    street.air.loses = lambda frame: True
    for _ in range(120):
        street.step(60 * STEP_US)
        own = [unwrap(UPWARD, item.content)[1] for item in
               street.air.relays[3].custody.everything() if item.fragment == 0]
        assert own.count(ENROL) <= 1
    assert street.flash_keys == first and street.flash_tried == 2
