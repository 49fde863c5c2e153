"""What goes wrong, and when: drawn from the seed, over a span of virtual time, until it is calm.

Left out: what a fault does (network.py, gateway.py, and whoever plays the head-end).
"""

from collections.abc import Callable
from typing import Protocol

from wum_simulator.chaos.clocks import WrongClock
from wum_simulator.chaos.gateway import Gateway
from wum_simulator.chaos.network import Broker, Network, Weather
from wum_simulator.world import VirtualWorld

YEAR_S = 31_557_600
FAULTS_MIN, FAULTS_MAX = 4, 32      # In one run.
OFF_MAX_S = 120                     # A machine is away for so long at most.
_IO_ERROR, _NO_SPACE = 5, 28


class HeadEnd(Protocol):
    """What can be done to a head-end."""

    clock: WrongClock

    def kill(self, off_s: float) -> None: ...
    def lose_database(self, off_s: float) -> None: ...
    def back_up(self) -> None: ...
    def restore(self, off_s: float) -> bool: ...
    def lose_rows(self, most: int) -> int: ...
    def forget_bases(self) -> None: ...


class Faults:
    """Plans the faults of one run, all of them over at `until_s`."""

    def __init__(
            self, world: VirtualWorld, network: Network, broker: Broker, gateways: list[Gateway],
            head_end: HeadEnd, until_s: float,
    ) -> None:
        self.told: list[str] = []
        self._world = world
        self._network = network
        self._broker = broker
        self._gateways = gateways
        self._head_end = head_end
        self._until_s = until_s
        self._chance = world.dice.stream("faults")
        kinds: list[Callable[[], str]] = [
            self._weather, self._weather, self._broker_restart, self._broker_forgets, self._cut,
            self._cut_soon, self._cut_soon, self._kill, self._wipe, self._disconnect, self._jump,
            self._flash_fails, self._kill_head_end, self._kill_head_end, self._lose_database,
            self._head_end_jumps, self._restore, self._lose_rows, self._forget_bases,
            self._forget_bases]
        # Each run has faults of a few kinds: a fault of every kind at once hides the others.
        kinds = self._chance.sample(kinds, self._chance.randint(2, len(kinds)))
        for _ in range(self._chance.randint(FAULTS_MIN, FAULTS_MAX)):
            self._plan(self._chance.uniform(0, until_s), self._chance.choice(kinds))

    def calm(self) -> None:
        """From now on nothing goes wrong any more, and every clock is right."""
        self._network.weather = Weather()
        self._broker.start()
        self._head_end.clock.jump(0)
        for gateway in self._gateways:
            gateway.clock.jump(0)
            gateway.flash.cut_at = 0
            gateway.flash.fail.clear()

    def _plan(self, at_s: float, fault: Callable[[], str]) -> None:
        self._world.at(at_s, lambda: self.told.append(
            "%7.1f s  %s" % (self._world.elapsed_s(), fault())), plain=True)

    def _off_s(self) -> float:
        """How long something is away: it is back before the end."""
        left_s = max(1, int(self._until_s - self._world.elapsed_s()))
        return float(min(self._chance.choice((1, 5, OFF_MAX_S)), left_s))

    def _one(self) -> Gateway:
        return self._chance.choice(self._gateways)

    def _weather(self) -> str:
        self._network.weather = Weather(
            self._chance.choice((0, 50, 300, 900)), self._chance.choice((0, 50, 300)),
            self._chance.choice((20, 500, 30_000)))
        return "%r" % self._network.weather

    def _broker_restart(self) -> str:
        self._broker.remembers = self._chance.random() < 0.5
        self._broker.stop()
        off_s = self._off_s()
        self._world.at(self._world.elapsed_s() + off_s, self._broker.start, plain=True)
        return "broker restarts, back in %d s, remembers: %s" % (off_s, self._broker.remembers)

    def _broker_forgets(self) -> str:
        self._broker.forget()
        return "broker forgets what it has acknowledged"

    def _cut(self) -> str:
        gateway, off_s = self._one(), self._off_s()
        if gateway.is_on:
            gateway.cut(off_s)
        return "power cut of gateway %d for %d s" % (gateway.number, off_s)

    def _cut_soon(self) -> str:
        gateway, operations = self._one(), self._chance.randint(1, 40)
        gateway.cut_soon(operations)
        return "power cut of gateway %d %d operations ahead" % (gateway.number, operations)

    def _kill(self) -> str:
        gateway, off_s = self._one(), self._off_s()
        if gateway.is_on:
            gateway.kill(off_s)
        return "gateway %d killed for %d s" % (gateway.number, off_s)

    def _wipe(self) -> str:
        gateway, off_s = self._one(), self._off_s()
        if gateway.is_on and gateway.clock.error_s == 0 and self._chance.random() < 0.3:
            gateway.wipe(off_s)
            return "gateway %d gets an empty card" % gateway.number
        return "no card is changed"

    def _disconnect(self) -> str:
        gateway = self._one()
        gateway.disconnect()
        return "gateway %d loses its connection" % gateway.number

    def _jump(self) -> str:
        gateway = self._one()
        gateway.clock.jump(self._error_s())
        return "clock of gateway %d is off by %d s" % (gateway.number, gateway.clock.error_s)

    def _flash_fails(self) -> str:
        gateway, errno = self._one(), self._chance.choice((_IO_ERROR, _NO_SPACE))
        for ahead in range(1, self._chance.randint(2, 12)):
            gateway.flash.fail[gateway.flash.operations + ahead] = errno
        return "flash of gateway %d fails with %d" % (gateway.number, errno)

    def _kill_head_end(self) -> str:
        off_s = self._off_s()
        self._head_end.kill(off_s)
        return "head-end killed for %d s" % off_s

    def _lose_database(self) -> str:
        off_s = self._off_s()
        self._head_end.lose_database(off_s)
        return "database away for %d s" % off_s

    def _restore(self) -> str:
        """A backup now, and a while later the database is lost and the backup put back."""
        self._head_end.back_up()
        left_s = max(1.0, self._until_s - self._world.elapsed_s())
        after_s = min(self._chance.uniform(20, 200), left_s)
        off_s = min(self._off_s(), max(1.0, left_s - after_s))
        self._world.at(self._world.elapsed_s() + after_s, lambda: self._restored(off_s),
                       plain=True)
        return "backup of the database, put back in %d s" % after_s

    def _restored(self, off_s: float) -> None:
        if self._head_end.restore(off_s):
            self.told.append("%7.1f s  the database is what it was at its backup" %
                             self._world.elapsed_s())

    def _lose_rows(self) -> str:
        return "%d rows are gone from the database" % self._head_end.lose_rows(
            self._chance.randint(1, 8))

    def _forget_bases(self) -> str:
        self._head_end.forget_bases()
        return "the head-end forgets what deltas build on"

    def _head_end_jumps(self) -> str:
        self._head_end.clock.jump(self._error_s())
        return "clock of the head-end is off by %d s" % self._head_end.clock.error_s

    def _error_s(self) -> int:
        """Years, or some minutes: then capture times come that were there before."""
        if self._chance.random() < 0.3:
            return 60 * self._chance.randint(-10, 10)
        return self._chance.randint(-30 * YEAR_S, 40 * YEAR_S)
