"""A line of the town as the gateway's core sees it, in virtual time: a sweep without waiting.

The same bus, meters and faults as on a pty, at the pace of the same wire; only time is the
world's own. Left out: real time (line.py, listener.py).
"""

from wum_edge.clock import Clock
from wum_edge.meters.turn import Hearing, Line, Setting
from wum_shared import status
from wum_simulator.bus import Bus, Timing
from wum_simulator.faults import Faults
from wum_simulator.town import Meter
from wum_simulator.world import VirtualWorld

FRAME_CHARACTERS = 256       # As the gateway's line on Linux: what an answer under way may take.
ARRIVING_S = 0.05


class VirtualLine(Line):
    """One line with its meters. `turns`, `said_bytes` and `heard_bytes` count what went over it."""

    def __init__(
            self, world: VirtualWorld, meters: list[Meter], faults: Faults, timing: Timing,
            setting: Setting) -> None:
        self.turns = self.said_bytes = self.heard_bytes = 0
        self._world = world
        self._timing = timing
        self._setting = setting
        self._heard = bytearray()
        self._quiet_since = 0.0
        self.bus = world.inside(lambda: Bus(
            world, meters, faults, self._arrive, timing, lambda: self._setting.baud))

    def set(self, setting: Setting) -> None:
        """See Line.set."""
        self._world.let_pass(max(self._quiet_since, self._world.elapsed_s()))
        self._setting = setting

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        """See Line.turn."""
        self.turns += 1
        if say:
            self._world.let_pass(self._quiet_since + self._setting.quiet_us / 1e6)
            self._heard.clear()
            self._say(say)
        return self._hear(is_whole, self._world.elapsed_s() + timeout_ms / 1000)

    def _say(self, say: bytes) -> None:
        self.said_bytes += len(say)
        self._world.inside(lambda: self.bus.heard(say))
        self._world.let_pass(self.bus.heard_at)
        self._quiet_since = self._world.elapsed_s()

    def _arrive(self, data: bytes) -> None:
        self._heard += data
        self.heard_bytes += len(data)
        self._quiet_since = self._world.elapsed_s()

    def _hear(self, is_whole: Hearing, deadline_s: float) -> bytes:
        heard = bytearray()
        latest_s = deadline_s + self._timing.wire_s(FRAME_CHARACTERS)
        while True:
            while self._heard:
                heard.append(self._heard.pop(0))
                if is_whole(heard):
                    return bytes(heard)
            until_s = deadline_s
            if heard:
                until_s = max(deadline_s, min(latest_s, self._quiet_since + ARRIVING_S))
            next_s = self._world.next_s()
            if next_s is None or next_s > until_s:
                self._world.let_pass(until_s)
                return bytes(heard)
            self._world.let_pass(next_s)


class VirtualClock(Clock):
    """The concentrator's clock: the world's own."""

    def __init__(self, world: VirtualWorld) -> None:
        self._world = world

    def now_s(self) -> int:
        """UTC seconds since 1970."""
        return self._world.now_s()

    def quality(self) -> int:
        """It is right by definition."""
        return status.SYNCHRONISED

    def monotonic_ms(self) -> int:
        """Milliseconds that were let pass."""
        return int(self._world.elapsed_s() * 1000)

    def real_ms_until(self, at_s: int) -> int:
        """Milliseconds until the clock shows `at_s`."""
        return max(0, (at_s - self._world.now_s()) * 1000)
