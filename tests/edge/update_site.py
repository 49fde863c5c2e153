"""A site for the updater: a head-end that assigns and serves pieces, and a machine that starts.

What a release does when it runs is written in its `run` file. Everything that happens outside of
the updater is here; the updater, the slots and the records are the real ones.
"""

from hashlib import sha256

from tests.edge.updates import CRASH, GOOD, RUNS_MAX, Machine
from tests.shared.test_cose import HashSigner
from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.update import boot, formats
from wum_edge.update.offer import OfferRefused, Rules
from wum_edge.update.updater import Updater
from wum_shared import bundle, cose, suit
from wum_shared import updates as wire
from wum_simulator.flash import SimulatedFlash

DEAF, BLIND, STUCK = b"deaf", b"blind", b"stuck"     # No head-end, no meter, no archive.
NOW_S = 1_790_000_000
TICKS_MAX = 200
SIGNER = HashSigner()
VENDOR, CLASS = b"v" * 16, b"c" * 16
KEYS = {b"one": bytes(32), b"two": bytes(range(32)), b"three": b"\x03" * 32}
RULES = Rules(VENDOR, CLASS, {b"one": KEYS[b"one"], b"two": KEYS[b"two"]}, 1, None)


class SiteClock(Clock):
    """Goes on when it is told to."""

    def __init__(self, now_s=NOW_S):
        self.s, self.ms, self.is_set = now_s, 0, True

    def now_s(self):
        """UTC."""
        return self.s

    def quality(self):
        """Synchronised, or never set."""
        return 0 if self.is_set else 2

    def monotonic_ms(self):
        """Goes on with it."""
        return self.ms

    def go(self, seconds):
        """Let time pass."""
        self.s += seconds
        self.ms += 1000 * seconds


class Quiet(Log):
    """Remembers what was said."""

    def __init__(self):
        self.said = []

    def say(self, text):
        """Taken down."""
        self.said.append(text)

    def warn(self, text):
        """Taken down."""
        self.said.append(text)


def content(sequence, behaviour=GOOD, padding=1500, own=1500):
    """A release that says how it behaves: a file that all share, one of its own, its formats."""
    return bundle.content_of([
        ("run", b"%s %d" % (behaviour, sequence), bundle.PLAIN),
        ("lib/same", b"s" * padding, bundle.PLAIN),
        ("lib/own", (b"%d " % sequence * own)[:own], bundle.PLAIN),
        ("wum_edge/archive/formats.txt", formats.stated((0, 1), 1), bundle.PLAIN)])


def envelope(sequence, data, signers=(b"one",), **changes):
    """The signed envelope of a content."""
    index = bundle.index_of(data)
    made = {"sequence": sequence, "vendor": VENDOR, "device_class": CLASS,
            "digest": sha256(data).digest(), "size": len(data),
            "index_digest": sha256(index).digest(), "index_size": len(index), "index": index}
    made.update(changes)
    release = suit.Release(**made)
    return suit.encode(release, tuple([cose.sign_detached(
        SIGNER, KEYS[name], name, suit.digest_of(release)) for name in signers]))


class HeadEnd:
    """Assigns, serves, and answers what it hears."""

    def __init__(self):
        self.number = 0
        self.assignment = None
        self.contents = {}
        self.heard = []
        self.refused = []

    def assign(self, sequence, data, floor=0, *, begins_s=NOW_S - 9, ends_s=NOW_S + 10**6,
               back=False, signed=None):
        """Give the next assignment."""
        self.number += 1
        self.contents[sha256(data).digest()] = data
        self.assignment = wire.Assignment(floor, begins_s, ends_s, back,
                                          signed or envelope(sequence, data))

    def pieces(self, want, most=2):
        """The first pieces of what is wanted; some of them twice, as radio and brokers do."""
        data = self.contents[want.digest]
        if want.part == wire.INDEX:
            data = bundle.index_of(data)
        first, count = want.ranges[0]
        start = first * suit.CHUNK_SIZE
        end = start + min(most, count) * suit.CHUNK_SIZE
        return wire.Pieces(want.digest, want.part, first, data[start:end])

    def copied(self):
        """One that can go its own way from here."""
        twin = HeadEnd()
        twin.number, twin.assignment = self.number, self.assignment
        twin.contents = dict(self.contents)
        return twin


class Site(Machine):
    """Starts what the record names, and runs the updater in it."""

    def __init__(self, flash, head_end=None, clock=None, rules=RULES):
        super().__init__(flash)
        self.head_end = head_end or HeadEnd()
        self.clock = clock or SiteClock()
        self.rules = rules
        self.log = Quiet()
        self.updater = None
        self.states = []

    def settle(self):
        """Start until a version stays up and nothing is left to be done; (slot, sequence)."""
        for _ in range(RUNS_MAX):
            slot, behaviour, sequence = self.start()
            if behaviour != CRASH and self.run(slot, behaviour):
                return slot, sequence
        raise AssertionError("it starts for ever: %r" % (self.starts,))

    def update(self, sequence, data, floor=0, **options):
        """Assign a release, and settle."""
        self.head_end.assign(sequence, data, floor, **options)
        return self.settle()

    def wake(self, slot):
        """The updater of a start from `slot`."""
        self.updater = Updater(
            flash=self.flash, slot=slot, rules=self.rules, verifier=SIGNER, clock=self.clock,
            log=self.log, chance=self._chance, has_meters=True)
        return self.updater

    def run(self, slot, behaviour=GOOD, ticks=TICKS_MAX):
        """Whether it came to rest, and did not ask to be started again."""
        updater = self.wake(slot)
        for _ in range(ticks):
            if self.tick(updater, behaviour):
                return False
            if updater.want() is None and updater.state not in (
                    wire.FETCHING, wire.STAGED, wire.TRIAL):
                return True
        raise AssertionError("no rest in state %d" % updater.state)

    def tick(self, updater, behaviour=GOOD):
        """A minute of its life; whether it asks to be started again."""
        head_end = self.head_end
        self.clock.go(60)
        if head_end.number > updater.standing().assignment and updater.state != wire.TRIAL:
            try:
                updater.assigned(head_end.number, head_end.assignment)
            except OfferRefused as refused:
                head_end.refused.append(str(refused))
                head_end.number = 0
        want = updater.want()
        if want is not None:
            updater.heard(head_end.pieces(want))
        standing = wire.decode_standing(wire.encode_standing(updater.standing()))
        if behaviour != DEAF:
            head_end.heard.append(standing)
            digest = standing.digest
            if standing.state == wire.STAGED:
                digest = suit.decode(head_end.assignment.envelope).release.digest
            updater.confirmed(wire.Confirmation(digest, standing.nonce))
        if behaviour != STUCK:
            updater.archived(has_row=behaviour != BLIND)
        updater.tick()
        if not self.states or self.states[-1] != updater.state:
            self.states.append(updater.state)
        return updater.restart

    def _chance(self, size):
        return sha256(b"%d" % self.clock.ms).digest()[:size]


def site_after(steps, floor=0):
    """A site at which these were installed, one after the other: (sequence, behaviour)."""
    site = Site(SimulatedFlash())
    for sequence, behaviour in steps:
        site.update(sequence, content(sequence, behaviour), floor)
    assert boot.read_boot(site.flash).trial is None
    return site
