"""A serial LoRa modem that speaks RUI3's AT commands (LoRa P2P) and sends on the simulated air.

Played from the same manual from which the gateway's driver was written, so one misreading may be in
both: no real module was heard. Left out: the pty (serve_air.py), LoRaWAN, FSK, encryption.
"""

from collections.abc import Callable
from enum import Enum

from wum_edge.mesh.airtime import airtime_us
from wum_simulator.radio.air import Air, Radio

BAUD = 115_200
THINKS_US = 2_000            # From the end of a command to its answer.
BOOTS_US = 400_000
LINE_MAX = 600
_KEPT = {"P2P": "868000000:7:0:0:8:14", "SYNCWORD": "3444", "ENCRY": "0", "IQINVER": "0",
         "CAD": "0", "NWM": "1"}     # As delivered: LoRaWAN.
_BANDWIDTHS = {"0": 125_000, "1": 250_000, "2": 500_000}
_BANNER = ("RAKwireless RAK3172 Example", "------------------------------------------------------",
           "Current Work Mode: LoRa P2P.")
_DEAF = -1                   # A channel on which nobody sends.


class ModemFault(Enum):
    """What a modem can be made to do."""

    MUTE = "mute"            # Answer nothing.
    BUSY = "busy"            # Send nothing: AT_BUSY_ERROR.
    ERROR = "error"          # AT_ERROR to everything.
    GARBAGE = "garbage"      # Noise between its lines.


class Modem:
    """One module. `say` takes the bytes of its serial port."""

    def __init__(self, air: Air, number: int, say: Callable[[bytes], None]) -> None:
        self.radio: Radio = air.radios[number]
        self.radio.owner = self
        self.number = number
        self.fault: ModemFault | None = None
        self.is_plugged = True
        self.counts: dict[str, int] = {}
        self._air, self._say = air, say
        self._kept = dict(_KEPT)         # In its flash; P2P also in RAM alone.
        self._p2p = _KEPT["P2P"]
        self._precv = 0
        self._line = bytearray()
        self._free_us = 0                # The serial line carries one byte after the other.
        self._boots, self._token = 0, 0
        self._is_awake = True
        self._sending = False
        self._tune()

    # The serial port.

    def received(self, data: bytes) -> None:
        """What the host writes."""
        for byte in data:
            if byte in (10, 13):
                line, self._line = bytes(self._line), bytearray()
                if line:
                    late_us = len(line) * 10_000_000 // BAUD + THINKS_US
                    self._air.after(late_us, self._obey, (self._boots, line))
            elif len(self._line) < LINE_MAX:
                self._line.append(byte)

    def _obey(self, late: tuple[int, bytes]) -> None:
        boots, line = late
        if boots != self._boots or not self._is_awake or self.fault is ModemFault.MUTE:
            return
        text = line.decode("ascii", "replace").upper()
        self._count("commands")
        for answer in self._answer(text):
            self._tell(answer)

    def _tell(self, text: str) -> None:
        """A line for the host, at the pace of the serial line."""
        if self.fault is ModemFault.MUTE:
            return
        data = b"\r\n" + text.encode() + b"\r\n"
        if self.fault is ModemFault.GARBAGE:
            data = b"\xff\x00#~" + data[:-1] + b"\x80\n" + text[:9].encode() + b"\n" + data
        now_us = self._air.now_us
        self._free_us = max(self._free_us, now_us) + len(data) * 10_000_000 // BAUD
        self._air.after(self._free_us - now_us, self._say_later, (self._boots, data))

    def _say_later(self, late: tuple[int, bytes]) -> None:
        if late[0] == self._boots and self.is_plugged:
            self._say(late[1])

    # Commands.

    def _answer(self, text: str) -> list[str]:
        if self.fault is ModemFault.ERROR:
            return ["AT_ERROR"]
        if text == "AT":
            return ["OK"]
        if text == "ATZ":
            self.reboot()
            return []
        name, is_set, value = text.removeprefix("AT+").partition("=")
        if not text.startswith("AT+") or not is_set:
            return ["AT_ERROR"]
        if value == "?":
            return self._asked(name)
        if name == "PSEND":
            return self._psend(value)
        if name == "PRECV":
            return self._set_precv(value)
        if name not in _KEPT:
            return ["AT_COMMAND_NOT_FOUND"]
        return self._set(name, value)

    def _asked(self, name: str) -> list[str]:
        if name == "VER":
            return ["AT+VER=RUI_4.0.6_RAK3172-E", "OK"]
        if name == "P2P":
            return ["AT+P2P=" + self._p2p, "OK"]
        if name in self._kept:
            return [f"AT+{name}={self._kept[name]}", "OK"]
        return ["AT_COMMAND_NOT_FOUND"]

    def _set(self, name: str, value: str) -> list[str]:
        if self._precv and name != "CAD":
            return ["AT_BUSY_ERROR"]     # In reception only PRECV=0 and sending are let in.
        if name == "NWM":
            if value not in ("0", "1"):
                return ["AT_PARAM_ERROR"]
            if value != self._kept["NWM"]:
                self._kept["NWM"] = value
                self._count("flash")
                self.reboot()
                return []
            return ["OK"]
        if not _is_good(name, value):
            return ["AT_PARAM_ERROR"]
        fields = value.split(":")
        if name == "P2P":
            self._p2p = value = ":".join(fields[:6])
        if fields[6:] != ["1"] and self._kept[name] != value:
            self._kept[name] = value
            self._count("flash")
        self._tune()
        return ["OK"]

    def _set_precv(self, value: str) -> list[str]:
        if not value.isdigit() or int(value) > 65535:
            return ["AT_PARAM_ERROR"]
        if self._kept["NWM"] != "0" or self._precv and int(value):
            return ["AT_BUSY_ERROR"]
        self._precv = int(value)
        self._tune()
        return ["OK"]

    def _psend(self, value: str) -> list[str]:
        try:
            frame = bytes.fromhex(value)
        except ValueError:
            return ["AT_PARAM_ERROR"]
        if not 0 < len(frame) <= 255:
            return ["AT_PARAM_ERROR"]
        if (self.fault is ModemFault.BUSY or self._kept["NWM"] != "0" or self._sending
                or self._precv not in (0, 65533)):
            return ["AT_BUSY_ERROR"]
        self._sending = True
        self._token += 1
        if not self._precv:
            self._tune(is_sending=True)
        self.radio.send(frame, self._rate(), int(self._kept["SYNCWORD"], 16), self._token,
                        self._kept["CAD"] == "1")
        return ["OK"] if self._kept["CAD"] == "0" else []

    def _rate(self) -> int:
        """The air's number of what AT+P2P asks for; -1 for what nobody here uses."""
        _, factor, bandwidth, coding, preamble, _ = self._p2p.split(":")
        for rate, way in enumerate(self._air.ways):
            if (way.spreading_factor, way.bandwidth_hz, way.coding_rate - 5, way.preamble) == (
                    int(factor), _BANDWIDTHS[bandwidth], int(coding), int(preamble)):
                return rate
        return -1

    def _tune(self, is_sending: bool = False) -> None:
        """Let the radio hear what it is to hear; on its channel it must be to send, too."""
        hears = (self._precv or is_sending) and self._kept["NWM"] == "0" and self._rate() >= 0
        channel = int(self._p2p.split(":")[0]) // 1000
        self.radio.listen(max(self._rate(), 0), int(self._kept["SYNCWORD"], 16),
                          channel if hears else _DEAF)

    # The air.

    def heard(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        """The radio has a frame."""
        if self._is_awake:
            self._count("heard")
            self._tell(f"+EVT:RXP2P:{rssi_dbm}:{round(snr_q4 / 4)}:{frame.hex().upper()}")
            if self._precv == 65535:     # Reception of one frame ends with it.
                self._precv = 0
                self._tune()

    def sent(self, t_us: int, token: int, airtime_us: int) -> None:
        """The radio has sent, or found the channel busy (airtime 0)."""
        if token != self._token or not self._sending:
            return
        self._sending = False
        self._tune()
        if not airtime_us:
            self._count("channel busy")
            self._tell("AT_BUSY_ERROR")
            return
        if self._kept["CAD"] == "1":
            self._tell("OK")
        self._count("sent")
        self._tell("+EVT:TXP2P DONE")

    # What happens to it.

    def reboot(self) -> None:
        """Start anew: what was in RAM is gone, a frame on the air is cut short."""
        self._boots += 1
        self._is_awake, self._sending, self._precv = False, False, 0
        self._p2p, self._free_us = self._kept["P2P"], 0
        self.radio.power(False)
        self._air.after(BOOTS_US, self._wake, self._boots)

    def _wake(self, boots: int) -> None:
        if boots != self._boots or not self.is_plugged:
            return
        self._is_awake = True
        self.radio.power(True)
        self._tune()
        for line in _BANNER:
            self._tell(line)

    def plug(self, is_in: bool) -> None:
        """Pull it out, or put it back: it then starts anew."""
        self.is_plugged = is_in
        self.reboot()

    def airtime_us(self, size: int) -> int:
        """Of a frame of this size, as it is set."""
        return airtime_us(self._air.ways[max(self._rate(), 0)], size)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def _is_good(name: str, value: str) -> bool:
    """Whether the manual lets this be set."""
    if name == "SYNCWORD":
        return len(value) == 4 and all(digit in "0123456789ABCDEF" for digit in value)
    if name == "P2P":
        return _is_good_p2p(value.split(":"))
    return value in ("0", "1")


def _is_good_p2p(fields: list[str]) -> bool:
    """FREQUENCY:SF:BANDWIDTH:CR:PREAMBLE:POWER, and 1 behind it: not into the flash."""
    if len(fields) not in (6, 7) or not all(field.isdigit() for field in fields):
        return False
    frequency, factor, bandwidth, coding, preamble, power = fields[:6]
    return (150_000_000 <= int(frequency) <= 960_000_000 and 6 <= int(factor) <= 12
            and bandwidth in _BANDWIDTHS and int(coding) <= 3 and 5 <= int(preamble) <= 65535
            and 5 <= int(power) <= 22 and fields[6:] in ([], ["0"], ["1"]))
