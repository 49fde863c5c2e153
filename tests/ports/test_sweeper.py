"""A thread sweeps one line when it is due, hands its records on, and ends when it is told."""

import queue
from collections.abc import Callable
from pathlib import Path

from pymodbus.simulator import SimDevice

from tests.ports.test_command_line import sdm630
from tests.ports.test_config_file import GOOD
from tests.ports.wire import Meters, Wire
from wum_edge import config
from wum_edge.meters.catalog import protocols
from wum_edge.meters.orders import READ_NOW, SWITCH, Order, Outcome
from wum_edge.meters.sweep import sweeps_of_line
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock, clock_of
from wum_edge.ports.linux.config_file import read_config
from wum_edge.ports.linux.line import SerialLine
from wum_edge.ports.linux.sweeper import Record, Sweeper
from wum_shared import status
from wum_shared.batch import Event, Missed, Row


def sweeper(tmp_path: Path, wire: Wire, records: "queue.Queue[Record]",
            crashes: list[BaseException]) -> Sweeper:
    file = tmp_path / "edge.toml"
    file.write_text(GOOD.replace("/dev/ttyUSB0", wire.near.path).replace(
        "period_s = 60", "period_s = 1").replace(
        'model = "eastron-sdm630"', 'model = "eastron-sdm630"\ntimeout_ms = 1000'))
    models = read_catalog()
    checked = read_config(file, protocols(models), files=False)
    return Sweeper(
        name="a", line=SerialLine(checked.lines[0]),
        sweeps=sweeps_of_line(checked, models, "a"), clock=SystemClock(),
        hand=records.put, crashed=crashes.append)


def test_sweeps_come_when_due_and_end_when_told(
        tmp_path: Path, wire: Wire, meters: Callable[[list[SimDevice]], Meters]) -> None:
    meters([sdm630(1)])
    wire.cut_off.add(2)
    records: queue.Queue[Record] = queue.Queue()
    crashes: list[BaseException] = []
    running = sweeper(tmp_path, wire, records, crashes)
    running.start()
    seen = [records.get(timeout=90) for _ in range(5)]
    running.stop()
    assert running.join(5) and not crashes
    row, missed, event, again, missed_again = seen
    assert isinstance(row, Row) and row.meter == 0 and row.values[0] == 12345678
    assert isinstance(missed, Missed) and missed.meter == 1 and missed.outcome == status.SILENT
    assert isinstance(event, Event) and event.kind == status.EVENT_METER_SILENT
    assert isinstance(again, Row) and again.captured_at_s > row.captured_at_s
    assert isinstance(missed_again, Missed)


def test_each_meter_is_read_by_its_own_schedule_while_a_long_sweep_goes_on(
        tmp_path: Path, wire: Wire, meters: Callable[[list[SimDevice]], Meters]) -> None:
    """Meter 1 every 20 seconds, meters 0 and 2 every minute; 2 is silent, which takes a second: a
    minute of one second is over by then, with three moments of meter 1."""
    meters([sdm630(1), sdm630(2)])
    file = tmp_path / "edge.toml"
    wall_s = SystemClock().now_s()
    file.write_text(GOOD.replace("/dev/ttyUSB0", wire.near.path).replace(
        'address = 2', 'address = 2\nperiod_s = 20') + (
        '[[meter]]\nserial = "SDM-0003"\nline = "a"\naddress = 3\nmodel = "eastron-sdm630"\n'
        'timeout_ms = 1000\n[clock]\nstart_s = %d\nwall_s = %d\nspeed = 60\n' % (
            wall_s - 86400, wall_s)))
    models = read_catalog()
    checked = read_config(file, protocols(models), files=False)
    assert checked.clock is not None
    records: queue.Queue[Record] = queue.Queue()
    crashes: list[BaseException] = []
    running = Sweeper(
        name="a", line=SerialLine(checked.lines[0]),
        sweeps=sweeps_of_line(checked, models, "a"), clock=clock_of(checked.clock),
        hand=records.put, crashed=crashes.append)
    running.start()
    seen: list[Record] = []
    while len([r for r in seen if isinstance(r, Row) and r.meter == 0]) < 3:
        seen.append(records.get(timeout=90))
    running.stop()
    assert running.join(5) and not crashes
    slots = {n: [r.captured_at_s // (20 if n == 1 else 60) for r in seen
                 if isinstance(r, Row) and r.meter == n] for n in (0, 1)}
    assert all(len(set(found)) == len(found) for found in slots.values()), "each moment once"
    assert len(slots[1]) >= 4, slots


def test_an_order_from_another_thread_is_done_between_two_sweeps_and_none_is_forgotten(
        tmp_path: Path, wire: Wire, meters: Callable[[list[SimDevice]], Meters]) -> None:
    meters([sdm630(1), sdm630(2)])
    records: queue.Queue[Record] = queue.Queue()
    outcomes: queue.Queue[Outcome] = queue.Queue()
    running = sweeper(tmp_path, wire, records, [])
    assert running.order(Order(READ_NOW, 1, None, outcomes.put)) == ""
    running.start()
    first = outcomes.get(timeout=90)
    assert first.is_done and first.records[0].meter == 1
    assert running.order(Order(SWITCH, 0, False, outcomes.put)) == ""
    cannot = outcomes.get(timeout=90)
    assert not cannot.is_done and "no switch" in cannot.why
    running.stop()
    assert running.join(5)
    assert "the gateway is ending" in running.order(Order(READ_NOW, 0, None, outcomes.put))


def test_a_mistake_of_ours_is_handed_to_whoever_ends_the_process(
        tmp_path: Path, wire: Wire) -> None:
    crashes: queue.Queue[BaseException] = queue.Queue()
    running = sweeper(tmp_path, wire, queue.Queue(), [])
    running._crashed = crashes.put
    running._hand = None  # type: ignore[assignment]
    running.start()
    assert isinstance(crashes.get(timeout=90), TypeError)
    assert running.join(5)


def test_compressed_time_runs_fast_and_never_past_the_wall() -> None:
    now_s = SystemClock().now_s()
    fast = clock_of(config.Clock(start_s=now_s - 86400, wall_s=now_s - 60, speed=60))
    assert now_s - 86400 + 3590 <= fast.now_s() <= now_s - 86400 + 3900
    assert 9_000 <= fast.real_ms_until(fast.now_s() + 600) <= 10_100
    late = clock_of(config.Clock(start_s=now_s - 86400, wall_s=now_s - 86400, speed=60))
    assert abs(late.now_s() - now_s) <= 1
    assert 8_000 <= late.real_ms_until(late.now_s() + 10) <= 10_100
    assert late.real_ms_until(now_s - 5) == 0
