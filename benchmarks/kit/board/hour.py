"""An hour of one gateway with Modbus meters, stage by stage: read, append, encode, seal.

Runs on CPython and on a board alike: what it stands on (a flash, a cipher, clocks) is handed in.
Meters answer at once, from numbers that go on as a household's do. Left out: the connection.
"""

from struct import pack

from wum_edge import config
from wum_edge.archive.ring import Archive, Stamp
from wum_edge.clock import Clock
from wum_edge.meters.catalog import check_model
from wum_edge.meters.modbus.rtu import with_crc
from wum_edge.meters.sweep import sweeps_of_line
from wum_edge.meters.turn import Line
from wum_edge.schema import schema
from wum_edge.uplink.basis import Basis
from wum_edge.uplink.batch import build_next
from wum_shared import cose, topics
from wum_shared.messages import DirectionKey, encode_schema
from wum_shared.status import SYNCHRONISED

STAGES = ("read", "append", "encode", "seal")
START_S = 1727049600         # 2024-09-23T00:00:00Z.
SWEEP_MS = 600000
BATCH_BYTES = 1024           # As the port of the boards has it.
_STEPS = (12, 0, 3, 1, 2, 1, 2, 5, 3, 4, 40, 1)    # How far each register moves at most.
_WRAP = 1 << 20              # Not more than a float of 32 bits holds whole.
CONCENTRATOR = bytes(range(8))
KEY = DirectionKey(bytes(range(32)), bytes(12))


class Meters(Line):
    """All meters of the line. Each answers every request at once."""

    def __init__(self):
        self._sweep = 0

    def set(self, setting):
        """See Line.set."""

    def turn(self, say, is_whole, timeout_ms):
        """See Line.turn."""
        unit, function, words = say[0], say[1], say[4] << 8 | say[5]
        data = bytearray((unit, function, 2 * words))
        for place in range(words // 2):
            step = _STEPS[place % len(_STEPS)]
            moved = (unit * 7919 + place * 104729 + self._sweep * (step - (unit + place) % 3))
            data.extend(pack(">f", moved % _WRAP))
        return with_crc(bytes(data))

    def pass_on(self):
        """To the next sweep: every register moves by its step, more or less."""
        self._sweep += 1


class Hours(Clock):
    """A clock that stands still until it is set."""

    def __init__(self, monotonic_ms):
        self.at_s = START_S
        self.monotonic_ms = monotonic_ms

    def now_s(self):
        """See Clock.now_s."""
        return self.at_s

    def quality(self):
        """See Clock.quality."""
        return SYNCHRONISED

    def real_ms_until(self, at_s):
        """See Clock.real_ms_until."""
        return max(0, at_s - self.at_s) * 1000


class Bench:
    """A gateway's parts between line and connection. `costs` is what `now_us` counted by stage."""

    def __init__(self, document, entry, flash, cipher, now_us, monotonic_ms):
        model = check_model(entry)
        models = {model.model: model}
        checked = config.check(document, {model.model: model.protocol})
        self.costs = {}
        for stage in STAGES:
            self.costs[stage] = 0
        self.rows = self.sealed_bytes = 0
        self._now_us, self._cipher = now_us, cipher
        self._line, self._clock = Meters(), Hours(monotonic_ms)
        self._period_s = checked.schedule.period_s
        self._archive = Archive(flash, 1 << 20, bytes(range(8)))
        told = encode_schema(schema(checked, models, "default", CONCENTRATOR, START_S))
        self._schema = self._archive.keep_schema(told)
        self._sweep = sweeps_of_line(checked, models, "a")[0][1]
        self._basis = Basis()
        self._next = 1

    def hour(self):
        """One hour; a generator that gives control back after each meter and each batch."""
        for _ in range(3600 // self._period_s):
            self._line.pass_on()
            self._clock.at_s += self._period_s
            taken = []
            sweep = self._sweep.run(self._line, self._clock, SWEEP_MS)
            record = None
            while True:
                began_us = self._now_us()
                try:
                    record = next(sweep)
                except StopIteration:
                    break
                finally:
                    self.costs["read"] += self._now_us() - began_us
                if record is None:
                    yield
                else:
                    taken.append(record)
            yield from self._appended(taken)
        yield from self._delivered()

    def _appended(self, taken):
        began_us = self._now_us()
        self._archive.append(taken, self._schema, Stamp(self._clock.at_s, SYNCHRONISED))
        self.costs["append"] += self._now_us() - began_us
        self.rows += len(taken)
        yield

    def _delivered(self):
        """Every batch, as if each was acknowledged at once."""
        while True:
            began_us = self._now_us()
            built = build_next(self._archive, self._next, self._basis, 0, BATCH_BYTES)
            self.costs["encode"] += self._now_us() - began_us
            if built is None:
                return
            yield
            began_us = self._now_us()
            sealed = cose.seal(self._cipher, KEY, cose.key_id(CONCENTRATOR, 0), self._next,
                               built.opened, topics.UP, "default", topics.BATCH)
            self.costs["seal"] += self._now_us() - began_us
            self.sealed_bytes += len(sealed)
            self._basis.stored(built.digest)
            self._archive.acknowledge(built.last_sequence)
            self._next = built.last_sequence + 1
            yield
