"""An RS-485 line at a UART, with the pin that turns the transceiver round.

Left out: what is said. The rules of a turn are those of ports/README.md, "The line, exactly". A
turn does not wait for asyncio: while it waits it calls `breathe`, which keeps the uplink and the
watchdog alive.
"""

import time

from wum_edge.meters.turn import Line

DRAIN_MAX_MS = 300       # Whoever talks unasked for longer, and the silence, is talked over.
ARRIVING_MS = 50         # A byte this long before the deadline belongs to an answer under way.
FRAME_CHARACTERS = 256   # Longest RTU frame: what an answer under way may still take.
HEARD_MAX = 8192         # Of one turn: a line that never stops talking fills no memory.
SETTLE_US = 20           # A transceiver turns round in less than 10 us.
_LOOK_MS = 1
_PARITY = {"N": None, "E": 0, "O": 1}


class UartLine(Line):
    """One line. `uart` is a machine.UART; `direction` its pin, high while we talk, or None."""

    def __init__(self, uart, settings, direction, breathe):
        self._uart = uart
        self._direction = direction
        self._breathe = breathe
        self._setting = None
        self._quiet_since_us = time.ticks_us()
        if direction is not None:
            direction.value(0)
        self.set(settings.setting())

    def set(self, setting):
        """See Line.set."""
        before, self._setting = self._setting, setting
        if before is None or tuple(setting)[:4] != tuple(before)[:4]:
            self._uart.init(baudrate=setting.baud, bits=setting.data_bits,
                            parity=_PARITY[setting.parity], stop=setting.stop_bits)

    def turn(self, say, is_whole, timeout_ms):
        """See Line.turn."""
        if say:
            self._drain()
            self._say(say)
        return self._hear(is_whole, timeout_ms)

    def _say(self, data):
        if self._direction is not None:
            self._direction.value(1)
            time.sleep_us(SETTLE_US)
        self._uart.write(data)
        # The last bit must have left before the transceiver turns: an answer may begin at once.
        while not self._uart.txdone():
            time.sleep_ms(_LOOK_MS if len(data) > 8 else 0)
        if self._direction is not None:
            self._direction.value(0)
        self._quiet_since_us = time.ticks_us()

    def _drain(self):
        """Throw away what came unasked, and wait until the line was silent for long enough."""
        began_ms = time.ticks_ms()
        while True:
            silence_us = time.ticks_diff(time.ticks_us(), self._quiet_since_us)
            if self._uart.any():
                self._uart.read()
                self._quiet_since_us = time.ticks_us()
            elif not 0 <= silence_us < self._setting.quiet_us:
                return                   # Also where the counter of microseconds has gone round.
            if time.ticks_diff(time.ticks_ms(), began_ms) >= (
                    DRAIN_MAX_MS + self._setting.quiet_us // 1000):
                return
            self._wait()

    def _hear(self, is_whole, timeout_ms):
        heard = bytearray()
        began_ms = last_ms = time.ticks_ms()
        setting = self._setting
        frame_ms = FRAME_CHARACTERS * setting.bits_per_character() * 1000 // setting.baud
        while True:
            if self._uart.any():
                heard.extend(self._uart.read())
                last_ms = time.ticks_ms()
                self._quiet_since_us = time.ticks_us()
                if is_whole(heard) or len(heard) >= HEARD_MAX:
                    return bytes(heard)
            now_ms = time.ticks_ms()
            until_ms = timeout_ms
            if heard:   # An answer under way may finish: the deadline is for its beginning.
                arriving_ms = time.ticks_diff(last_ms, began_ms) + ARRIVING_MS
                until_ms = max(timeout_ms, min(timeout_ms + frame_ms, arriving_ms))
            if time.ticks_diff(now_ms, began_ms) >= until_ms:
                return bytes(heard)
            self._wait()

    def _wait(self):
        self._breathe()
        time.sleep_ms(_LOOK_MS)
