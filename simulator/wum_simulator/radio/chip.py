"""A LoRa chip of the SX126x family on the simulated air, behind a pty in place of its bus.

A line for each thing: `tune KHZ FACTOR BANDWIDTH CODING PREAMBLE WORD`, `rx`, `standby`, `cad`,
`tx HEX`, `reset N`; and back `rx RSSI SNR_Q4 HEX`, `cad 0` or `cad 1`, `sent`, `reset N`: what came
before that lay in the pty while the board was off, and no chip keeps it. The virtual board's `lora`
module speaks it. Left out: registers, interrupts, power; and that looking at the channel ends a
reception.
"""

from collections.abc import Callable

from wum_edge.mesh.airtime import symbol_us
from wum_simulator.radio.air import CAD_SYMBOLS, LISTENING, Air, Radio

LINE_MAX = 600
_DEAF = -1                   # A channel on which nobody sends.


class Chip:
    """One chip. `say` takes the bytes for its host."""

    def __init__(self, air: Air, number: int, say: Callable[[bytes], None]) -> None:
        self.radio: Radio = air.radios[number]
        self.radio.owner = self
        self.number = number
        self.is_plugged = True
        self.fault = None
        self.counts: dict[str, int] = {}
        self._air, self._say = air, say
        self._tuned: tuple[int, int, int] | None = None      # Channel, rate, word.
        self._line = bytearray()
        self._token = 0
        self.radio.listen(0, 0, _DEAF)

    def received(self, data: bytes) -> None:
        """What the host writes."""
        for byte in data:
            if byte == 10:
                line, self._line = bytes(self._line), bytearray()
                self._obey(line.decode("ascii", "replace").split())
            elif len(self._line) < LINE_MAX:
                self._line.append(byte)

    def _obey(self, words: list[str]) -> None:
        self._count("commands")
        match words:
            case ["tune", *numbers]:
                self._tune([int(one) for one in numbers])
            case ["reset", number]:
                self.reboot()
                self._say(b"\nreset %s\n" % number.encode())
            case ["rx"]:
                self._listen()
            case ["standby"]:
                # A chip in standby is put there to look or to send, at once: what it looks at is
                # what it heard until then.
                return
            case ["cad"]:
                self._air.after(CAD_SYMBOLS * symbol_us(self._air.ways[0]), self._looked, None)
            case ["tx", frame] if self._tuned is not None:
                self._token += 1
                self._listen()
                _, rate, word = self._tuned
                self.radio.send(bytes.fromhex(frame), rate, word, self._token, False)
            case _:
                self._count("not understood")

    def _tune(self, numbers: list[int]) -> None:
        khz, factor, bandwidth_khz, coding, preamble, word = numbers
        for rate, way in enumerate(self._air.ways):
            if (way.spreading_factor, way.bandwidth_hz, way.coding_rate, way.preamble) == (
                    factor, bandwidth_khz * 1000, coding, preamble):
                self._tuned = (khz, rate, word)

    def _listen(self) -> None:
        if self._tuned is not None:
            channel, rate, word = self._tuned
            self.radio.listen(rate, word, channel)

    def _looked(self, _: object) -> None:
        radio = self.radio
        is_busy = radio.mode != LISTENING or radio.lock is not None or (
            self._air.seems_busy(radio, radio.rate))
        if is_busy:
            self._count("channel busy")
        self._say(b"cad %d\n" % is_busy)

    # The air.

    def heard(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        """The radio has a frame."""
        self._count("heard")
        self._say(("rx %d %d %s\n" % (rssi_dbm, snr_q4, frame.hex())).encode())

    def sent(self, t_us: int, token: int, airtime_us: int) -> None:
        """The radio has sent, or could not (airtime 0): its host counts it as sent."""
        if token == self._token:
            self._count("sent" if airtime_us else "not sent")
            self._say(b"sent\n")

    def reboot(self) -> None:
        """Start anew: it hears nothing until it is set up again."""
        self._tuned = None
        self.radio.listen(0, 0, _DEAF)

    def plug(self, is_in: bool) -> None:
        """Pull it out, or put it back."""
        self.is_plugged = is_in
        self.radio.power(is_in)
        self.reboot()

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
