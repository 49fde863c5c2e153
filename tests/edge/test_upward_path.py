"""A reading's whole way up, on one board: the wire, the archive, a sealed batch, the cursor.

MicroPython's sealed messages are kept, and CPython opens them with another cipher
(tests/micropython/crossing.py).
"""

from tests.edge.bus import Bus, ScriptedMeter, VirtualClock
from tests.edge.headend import KEYS, EvenDice, HeadEnd, Sentences
from tests.edge.records import LIMIT_BYTES, SEGMENT_BYTES
from tests.edge.samples import document, entry
from tests.portable import keep
from tests.shared.slow_cipher import SlowCipher
from wum_edge.agent import Agent
from wum_edge.archive.ring import Archive
from wum_edge.config import check
from wum_edge.meters.catalog import check_model
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.schema import schema
from wum_edge.uplink.counter import Counter
from wum_edge.uplink.delivery import Delivery
from wum_shared.batch import Missed, Row
from wum_shared.status import SILENT
from wum_simulator.flash import NOTHING, SimulatedFlash

# 12,345.67 kWh, 230.1 V and 1.25 A, as the scripted meters hold them and as they arrive.
WORDS = {100: 0x0012, 101: 0xD687, 0: 2301, 1: 0, 2: 0x3FA0, 3: 0x0000}
VALUES = (1234567, 2301, 125)
METERS = 4
SILENT_METER = 2


def models():
    """The catalogue: one model."""
    return {"two-and-one": check_model(entry())}


def schema_sent():
    """The schema that belongs to the path."""
    clock = VirtualClock()
    return schema(check(document(METERS), {"two-and-one": "modbus-rtu"}), models(), KEYS.tenant,
                  KEYS.concentrator, clock.now_s())


class Board:
    """Everything on a concentrator; `flash` survives its restart."""

    def __init__(self, flash, head_end):
        self.clock = VirtualClock()
        meters = [ScriptedMeter(n + 1, dict(WORDS)) for n in range(METERS)]
        meters[SILENT_METER].silent = True
        self.bus = Bus(self.clock, meters)
        config = check(document(METERS), {"two-and-one": "modbus-rtu"})
        self.sweep = Sweep("a", meters_of_line(config, models(), "a"))
        self.archive = Archive(flash, LIMIT_BYTES, b"on-board", SEGMENT_BYTES)
        delivery = Delivery(
            archive=self.archive, counter=Counter(flash, KEYS.key_id, 0), cipher=SlowCipher(),
            keys=KEYS, broker=head_end, dice=EvenDice(), log=Sentences())
        self.agent = Agent(archive=self.archive, delivery=delivery, clock=self.clock,
                           schema=schema_sent(), log=Sentences())

    def read(self):
        """One sweep, handed to the agent."""
        for record in self.sweep.run(self.bus, self.clock, 100000):
            if record is not None:
                self.agent.take(record)

    def wait(self, seconds):
        """Ticks for some seconds."""
        for _ in range(5 * seconds):
            self.clock.ms += 200
            self.agent.tick()


def test_a_reading_goes_from_the_wire_to_the_head_end_and_its_answer_moves_the_cursor():
    flash, head_end = SimulatedFlash(), HeadEnd(SlowCipher())
    board = Board(flash, head_end)
    board.read()
    board.wait(5)
    batch = head_end.batches()[0]
    assert board.archive.cursor == 0 and board.archive.backlog == batch.last
    answer = head_end.store(batch)
    stored = [head_end.committed[n] for n in sorted(head_end.committed)]
    rows = [r for r in stored if type(r) is Row]
    assert [(r.meter, r.values) for r in rows] == [(0, VALUES), (1, VALUES), (3, VALUES)]
    assert [(r.meter, r.outcome) for r in stored if type(r) is Missed] == [(SILENT_METER, SILENT)]
    board.agent.heard(answer)
    assert board.archive.cursor == batch.last and board.archive.backlog == 0
    again = Board(flash.after_cut(NOTHING), head_end)
    assert again.archive.cursor == batch.last
    leave_for_cpython(head_end)


def test_a_power_cut_between_sending_and_the_answer_sends_the_same_records_again():
    flash, head_end = SimulatedFlash(), HeadEnd(SlowCipher())
    board = Board(flash, head_end)
    board.read()
    board.wait(5)
    first = head_end.batches()[0]
    head_end.store(first)
    again = Board(flash.after_cut(NOTHING), head_end)
    again.wait(5)
    second = head_end.batches()[1]
    assert second.opened == first.opened and second.counter > first.counter
    again.agent.heard(head_end.store(second))
    assert again.archive.backlog == 0


def leave_for_cpython(head_end):
    """The sealed schema and batch, for whoever opens them on the other side."""
    for arrival in head_end.arrivals:
        keep("upward-path-" + arrival.stream, arrival.sealed)
