"""A desk on simulated flash, with a clock that can be wrong, and a head-end that signs."""

from tests.edge.headend import KEYS, EvenDice, Sentences
from tests.shared.enrolling import PlainSignatures
from tests.shared.quick_cipher import QuickCipher
from wum_edge.clock import Clock
from wum_edge.orders.act import Act, Refused, Result
from wum_edge.orders.caps import Cap
from wum_edge.orders.desk import Desk
from wum_edge.orders.freshness import Freshness
from wum_edge.orders.journal import Journal
from wum_edge.orders.trusted import Trusted
from wum_edge.uplink.keys import Keys
from wum_shared import orders
from wum_shared.ids import concentrator_id
from wum_shared.orders import DONE, READ, Order
from wum_shared.status import SYNCHRONISED

SIGNATURES, CIPHER = PlainSignatures(), QuickCipher()
IDENTITY, ORDER_SEED = b"d" * 32, b"o" * 32
OWN = Keys(concentrator_id(SIGNATURES.public(IDENTITY)), KEYS.tenant, 1, KEYS.uplink,
           KEYS.downlink)
NOW_S = 1_800_000_000
YEARS_10_S = 315_576_000


class SetClock(Clock):
    """A clock that a test sets; `error_s` is how far the concentrator is off."""

    def __init__(self):
        self.true_ms = NOW_S * 1000
        self.error_s = 0
        self.is_set = SYNCHRONISED
        self.booted_ms = self.true_ms

    def now_s(self):
        """As the concentrator has it."""
        return max(0, self.true_ms // 1000 + self.error_s)

    def quality(self):
        """As told."""
        return self.is_set

    def monotonic_ms(self):
        """Since the start."""
        return self.true_ms - self.booted_ms


class Noted(Act):
    """Notes what it is asked to do; done at once, or when the test says."""

    def __init__(self, world):
        self._world = world

    def check(self, order):
        """One that is called `no` is refused."""
        if order.arguments == b"no":
            raise Refused(orders.ARGUMENTS, "no is no argument")

    def begin(self, order, done):
        """Act."""
        self._world.acted.append(order.id)
        if self._world.answers:
            done(Result(DONE, 0, "it is done", order.arguments))
        else:
            self._world.pending.append(done)


class World:
    """One concentrator and what outlives its process: flash, clock, and what really happened."""

    def __init__(self, flash, cap=None):
        self.flash, self.clock, self.cap = flash, SetClock(), cap
        self.acted, self.pending, self.receipts, self.answers = [], [], [], True
        self.log = Sentences()
        self.connected = True
        self.newest_s = 0        # Of the archive.
        self._chance = 0
        self.desk = None

    def chance(self, size):
        """Never the same."""
        self._chance += 1
        return self._chance.to_bytes(size, "big")

    def start(self):
        """Begin a process on what is on flash."""
        self.clock.booted_ms = self.clock.true_ms
        trusted = Trusted(CIPHER, SIGNATURES, OWN, (SIGNATURES.public(ORDER_SEED),))
        act = Noted(self)
        self.desk = Desk(
            journal=Journal(self.flash), trusted=trusted, signer=SIGNATURES, seed=IDENTITY,
            clock=self.clock, freshness=Freshness(self.clock, self.chance, self.newest_s),
            cap=self.cap or Cap(), dice=EvenDice(),
            acts=dict.fromkeys((READ, orders.DISCONNECT, orders.RESTART), act), log=self.log)
        return self

    def tell(self, sealed):
        """An order comes, and there is time for it."""
        self.desk.heard(sealed)
        self.desk.tick(self.say)
        return self.receipts[-1] if self.receipts else None

    def passes(self, seconds):
        """Time passes."""
        self.clock.true_ms += 1000 * seconds
        self.desk.tick(self.say)

    def say(self, stream, signed):
        """A receipt leaves."""
        assert stream == "receipt"
        if self.connected:
            self.receipts.append(
                orders.open_receipt(SIGNATURES, SIGNATURES.public(IDENTITY), signed))
        return self.connected


def order(sequence, act=None, kind=READ, arguments=b"", issued_s=NOW_S, wait_s=0, window_s=600,
          fresh=None, to=None):
    """An order as the head-end means it."""
    return Order(to or OWN.concentrator, act or b"act %04d" % sequence, sequence, issued_s,
                 issued_s + wait_s, issued_s + wait_s + window_s, kind, arguments, fresh)


def sealed(one, seed=ORDER_SEED, counter=7, key=None, consents=()):
    """As it comes from the broker."""
    signed = orders.sign_order(SIGNATURES, seed, SIGNATURES.public(ORDER_SEED), one, consents)
    return orders.seal_order(CIPHER, key or OWN.downlink, OWN.key_id, counter, OWN.tenant, signed)


def first(world):
    """Take the first order of a new journal, which has to prove that it is new."""
    asked = world.tell(sealed(order(1)))
    assert (asked.state, asked.reason) == (orders.AGAIN, orders.PROVE_FRESH) and not world.acted
    assert world.tell(sealed(order(2, b"act 0001", fresh=asked.challenge))).state == DONE
    assert world.acted == [b"act 0001"]
    world.acted.clear()
    return world
