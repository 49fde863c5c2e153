"""A concentrator on the air: its relay, its clock that is wrong, and its host that is late.

Left out: what the relay decides; any object with the relay's calls fits, so that other people's
protocols run on the same air. Everything a host does waits 0..20 ms first, as Python does.
"""

from collections.abc import Callable
from typing import Protocol

from wum_edge.mesh.timing import WIRE_SNR_Q4
from wum_simulator.radio.air import Air, Radio
from wum_simulator.radio.wifi import Wifi
from wum_simulator.world import Stream

JITTER_US = 20_000
STAMP_US = 1_000             # An interrupt's time stamp is this late at most.
CLOCK_PPM = 20


class Core(Protocol):
    """What a station calls. Actions: ("tx", token, frame, rate, word, has_cad), ("listen", rate,
    word); others are handed to the run.
    """

    def on_rx(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None: ...

    def on_tx_done(self, t_us: int, token: int, airtime_us: int) -> None: ...

    def on_tick(self, t_us: int) -> None: ...

    def next_deadline(self) -> int | None: ...

    def submit(self, t_us: int, content: bytes, priority: int) -> int | None: ...

    def actions(self) -> list[tuple[object, ...]]: ...


class Station:
    """One radio, its host, and the relay that runs there after `start`."""

    def __init__(self, air: Air, number: int, dice: Stream, jitter_us: int = JITTER_US) -> None:
        self.radio: Radio = air.radios[number]
        self.radio.owner = self
        self.number = number
        self.core: Core | None = None
        self.other: Callable[[Station, tuple[object, ...]], None] | None = None
        self.wifi: Wifi | None = None
        self._air, self._dice, self._jitter_us = air, dice, jitter_us
        self._ppm = dice.randint(-CLOCK_PPM, CLOCK_PPM)
        self._offset_us = dice.randrange(1_000_000_000)
        self._ready_us = 0           # A host does one thing after the other.
        self._timer_us: int | None = None
        self._boots = 0

    def local_us(self, true_us: int) -> int:
        """What this station's clock shows at a true time."""
        return true_us + true_us * self._ppm // 1_000_000 + self._offset_us

    def start(self, core: Core) -> None:
        """Switch on with a relay that knows nothing."""
        self._boots += 1
        self.core = core
        self._timer_us = None
        self.radio.power(True)
        self.radio.listen(0, 0)      # Power may have failed amid a burst, heard by its own word.
        self._carry_out()

    def stop(self) -> None:
        """The power fails; what was in RAM is gone."""
        self._boots += 1
        self.core = None
        self.radio.power(False)

    def act(self, stimulus: Callable[[Core, int], None]) -> None:
        """Let the host do something with its relay, now."""
        if self.core is not None:
            stimulus(self.core, self.local_us(self._air.now_us))
            self._carry_out()

    def heard(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        """The radio has a frame."""
        stamp_us = self.local_us(t_us) + self._dice.randrange(STAMP_US)
        self._later(("on_rx", (stamp_us, frame, rssi_dbm, snr_q4, rate)))

    def sent(self, t_us: int, token: int, airtime_us: int) -> None:
        """The radio has sent, or refused to (airtime 0)."""
        self._later(("on_tx_done", (self.local_us(t_us), token, airtime_us)))

    def heard_by_wire(self, frame: bytes) -> None:
        """A frame has come by Wi-Fi."""
        assert self.wifi is not None
        self._later(("on_rx", (
            self.local_us(self._air.now_us), frame, 0, WIRE_SNR_Q4, self.wifi.rate)))

    def _later(self, stimulus: tuple[str, tuple[object, ...]]) -> None:
        now_us = self._air.now_us
        self._ready_us = max(self._ready_us, now_us + int(self._dice.random() * self._jitter_us))
        self._air.after(self._ready_us - now_us, self._take, (self._boots, stimulus))

    def _take(self, late: tuple[int, tuple[str, tuple[object, ...]]]) -> None:
        boots, (name, arguments) = late
        if boots == self._boots and self.core is not None:
            getattr(self.core, name)(*arguments)
            self._carry_out()

    def _tick(self, boots: int) -> None:
        if boots != self._boots or self.core is None or self._timer_us is None:
            return
        if self._timer_us > self._air.now_us:
            return                   # An earlier deadline took this one's place.
        self._timer_us = None
        self._later(("on_tick", (self.local_us(self._air.now_us),)))

    def _carry_out(self) -> None:
        core = self.core
        assert core is not None
        for action in core.actions():
            if action[0] == "tx":
                self._send(*action[1:])      # type: ignore[arg-type]
            elif action[0] == "listen":
                self.radio.listen(action[1], action[2])           # type: ignore[arg-type]
            elif action[0] == "wire" and self.wifi is not None:
                self.wifi.send(self.number, action[1])            # type: ignore[arg-type]
            elif self.other is not None:
                self.other(self, action)
        deadline_us = core.next_deadline()
        if deadline_us is not None:
            now_us = self._air.now_us
            true_us = max(now_us + deadline_us - self.local_us(now_us), now_us)
            if self._timer_us is None or true_us < self._timer_us:
                self._timer_us = true_us
                self._air.after(true_us - now_us, self._tick, self._boots)

    def _send(self, token: int, frame: bytes, rate: int, word: int, has_cad: bool) -> None:
        if self.wifi is not None and self.wifi.takes(self.number, frame, rate):
            self._later(("on_tx_done", (self.local_us(self._air.now_us), token, 1)))
        else:
            self.radio.send(frame, rate, word, token, has_cad)
