"""A LoRa radio of the SX126x family, driven by micropython-lib's `lora`, as the mesh wants one.

Every method returns at once; what happened comes out of `step`. The driver cannot look at the
channel before it sends: that is added here (SX1261/2 data sheet, 13.1.13 SetCad, 13.4.7
SetCadParams). A frame that is under way when the channel is looked at is lost to us. Left out: the
registers of the radio (the driver), what is sent when (wum_edge/mesh).
"""

import machine
from lora import SX1262

from wum_edge.ports.micropython.mesh_setting import PREFIX

EXTRA_US = 30000             # Beside its airtime a frame takes a look, and a turn of our loop.
CAD_MAX_US = 200000          # Four symbols of the slowest way take half of it.
LATE_US = 2000000            # A frame that is out for so much longer than it takes never was.
_SET_CAD, _SET_CAD_PARAMETERS, _SET_INTERRUPTS = 0xC5, 0x88, 0x08
_FOUR_SYMBOLS, _CAD_ONLY = 2, 0
_PEAK_OVER_FACTOR, _PEAK_LEAST = 13, 10      # As Semtech's AN1200.48 has them for four symbols.
_CAD_DONE, _CAD_DETECTED = 1 << 7, 1 << 8
# Sent, received, header and check sums, time over; and a look at the channel.
_INTERRUPTS = 1 << 0 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 9 | _CAD_DONE | _CAD_DETECTED
AGAIN_US = 5000000           # A radio that does not answer is set up anew so often.
_HEARS, _LOOKS, _SENDS, _AWAY = 0, 1, 2, 3
_TROUBLES = (OSError, RuntimeError, KeyError, ValueError)    # What the driver raises.


class Cad(SX1262):
    """The driver, which can look whether somebody is on the channel."""

    def start_cad(self, spreading_factor):
        """Begin to look; nothing is received meanwhile."""
        self.standby()
        self._cmd(">BHHHH", _SET_INTERRUPTS, _INTERRUPTS, 0, 0, 0)
        self._cmd("BBBBBBBB", _SET_CAD_PARAMETERS, _FOUR_SYMBOLS,
                  spreading_factor + _PEAK_OVER_FACTOR, _PEAK_LEAST, _CAD_ONLY, 0, 0, 0)
        self._cmd("B", _SET_CAD)

    def poll_cad(self):
        """Whether somebody is there; None while it looks."""
        flags = self._get_irq()
        if not flags & _CAD_DONE:
            return None
        self._clear_irq()
        return bool(flags & _CAD_DETECTED)


def settings_of(setting):
    """A mesh's channel in the driver's words."""
    way = setting.way
    return {"freq_khz": setting.frequency_hz / 1000, "sf": way.spreading_factor,
            "bw": str(way.bandwidth_hz // 1000), "coding_rate": way.coding_rate,
            "preamble_len": way.preamble, "output_power": setting.power_dbm,
            "syncword": setting.modem.sync_word, "crc_en": True, "implicit_header": False}


def driver_of(setting, pins):
    """Set up the radio at `setting.modem.port`, with pins by name as in board.json. Raises OSError,
    RuntimeError, KeyError, ValueError: it does not answer."""
    number = int(setting.modem.port[len(PREFIX):])
    for name in ("cs", "busy"):
        if name not in pins:
            raise ValueError("board.json has no pin %s for it (wum-firmware board --radio)" % name)
    named = {}
    for name in ("sck", "mosi", "miso"):
        if name in pins:
            named[name] = machine.Pin(pins[name])
    spi = machine.SPI(number, baudrate=2000000, **named)
    reset = machine.Pin(pins["reset"]) if "reset" in pins else None
    return Cad(spi, machine.Pin(pins["cs"]), machine.Pin(pins["busy"]), reset=reset,
               dio3_tcxo_millivolts=pins.get("tcxo_millivolts"), lora_cfg=settings_of(setting))


class Radio:
    """`make` sets a driver up; one that fails is set up again, and stops nobody meanwhile."""

    def __init__(self, make, setting, log):
        self._make, self._log = make, log
        self._driver = None
        self._factor = setting.way.spreading_factor
        self._looks_first = setting.modem.looks_first
        self._state = _AWAY
        self._until_us = 0
        self.trouble = ""
        self._token = self._airtime_us = 0
        self._frame = b""
        self._events = []
        self.counts = {"heard": 0, "sent": 0, "busy": 0, "late": 0, "away": 0}

    def frame_extra_us(self):
        """What a full frame takes besides its airtime: for the relay's patience."""
        return EXTRA_US

    def send(self, now_us, frame, airtime_us, token, has_cad):
        """Send; ("sent", token, 0) follows where that cannot be, or the channel is busy."""
        if self._state != _HEARS:
            self._events.append(("sent", token, 0))
            return
        self._frame, self._token, self._airtime_us = frame, token, airtime_us
        if has_cad and self._looks_first:
            self._state, self._until_us = _LOOKS, now_us + CAD_MAX_US
            self._guarded(now_us, self._start_cad)
        else:
            self._guarded(now_us, self._begin)

    def step(self, now_us):
        """What has happened: ("rx", frame, rssi_dbm, snr_q4) and ("sent", token, airtime_us)."""
        if self._state != _AWAY:
            self._guarded(now_us, self._go_on)
        elif now_us >= self._until_us:
            self._guarded(now_us, self._set_up)
        events, self._events = self._events, []
        return events

    def _guarded(self, now_us, act):
        """What the driver cannot do makes it one that is away."""
        try:
            act(now_us)
        except _TROUBLES as error:
            self.counts["away"] += 1
            if self._state in (_LOOKS, _SENDS):      # For the law it was sent, if it may have been.
                self._events.append(("sent", self._token,
                                     self._airtime_us if self._state == _SENDS else 0))
            self._state, self._until_us = _AWAY, now_us + AGAIN_US
            if str(error) != self.trouble:
                self.trouble = str(error)
                self._log.warn("the radio does not answer: %s. It is set up again every %d s; the "
                               "rest goes on. Are its pins those of board.json?" % (
                                   error, AGAIN_US // 1000000))

    def _set_up(self, now_us):
        self._driver = self._make()
        self._driver.start_recv(continuous=True)
        self._state = _HEARS
        self.trouble = ""
        self._log.say("the radio is ready")

    def _start_cad(self, now_us):
        self._driver.start_cad(self._factor)

    def _go_on(self, now_us):
        if self._state == _HEARS:
            packet = self._driver.poll_recv()
            if packet is not True and packet is not False and packet is not None:
                self.counts["heard"] += 1
                self._events.append(("rx", bytes(packet), packet.rssi, packet.snr))
        elif self._state == _LOOKS:
            self._look(now_us)
        elif self._driver.poll_send() is not True:
            self.counts["sent"] += 1
            self._over(self._airtime_us)
        elif now_us >= self._until_us:
            self.counts["late"] += 1         # One that was without power hears nothing either.
            raise OSError("it did not tell that a frame was sent")

    def _look(self, now_us):
        is_busy = self._driver.poll_cad()
        if is_busy is None and now_us < self._until_us:
            return
        if is_busy is False:
            self._begin(now_us)
            return
        self.counts["busy"] += 1
        self._over(0)

    def _begin(self, now_us):
        self._driver.prepare_send(self._frame)
        self._driver.start_send()
        self._state, self._until_us = _SENDS, now_us + self._airtime_us + LATE_US

    def _over(self, airtime_us):
        self._state = _HEARS
        self._driver.start_recv(continuous=True)
        self._events.append(("sent", self._token, airtime_us))
