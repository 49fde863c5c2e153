"""Stations that mean harm, for whom no law holds: each does one thing.

Outsiders have no key; what members may do wrong is a relay's part (`Liar`). Left out: what it does
to a network, which is measured (benchmarks/mesh.py).
"""

from wum_edge.mesh import frames, joining
from wum_edge.mesh.ends import Ends
from wum_edge.mesh.frames import HEADER_SIZE, Header
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_simulator.world import Stream

KEPT_MAX = 400


class Outsider:
    """Sends a frame of `next_frame` every `pause_us`; hears everything on the common word."""

    pause_us = 500_000

    def __init__(self, t_us: int, dice: Stream) -> None:
        self.now, self.dice = t_us, dice
        self.heard: list[bytes] = []
        self._at_us = t_us + 60_000_000
        self._actions: list[tuple[object, ...]] = []
        self.sent = 0

    def on_rx(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        self.now = max(self.now, t_us)
        if len(self.heard) >= KEPT_MAX:
            self.heard.pop(self.dice.randrange(KEPT_MAX))
        self.heard.append(frame)

    def on_tx_done(self, t_us: int, token: int, airtime_us: int) -> None:
        self.now = max(self.now, t_us)

    def on_tick(self, t_us: int) -> None:
        self.now = max(self.now, t_us)
        if self.now >= self._at_us:
            self._at_us = self.now + self.pause_us // 2 + self.dice.randrange(self.pause_us)
            frame = self.next_frame()
            if frame:
                self.sent += 1
                self._actions.append(("tx", self.sent, frame, 0, 0, False))

    def next_deadline(self) -> int | None:
        return self._at_us

    def submit(self, t_us: int, content: bytes, priority: int) -> int | None:
        return None

    def actions(self) -> list[tuple[object, ...]]:
        taken, self._actions = self._actions, []
        return taken

    def next_frame(self) -> bytes:
        raise NotImplementedError


class Replayer(Outsider):
    """Sends again what it has heard, at any time later."""

    def next_frame(self) -> bytes:
        return self.dice.choice(self.heard) if self.heard else b""


class Forger(Outsider):
    """Says in everybody's name that it is a gateway, and grants bursts of sixteen frames."""

    def next_frame(self) -> bytes:
        if not self.heard:
            return b""
        real = frames.decode_header(self.dice.choice(self.heard))
        kind, aux = self.dice.choice(((frames.BEACON, 0), (frames.POLL, frames.poll_aux(16, 0))))
        header = Header(kind, 1, real.net, real.source, frames.ALL if kind == frames.BEACON
                        else real.source ^ 1, real.counter + 1_000_000, aux)
        return frames.encode_header(header) + self.dice.randbytes(37)


class Storm(Outsider):
    """Asks everybody it has heard to be let in, each time as somebody else: four times a second.

    Asking much more often it would be on the air most of the time, and jam whatever its frames say.
    """

    pause_us = 250_000

    def next_frame(self) -> bytes:
        near = [frame for frame in self.heard if len(frame) > HEADER_SIZE]
        if not near:
            return b""
        proxy = frames.decode_header(self.dice.choice(near)).source
        content = (self.dice.randbytes(4) + self.dice.randbytes(joining.EUI_SIZE)
                   + (0xC000).to_bytes(2, "big") + bytes(4))
        return joining.join_frame(0xC000, proxy, content)


class Jammer(Outsider):
    """Sends noise of a frame's kind whenever it has heard a poll: into the answer to it."""

    pause_us = 3_600_000_000

    def on_rx(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        super().on_rx(t_us, frame, rssi_dbm, snr_q4, rate)
        if frames.decode_header(frame).kind == frames.POLL and self.dice.random() < 0.5:
            self.sent += 1
            self._actions.append(("tx", self.sent, bytes(200), 0, 0, False))

    def next_frame(self) -> bytes:
        return b""


class Swallower(Ends):
    """What a gateway is that hands nothing on."""

    def arrive(self, item: frames.Item) -> None:
        self._relay.count("swallowed")


class Liar(Relay):
    """A member that says it is a gateway, takes everything, and hands nothing on."""

    def __init__(self, setting: Setting, guard: Guard, t_us: int, seed: int,
                 spent_us: int | None = None) -> None:
        super().__init__(setting, guard, t_us, seed, spent_us)
        self.ends: Ends = Swallower(self)
