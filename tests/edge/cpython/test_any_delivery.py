"""Delivery under any sequence of appends, answers, losses, cuts, restarts and clock jumps.

A state machine: whatever hypothesis does, the cursor never leads what the head-end committed, no
record changes on its way, no counter comes twice; and once nothing is lost any more, all arrives.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.edge.headend import KEYS, EvenDice, HeadEnd, Sentences
from tests.edge.records import SCHEMA_ID, archive_on, mixed
from tests.shared.quick_cipher import QuickCipher
from wum_edge.archive.ring import Stamp
from wum_edge.uplink.counter import Counter
from wum_edge.uplink.delivery import Delivery
from wum_shared.status import FREE_RUNNING
from wum_simulator.flash import TEARS, PowerCut, SimulatedFlash

DRAIN_MS = 400_000


class AnyDelivery(RuleBasedStateMachine):
    """One archive and its delivery; the head-end's answers are kept until a rule hands them out."""

    def __init__(self):
        super().__init__()
        self.flash = SimulatedFlash()
        self.head_end = HeadEnd()
        self.now_ms = 1000
        self.at_s = 1_760_000_000
        self.answers = []
        self.made = 0
        self.confirmed = set()   # Numbers with which an append has returned.
        self.start()

    def start(self):
        """As after a restart."""
        self.archive = archive_on(self.flash)
        self.delivery = Delivery(
            archive=self.archive, counter=Counter(self.flash, KEYS.key_id, 0),
            cipher=QuickCipher(), keys=KEYS, broker=self.head_end, dice=EvenDice(),
            log=Sentences())
        assert self.archive.next_sequence > max(self.confirmed, default=0)

    def guarded(self, work):
        """Do it; where the power goes, start again from what is left."""
        try:
            work()
        except PowerCut:
            self.flash = self.flash.after_cut(TEARS[self.made % len(TEARS)], self.made % 97)
            self.start()

    @rule(count=st.integers(1, 9))
    def append(self, count):
        """New records, of every kind."""
        def work():
            first, last = self.archive.append(
                mixed(self.made, count), SCHEMA_ID, Stamp(self.at_s, FREE_RUNNING))
            self.confirmed.update(range(first, last + 1))
        self.made += count
        self.guarded(work)

    @rule(wait_ms=st.sampled_from([0, 200, 2000, 11_000, 60_000]))
    def send(self, wait_ms):
        """Time passes; what is due goes out."""
        self.now_ms += wait_ms
        self.guarded(lambda: self.delivery.tick(self.now_ms))

    @rule(which=st.integers(0, 99))
    def commit(self, which):
        """The head-end stores one of the batches that it has, in any order, perhaps again."""
        batches = self.head_end.batches()
        if batches:
            self.answers.append(self.head_end.store(batches[which % len(batches)]))
            self.answers = self.answers[-20:]

    @rule(which=st.integers(0, 19))
    def answer(self, which):
        """One of its answers arrives, perhaps again."""
        if self.answers:
            sealed = self.answers[which % len(self.answers)]
            self.guarded(lambda: self.delivery.heard(sealed, self.now_ms))

    @rule()
    def lose_answers(self):
        """Every answer on its way is lost."""
        self.answers.clear()

    @rule(is_connected=st.booleans())
    def connect(self, is_connected):
        """The connection comes back as a new one, or goes."""
        self.head_end.number += 1
        self.head_end.connected = is_connected

    @rule()
    def forget_schema(self):
        """The head-end is restored from a backup without the schema."""
        self.head_end.schemas.clear()

    @rule(tear=st.sampled_from(TEARS), keep=st.integers(0, 200))
    def cut(self, tear, keep):
        """The power goes between two calls."""
        self.flash = self.flash.after_cut(tear, keep)
        self.start()

    @rule(operations=st.integers(1, 8))
    def cut_soon(self, operations):
        """The power will go inside a call."""
        self.flash.cut_at = self.flash.operations + operations

    @rule()
    def restart(self):
        """The process is killed; nothing that was written is lost."""
        self.flash = self.flash.after_kill()
        self.start()

    @rule(years=st.integers(-30, 40))
    def jump(self, years):
        """The clock that names capture times is off by years."""
        self.at_s = 1_760_000_000 + years * 31_557_600

    @invariant()
    def cursor_never_leads(self):
        """All that counts as delivered is committed, or was torn before it was confirmed."""
        for number in range(1, self.archive.cursor + 1):
            if number not in self.head_end.committed:
                assert self.is_lost(number), "%d counts as delivered" % number
                assert number not in self.confirmed, "%d was confirmed and is lost" % number

    def is_lost(self, number):
        """Whether the head-end was told that there is no such record any more."""
        return any(lost.first_sequence <= number <= lost.last_sequence
                   for lost in self.head_end.lost)

    def teardown(self):
        """Nothing is lost any more: all arrives."""
        self.flash.cut_at = 0
        self.head_end.connected = True
        until_ms = self.now_ms + DRAIN_MS
        done = len(self.head_end.batches())
        while self.archive.backlog and self.now_ms < until_ms:
            self.now_ms += 1000
            self.delivery.tick(self.now_ms)
            batches = self.head_end.batches()
            for batch in batches[done:]:
                self.delivery.heard(self.head_end.store(batch), self.now_ms)
            done = len(batches)
        assert not self.archive.backlog, "%d records are left" % self.archive.backlog
        assert self.confirmed <= set(self.head_end.committed)
        self.cursor_never_leads()


TestAnyDelivery = AnyDelivery.TestCase
TestAnyDelivery.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
