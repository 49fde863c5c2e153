"""The archive in any order of what can happen to it, by hypothesis; power.py has the judge."""

import contextlib

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.edge.power import Model
from tests.edge.records import SCHEMA, SCHEMA_ID, START_S, mixed, schema_of
from wum_edge.archive.errors import ArchiveRefused
from wum_edge.archive.ring import RETENTION_S, Stamp
from wum_shared.batch import Event
from wum_shared.messages import encode_schema
from wum_shared.status import NEVER_SET, SYNCHRONISED
from wum_simulator.flash import PowerCut, SimulatedFlash

LIMIT_BYTES = 4 * 6 * 1024
OTHER_SCHEMA = encode_schema(schema_of(meters=5))


class ArchiveLife(RuleBasedStateMachine):
    """One archive: appended to, read, acknowledged, filled, cut, killed, refused, its clock set."""

    def __init__(self):
        super().__init__()
        self.flash, self.model = SimulatedFlash(), Model()
        self.model.limit_bytes = LIMIT_BYTES
        self.archive = self.model.archive(self.flash)
        self.count = 0
        self.now_s = START_S
        self.schemas = [SCHEMA_ID, self.archive.keep_schema(OTHER_SCHEMA)]
        self._append(1, 0)       # An archive without a record has no name yet.

    def _start(self, flash):
        self.flash = flash
        self.archive = self.model.archive(flash, b"made-new")
        assert self.archive.incarnation == b"first-ar"
        self.model.check(self.archive, given_up=True)
        self.model.cursor = self.archive.cursor
        for schema in (SCHEMA, OTHER_SCHEMA):
            self.archive.keep_schema(schema)

    def _append(self, count, schema):
        records = mixed(self.count, count)
        self.count += count
        self.model.append(self.archive, records, self.schemas[schema],
                          Stamp(self.now_s, SYNCHRONISED))

    @rule(count=st.integers(1, 300), schema=st.integers(0, 1))
    def append(self, count, schema):
        self._append(count, schema)

    @rule(share=st.integers(0, 10))
    def deliver(self, share):
        self.model.check(self.archive, given_up=True)
        self.model.acknowledge(
            self.archive, self.archive.cursor + self.archive.backlog * share // 10)

    @rule(after=st.integers(1, 12), which=st.integers(0, 1 << 30), schema=st.integers(0, 1))
    def cut(self, after, which, schema):
        """The power goes so many steps of the disk from now, whatever is done then."""
        disk, left = self.flash.disk, [after]

        def step():
            left[0] -= 1
            if not left[0]:
                raise PowerCut("now")

        disk.watch = step
        with contextlib.suppress(PowerCut):
            while left[0] > 0:
                self._append(3, schema)
                self.model.acknowledge(self.archive, self.archive.cursor)
        cuts = disk.cuts()
        self._start(self.flash.on(disk.after_cut(*cuts[which % len(cuts)])))

    @rule()
    def kill(self):
        self._start(self.flash.after_kill())

    @rule(operation=st.integers(1, 4), errno=st.sampled_from([5, 28, 30]))
    def refuse(self, operation, errno):
        """Flash fails once while a few records are appended; the next ones are taken."""
        self.flash.fail = {self.flash.operations + operation: errno}
        self.model.refused = True
        with contextlib.suppress(ArchiveRefused):
            self._append(2, 0)
        self.flash.fail = {}
        self._append(2, 0)

    @rule(by_s=st.sampled_from([3600, RETENTION_S, -RETENTION_S, 10 * RETENTION_S]),
          quality=st.sampled_from([SYNCHRONISED, NEVER_SET]))
    def expire(self, by_s, quality):
        self.now_s = max(START_S, min(2**32 - 1, self.now_s + by_s))
        before = self.model.read(self.archive)
        self.archive.expire(Stamp(self.now_s, quality))
        assert self.model.read(self.archive) == before, "retention took what nobody has"

    @rule(meter=st.integers(0, 3), first=st.integers(0, 2000), most=st.integers(1, 40))
    def find(self, meter, first, most):
        """By meter and time gives what reading everything gives."""
        records, _ = self.model.read(self.archive)
        wanted = [record for number, record in sorted(records.items())
                  if type(record) is not Event and record.meter == meter
                  and START_S + first <= record.captured_at_s <= START_S + first + 100]
        found = self.archive.find(
            meter, START_S + first, START_S + first + 100, self.archive.cursor + 1, most)
        assert found.records == wanted[:most]
        assert (found.next_sequence is None) == (len(wanted) <= most)

    @invariant()
    def stays_within_its_limit(self):
        assert self.archive.used_bytes <= LIMIT_BYTES
        assert self.archive.cursor == self.model.cursor


ArchiveLife.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow])
TestArchiveLife = ArchiveLife.TestCase
