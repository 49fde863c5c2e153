"""What dead meters cost the others: 24 Modbus sweeps with four dead of 64, in virtual time, beside
the same sweeps of the 60 that live. Bytes, silences and timeouts are those of the real wire.
"""

from kit.figures import Figure
from kit.street import configured, modbus_entry, sweep_of
from wum_edge.meters.sweep import PROBE_EVERY
from wum_shared.batch import Missed, Row
from wum_simulator.bus import Timing
from wum_simulator.catalog import model_of
from wum_simulator.faults import Fault, Faults, Kind
from wum_simulator.town import Meter, meters_of
from wum_simulator.virtual_line import VirtualClock, VirtualLine
from wum_simulator.world import VirtualWorld

METERS, DEAD, SWEEPS = 64, 4, 24
HOUR_S = 3600
START_S = 1_727_100_000
FIRST_DEAD = 17              # Addresses 17, 18, 19, 20.


class VirtualStreet:
    """The gateway's sweeps over a simulated line, an hour after the other."""

    def __init__(self, addresses: list[int]) -> None:
        self.world = VirtualWorld(7, START_S)
        self.faults = Faults(self.world.dice)
        meters: list[Meter] = meters_of(
            self.world.dice, [model_of(modbus_entry())], count=METERS)
        config, models = configured(modbus_entry(), METERS)
        self.sweep = sweep_of(config, models)
        self.sweep.meters = [known for known in self.sweep.meters
                             if known.meter.address in addresses]
        self.line = VirtualLine(self.world, meters, self.faults, Timing(9600, 20),
                                config.lines[0].setting())
        self.probed: dict[int, list[int]] = {address: [] for address in addresses}
        self.sweeps = 0

    def run(self) -> tuple[float, set[int]]:
        """Seconds of one sweep, and the addresses that were read."""
        self.world.let_pass(self.world.elapsed_s() // HOUR_S * HOUR_S + HOUR_S)
        began_s = self.world.elapsed_s()
        clock = VirtualClock(self.world)
        read: set[int] = set()
        for record in self.sweep.run(self.line, clock, HOUR_S * 1000):
            if type(record) is Row:
                read.add(record.meter + 1)
            elif type(record) is Missed and "silent for" in record.note:
                self.probed[record.meter + 1].append(self.sweeps)
        self.sweeps += 1
        return self.world.elapsed_s() - began_s, read

    def silence(self, addresses: list[int]) -> None:
        """These meters die."""
        for address in addresses:
            self.faults.order(Fault(Kind.SILENCE, address=address))

    def close(self) -> None:
        """Give back what the world holds."""
        self.world.close()


def dead_meters() -> list[Figure]:
    """The figures `modbus_4_dead`, `modbus_4_dead_first_contact` and `modbus_revived`."""
    every = list(range(1, METERS + 1))
    dead = list(range(FIRST_DEAD, FIRST_DEAD + DEAD))
    living = [address for address in every if address not in dead]
    alone, street = VirtualStreet(living), VirtualStreet(every)
    alone.run()
    street.run()                 # All 64 live: here the dead-to-be are learnt.
    street.silence(dead)
    without_s = sum(alone.run()[0] for _ in range(SWEEPS))
    first_s, _ = street.run()
    with_s = 0.0
    for _ in range(SWEEPS):
        took_s, read = street.run()
        with_s += took_s
        if read != set(living):
            raise SystemExit("a living meter was not read")
    for address in dead:
        check_probes(street.probed[address], address)
    figures = [
        Figure("modbus_4_dead", with_s, "s for 24 sweeps", "the 60 live meters alone", without_s,
               "ratio <= 1.03"),
        Figure("modbus_4_dead_first_contact", first_s - without_s / SWEEPS, "s once",
               "a sweep of the 60 live meters", without_s / SWEEPS),
        revived(street, dead)]
    alone.close()
    street.close()
    return figures


def check_probes(sweeps: list[int], address: int) -> None:
    """Ends the run when a dead meter went more than three sweeps without a probe."""
    gaps = [after - before for before, after in zip(sweeps, sweeps[1:], strict=False)]
    if not gaps or max(gaps) > PROBE_EVERY:
        raise SystemExit(f"meter {address} was probed in sweeps {sweeps} only")


def revived(street: VirtualStreet, dead: list[int]) -> Figure:
    """Sweeps until all of them are read again after they came back."""
    street.faults.clear()
    for count in range(1, 2 * PROBE_EVERY):
        missing = set(dead)
        for _ in range(count):
            missing -= street.run()[1]
        if not missing:
            return Figure("modbus_revived", count, "sweeps", "sweeps that it may take",
                          PROBE_EVERY, "ratio <= 1")
    raise SystemExit(f"meters {sorted(missing)} came back and were not found")
