"""One sweep of 64 meters over RS-485 at 9600 8N1, in real time, over the best legal plan's floor.

A pty paces bytes in both directions; meters answer after 20 ms, or after the reaction time of their
protocol. The gateway's own sweep reads all of them over it: what counts is the time it took over
the bytes, turns and silences that a plan needs at best. Other people's clients do the same work on
the same wire. With dead meters the same bytes, silences and timeouts run in virtual time.
"""

import time

from kit.dead_meters import dead_meters
from kit.figures import Figure, arguments, report
from kit.paced_line import Heard, PacedLine, Wire, paced_line, seconds
from kit.peer_clients import peers
from kit.street import configured, iec_entry, modbus_entry, sweep_of
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.line import SerialLine
from wum_shared.batch import Row

METERS = 64
GOAL = "ratio <= 1.05"
SILENCE_S = 3.5 * 10 / 9600
QUICK = 8                    # Protocols but Modbus read an eighth of the street with --quick.
BUDGET_MS = 3_600_000


def sweep_s(line: PacedLine, entry: dict[str, object], count: int) -> float:
    """Seconds that one sweep of the gateway takes; everything must have been read."""
    config, models = configured(entry, count, port=line.path)
    sweep = sweep_of(config, models)
    tty = SerialLine(config.lines[0])
    clock = SystemClock()
    start = time.perf_counter()
    records = [record for record in sweep.run(tty, clock, BUDGET_MS) if record is not None]
    took_s = time.perf_counter() - start
    tty.close()
    if len(records) != count or not all(
            type(record) is Row and set(record.statuses) == {0} for record in records):
        raise SystemExit(f"not everything was read: {[r for r in records if type(r) is not Row]}")
    return took_s


def modbus() -> list[Figure]:
    """The merged range: 61 bytes and one turn a meter, 5.58 s."""
    wire = Wire(modbus_entry(), METERS)
    floor_s = METERS * seconds(wire, size=61, turns=1, silence_s=SILENCE_S)
    with paced_line(wire) as line:
        took_s = sweep_s(line, wire.entry, METERS)
        tell("modbus", took_s, line.heard(), floor_s)
    return [Figure("modbus", took_s, "s", "floor, 61 B and 1 turn a meter", floor_s, GOAL)]


def iec62056_21(count: int) -> list[Figure]:
    """Readout at a fixed baud: 284 bytes, and three reaction times of 200 ms: 57.6 s for 64."""
    wire = Wire(iec_entry(), count, delay_s=0.200)
    return [over(wire, "iec62056_21", 57.6, "floor, 284 B and 3 x 200 ms a meter")]


def over(wire: Wire, name: str, street_s: float, against: str) -> Figure:
    """One sweep of these meters over their part of what the whole street takes at best."""
    floor_s = street_s * wire.count / METERS
    with paced_line(wire) as line:
        took_s = sweep_s(line, wire.entry, wire.count)
        tell(name, took_s, line.heard(), floor_s)
    return Figure(name, took_s, "s", against, floor_s, GOAL)


def tell(name: str, took_s: float, heard: Heard, floor_s: float) -> None:
    """For people: what went over the wire. Ends the run when the silence was broken."""
    print(f"{name}: {took_s:.2f} s over {floor_s:.2f} s; {heard.size} B, {heard.turns} turns, "
          f"least silence {1000 * heard.least_silence_s:.2f} ms of {1000 * SILENCE_S:.2f} ms, "
          f"{heard.collisions} collisions", flush=True)
    if heard.least_silence_s < SILENCE_S or heard.collisions:
        raise SystemExit(f"{name}: the silence of 3.5 characters was broken")


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    count = QUICK if quick else METERS
    figures = modbus()
    figures += iec62056_21(count)
    figures += dead_meters()
    if not quick:
        figures += peers(METERS, figures[0].reference)
    report("bus", figures)


if __name__ == "__main__":
    main()
