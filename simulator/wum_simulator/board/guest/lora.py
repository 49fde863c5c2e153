"""micropython-lib's lora with an SX1262 whose bus is a pty of the simulated air (radio/chip.py).

The calls that the port makes of it, and what they give, are that driver's; its registers, and so
the driver itself, are not here. Of its commands: SetCad, SetCadParams, SetDioIrqParams.
"""

import binascii
import json
import os

import _board
import machine

_IRQ_CAD_DONE, _IRQ_CAD_DETECTED = 1 << 7, 1 << 8
_SET_IRQ, _SET_CAD_PARAMS, _SET_CAD = 0x08, 0x88, 0xC5


class RxPacket(bytearray):
    """A packet, with what the radio measured."""

    def __init__(self, payload, snr, rssi):
        super().__init__(payload)
        self.snr, self.rssi, self.valid_crc = snr, rssi, True


class SX1262:
    """The modem of a board that has one."""

    def __init__(self, spi, cs, busy, dio1=None, dio2_rf_sw=True, dio3_tcxo_millivolts=None,
                 dio3_tcxo_start_time_us=1000, reset=None, lora_cfg=None, ant_sw=None):
        where = json.loads(_board.radio())
        if not where:
            raise RuntimeError("Invalid initial status (0, 0).")
        self._wire = machine.UART(0, 115200, wire={"to": where, "paced": False})
        self._line = b""
        self._start = ["reset", binascii.hexlify(os.urandom(4)).decode()]
        self._is_reset = False
        self._tell("\n" + " ".join(self._start))
        self._packets = []
        self._rx = self._tx = False
        self._flags = 0
        self._mask = 0
        if lora_cfg:
            self.configure(lora_cfg)

    def configure(self, lora_cfg):
        if self._rx:
            raise RuntimeError("Receiving")
        self._tell("tune %d %d %s %d %d %d" % (
            lora_cfg["freq_khz"], lora_cfg["sf"], lora_cfg["bw"], lora_cfg["coding_rate"],
            lora_cfg["preamble_len"], lora_cfg["syncword"]))

    def standby(self):
        self._rx = self._tx = False
        self._tell("standby")

    def start_recv(self, timeout_ms=None, continuous=False, rx_length=0xFF):
        self._rx = True
        if not self._tx:
            self._tell("rx")

    def poll_recv(self, rx_packet=None):
        """A packet; True while it hears, False where it does not."""
        self._hear()
        if not self._rx:
            return False
        return self._packets.pop(0) if self._packets else True

    def prepare_send(self, packet):
        if len(packet) > 255:
            raise ValueError("packet too long")
        self._packet = bytes(packet)

    def start_send(self):
        self._tx = True
        self._tell("tx " + binascii.hexlify(self._packet).decode())

    def poll_send(self):
        """True while it sends; a moment once, when it is over; False where nothing was sent."""
        was = self._tx
        self._hear()
        if was and not self._tx:
            return 1
        return self._tx

    def _cmd(self, form, *words, n_read=0, write_buf=None, read_buf=None):
        if words[0] == _SET_IRQ:
            self._mask = words[1]
        elif words[0] == _SET_CAD:
            self._flags = 0
            self._tell("cad")
        elif words[0] != _SET_CAD_PARAMS or len(form) != 8:
            raise NotImplementedError("command 0x%02x" % words[0])

    def _get_irq(self):
        self._hear()
        return self._flags & self._mask

    def _clear_irq(self, clear_bits=0xFFFF):
        self._flags &= ~clear_bits

    def _tell(self, text):
        self._wire.write(text.encode() + b"\n")

    def _hear(self):
        data = self._wire.read()
        if not data:
            return
        lines = (self._line + data).split(b"\n")
        self._line = lines.pop()
        for line in lines:
            if not self._is_reset:           # It was heard while the board was off.
                self._is_reset = line == " ".join(self._start).encode()
                continue
            words = line.decode().split()
            if words[:1] == ["rx"] and self._rx:
                self._packets.append(RxPacket(
                    binascii.unhexlify(words[3]), int(words[2]), int(words[1])))
            elif words[:1] == ["sent"]:
                self._tx = False
            elif words[:1] == ["cad"]:
                self._flags |= _IRQ_CAD_DONE | (_IRQ_CAD_DETECTED if words[1] == "1" else 0)
