"""A bus of scripted meters on virtual time, for the portable tests. No codec of ours in it."""

from wum_edge.clock import Clock
from wum_edge.errors import LineGone
from wum_edge.meters.turn import Line


def crc_of(frame):
    """CRC-16 of Modbus, bit by bit as the standard draws it (Serial Line V1.02, figure 40)."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            carry = value & 1
            value >>= 1
            if carry:
                value ^= 0xA001
    return bytes([value & 0xFF, value >> 8])


def framed(text):
    """The bytes of hexadecimal `text` and their CRC."""
    frame = bytes.fromhex(text)
    return frame + crc_of(frame)


class VirtualClock(Clock):
    """Moves only when somebody says so."""

    def __init__(self, start_s=1760000000):
        self.start_s = start_s
        self.ms = 0

    def now_s(self):
        return self.start_s + self.ms // 1000

    def quality(self):
        return 0

    def monotonic_ms(self):
        return self.ms

    def real_ms_until(self, at_s):
        return max(0, (at_s - self.start_s) * 1000 - self.ms)


class ScriptedMeter:
    """Answers reads from `words`; what it has no word for it refuses with exception 2."""

    def __init__(self, unit, words, delay_ms=20):
        self.unit = unit
        self.words = words       # Address: 0..65535.
        self.delay_ms = delay_ms
        self.silent = False
        self.refuse = 0          # Exception code for everything, or 0.
        self.mangle = None       # Makes other bytes of an answer.
        self.asked = []          # (function, first, count) of every request.

    def answer(self, request):
        first = request[2] << 8 | request[3]
        count = request[4] << 8 | request[5]
        self.asked.append((request[1], first, count))
        if self.silent:
            return b""
        missing = [a for a in range(first, first + count) if a not in self.words]
        if self.refuse or missing:
            frame = bytes([self.unit, request[1] | 0x80, self.refuse or 2])
        else:
            frame = bytes([self.unit, request[1], 2 * count])
            for address in range(first, first + count):
                frame += bytes([self.words[address] >> 8, self.words[address] & 0xFF])
        frame += crc_of(frame)
        return self.mangle(frame) if self.mangle else frame


class Bus(Line):
    """Carries bytes between whoever says something and the meters, in virtual milliseconds."""

    def __init__(self, clock, meters):
        self.clock = clock
        self.meters = meters
        self.echo = False
        self.gone = False
        self.under_way = []      # (at_ms, bytes) that will be heard.
        self.said = []
        self.listened_ms = 0     # Time spent in turns that said nothing.
        self.setting = None      # How bytes go, as it was set last.
        self.settings = []       # All that were set, in order.

    def set(self, setting):
        if self.gone:
            raise LineGone("line a (tty): it vanished")
        self.setting = setting
        self.settings.append(setting)

    def turn(self, say, is_whole, timeout_ms):
        if self.gone:
            raise LineGone("line a (tty): it vanished")
        start_ms = self.clock.ms
        if say:
            # The port's promise: what came before is thrown away.
            self.under_way = [one for one in self.under_way if one[0] > start_ms]
            self.said.append(bytes(say))
            if self.echo:
                self.under_way.append((start_ms, say))
            for meter in self.meters:
                if meter.unit == say[0] and say[-2:] == crc_of(say[:-2]):
                    answer = meter.answer(say)
                    if answer:
                        self.under_way.append((start_ms + meter.delay_ms, answer))
        heard = self._hear(is_whole, start_ms + timeout_ms)
        if not say:
            self.listened_ms += self.clock.ms - start_ms
        return heard

    def _hear(self, is_whole, deadline_ms):
        heard = bytearray()
        while True:
            coming = sorted([one for one in self.under_way if one[0] <= deadline_ms])
            if not coming:
                break
            at_ms, data = coming[0]
            self.under_way.remove(coming[0])
            self.clock.ms = max(self.clock.ms, at_ms)
            for place in range(len(data)):
                heard.append(data[place])
                if is_whole(heard):
                    rest = bytes(data[place + 1:])
                    if rest:
                        self.under_way.append((self.clock.ms, rest))
                    return bytes(heard)
        self.clock.ms = deadline_ms
        return bytes(heard)
