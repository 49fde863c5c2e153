"""The air: transmissions, who locks on them, and what is lost. Discrete events, whole microseconds.

Left out: what the stations are for (station.py). One seed; the same seed gives the same trace.
"""

import heapq
from binascii import crc32
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from wum_edge.mesh.airtime import Modulation, airtime_us, symbol_us
from wum_simulator.radio import reception
from wum_simulator.radio.field import DRIFT_STEP_US, Field, dbm
from wum_simulator.radio.law import Law
from wum_simulator.radio.wires import Links
from wum_simulator.world import Dice

TURNAROUND_US = 300          # Between receiving and sending, by the modem itself.
CAD_SYMBOLS = 5              # Four to listen, one to think.
CAD_SEES = (0.97, 0.85)      # A preamble; a frame's middle.
CAD_FALSE = 0.01
_LOCK_DB = -4.0              # Weaker than this under the threshold nothing is ever decoded.

OFF, LISTENING, SENSING, SENDING = range(4)


class Owner(Protocol):
    """What a radio tells its host, at once and without jitter."""

    def heard(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None: ...

    def sent(self, t_us: int, token: int, airtime_us: int) -> None: ...


class Transmission:
    """One frame on the air."""

    __slots__ = ("begin_us", "channel", "end_us", "frame", "hearers", "is_cut", "lock_us",
                 "overlaps", "powers", "rate", "sender", "token", "word")

    def __init__(self, radio: "Radio", frame: bytes, rate: int, word: int, token: int) -> None:
        self.sender, self.channel, self.rate, self.word = radio.number, radio.channel, rate, word
        self.frame, self.token, self.is_cut = frame, token, False
        self.powers: dict[int, float] = {}
        self.overlaps: list[Transmission] = []
        self.hearers: list[Radio] = []
        self.begin_us = self.lock_us = self.end_us = 0


class Radio:
    """A half-duplex modem: one channel, one rate and one sync word at a time.

    A frame with another sync word is noise to it, and holds it up no longer than a preamble does.
    """

    __slots__ = ("air", "channel", "law", "lock", "mode", "number", "owner", "rate", "sending",
                 "word")

    def __init__(self, air: "Air", number: int, duty_permyriad: int) -> None:
        self.air, self.number = air, number
        self.channel = self.rate = self.word = 0
        self.mode = LISTENING
        self.lock: Transmission | None = None
        self.sending: Transmission | None = None
        self.law = Law(f"station {number}", duty_permyriad)
        self.owner: Owner | None = None

    def listen(self, rate: int, word: int, channel: int = 0) -> None:
        """From now on hear this rate, word and channel; what was being received is lost."""
        if (rate, word, channel) != (self.rate, self.word, self.channel):
            self.rate, self.word, self.channel, self.lock = rate, word, channel, None

    def send(self, frame: bytes, rate: int, word: int, token: int, has_cad: bool) -> None:
        """Send; with `has_cad` only if the channel seems free. The owner is told by `sent`."""
        air = self.air
        if self.mode != LISTENING or (has_cad and self.lock is not None):
            air.after(0, self._refuse, token)
            return
        self.lock = None
        self.mode = SENSING
        if has_cad:
            wait_us = CAD_SYMBOLS * symbol_us(air.ways[rate])
            air.after(wait_us, self._sensed, (frame, rate, word, token))
        else:
            air.after(TURNAROUND_US, self._begin, (frame, rate, word, token))

    def power(self, is_on: bool) -> None:
        """Off: what is being sent is cut short and reaches nobody."""
        self.lock = None
        if self.sending is not None:
            self.sending.is_cut, self.sending = True, None
        self.mode = LISTENING if is_on else OFF

    def _refuse(self, token: int) -> None:
        if self.owner is not None:
            self.owner.sent(self.air.now_us, token, 0)

    def _sensed(self, wanted: tuple[bytes, int, int, int]) -> None:
        if self.mode != SENSING:
            return
        if self.air.seems_busy(self, wanted[1]):
            self.mode = LISTENING
            self.air.counts["cad busy"] += 1
            self._refuse(wanted[3])
        else:
            self.air.after(TURNAROUND_US, self._begin, wanted)

    def _begin(self, wanted: tuple[bytes, int, int, int]) -> None:
        if self.mode == SENSING:
            self.mode = SENDING
            self.sending = self.air.begin(self, *wanted)


class Air:
    """All radios, what is on the air, and what happens next."""

    def __init__(self, field: "Field | Links", ways: Sequence[Modulation], dice: Dice,
                 capture_db: float, duty_permyriad: list[int]) -> None:
        self.now_us = 0
        self.ways, self.field = ways, field
        self.radios = [Radio(self, at, duty) for at, duty in enumerate(duty_permyriad)]
        self.counts: Counter[str] = Counter()
        self.airtime_us: Counter[int] = Counter()        # By the first byte of the frame.
        self.spent_us: list[Counter[int]] = [Counter() for _ in self.radios]    # And by station.
        self.lost_at: Counter[int] = Counter()           # By receiver: frames begun, and lost.
        self.trace = 0
        self._random = dice.stream("air").random
        self._active: list[Transmission] = []
        self._queue: list[tuple[int, int, Callable[..., None], object]] = []
        self._order = 0
        self._capture = 10 ** (capture_db / 10)
        by_pair = reception.weights(capture_db)
        factors = [way.spreading_factor for way in ways]
        self._weights = [[by_pair[one, other] for other in factors] for one in factors]
        self._noise_mw = [reception.noise_mw(way.bandwidth_hz) for way in ways]
        self._floor_mw = [
            noise * 10 ** ((reception.THRESHOLD_DB[factor] + _LOCK_DB) / 10)
            for noise, factor in zip(self._noise_mw, factors, strict=True)]
        self._lock_us = [reception.critical_us(way) for way in ways]
        self._airtimes = [[airtime_us(way, size) for size in range(256)] for way in ways]
        self.after(DRIFT_STEP_US, self._drift, None)

    def audible(self) -> list[list[int]]:
        """By place: the stations that are heard there at the first rate as a rule; not its own."""
        found: list[list[int]] = [[] for _ in self.radios]
        for sender, means in enumerate(self.field.means):
            for receiver, power_mw in means:
                if power_mw >= self._floor_mw[0]:
                    found[receiver].append(sender)
        return found

    def after(self, wait_us: int, action: Callable[..., None], argument: object) -> None:
        """Call `action(argument)` in `wait_us`; what comes first was asked for first."""
        self._order += 1
        heapq.heappush(self._queue, (self.now_us + wait_us, self._order, action, argument))

    def run(self, until_us: int) -> None:
        """Let everything happen up to `until_us`. Raises Breach."""
        queue, pop = self._queue, heapq.heappop
        while queue and queue[0][0] <= until_us:
            self.now_us, _, action, argument = pop(queue)
            action(argument)
        self.now_us = until_us

    def next_us(self) -> int | None:
        """When the next thing happens; None when nothing will."""
        return self._queue[0][0] if self._queue else None

    def seems_busy(self, radio: Radio, rate: int) -> bool:
        """Whether channel activity detection tells of something; it is told little truth."""
        factor = self.ways[rate].spreading_factor
        for other in self._active:
            if (other.channel == radio.channel and other.sender >= 0
                    and self.ways[other.rate].spreading_factor == factor
                    and other.powers.get(radio.number, 0.0) >= self._floor_mw[rate]):
                sees = CAD_SEES[0] if other.lock_us > self.now_us else CAD_SEES[1]
                if self._random() < sees:
                    return True
        return self._random() < CAD_FALSE

    def begin(self, radio: Radio, frame: bytes, rate: int, word: int, token: int) -> Transmission:
        """Put a frame on the air. Raises Breach."""
        sending = Transmission(radio, frame, rate, word, token)
        begin_us = self.now_us
        sending.begin_us, sending.lock_us = begin_us, begin_us + self._lock_us[rate]
        sending.end_us = begin_us + self._airtimes[rate][len(frame)]
        radio.law.sent(begin_us, sending.end_us)
        self.trace = crc32(frame, crc32(b"%d %d %d" % (begin_us, radio.number, rate), self.trace))
        self.counts["sent"] += 1
        self.airtime_us[frame[0]] += sending.end_us - begin_us
        self.spent_us[radio.number][frame[0]] += sending.end_us - begin_us
        fades, throw = self.field.fades, self._random
        size = len(fades)
        sending.powers = {receiver: mean_mw * fades[int(throw() * size)]
                          for receiver, mean_mw in self.field.means[radio.number]}
        for other in self._active:
            if other.channel == sending.channel or other.sender < 0:
                other.overlaps.append(sending)
                sending.overlaps.append(other)
        self._active.append(sending)
        self._lock(sending)
        self.after(sending.end_us - begin_us, self._end, sending)
        return sending

    def jam(self, powers_mw: dict[int, float], length_us: int) -> None:
        """Something that is no frame, as strong as a frame's own kind at these receivers."""
        noise = Transmission(self.radios[0], b"", 0, -1, 0)
        noise.sender, noise.powers = -1, powers_mw
        noise.begin_us = noise.lock_us = self.now_us
        noise.end_us = self.now_us + length_us
        for other in self._active:
            other.overlaps.append(noise)
        self._active.append(noise)
        self.counts["jams"] += 1
        self.after(length_us, self._unjam, noise)

    def _unjam(self, noise: Transmission) -> None:
        self._active.remove(noise)

    def _lock(self, sending: Transmission) -> None:
        floor_mw, radios = self._floor_mw[sending.rate], self.radios
        for number, power_mw in sending.powers.items():
            if power_mw < floor_mw:
                continue
            radio = radios[number]
            if (radio.mode != LISTENING or radio.rate != sending.rate
                    or radio.word != sending.word or radio.channel != sending.channel):
                continue
            other = radio.lock
            if other is not None:
                if (other.lock_us <= self.now_us
                        or power_mw < other.powers[number] * self._capture):
                    self.counts["engaged"] += 1
                    continue
                self.counts["left"] += 1
            radio.lock = sending
            sending.hearers.append(radio)

    def _end(self, sending: Transmission) -> None:
        self._active.remove(sending)
        self.counts["locked"] += len(sending.hearers)
        for radio in sending.hearers:
            if radio.lock is not sending:
                self.counts["abandoned"] += 1
                continue
            radio.lock = None
            self._judge(radio, sending)
        sending.overlaps.clear()     # They name each other for ever, otherwise.
        radio = self.radios[sending.sender]
        if radio.sending is sending:
            radio.sending, radio.mode = None, LISTENING
            self._catch_up(radio)
            if radio.owner is not None:
                radio.owner.sent(self.now_us, sending.token, sending.end_us - sending.begin_us)

    def _catch_up(self, radio: Radio) -> None:
        """Who has just come back may still lock on a preamble."""
        for other in self._active:
            if (other.lock_us > self.now_us and other.sender >= 0 and other.rate == radio.rate
                    and other.word == radio.word
                    and other.channel == radio.channel and radio.lock is None
                    and other.powers.get(radio.number, 0.0) >= self._floor_mw[other.rate]):
                radio.lock = other
                other.hearers.append(radio)

    def _judge(self, radio: Radio, sending: Transmission) -> None:
        power_mw, rate = sending.powers[radio.number], sending.rate
        if sending.is_cut:
            self.counts["cut"] += 1
            return
        if sending.overlaps and power_mw < self._capture * self._worst_mw(radio.number, sending):
            self.counts["collided"] += 1
            self.lost_at[radio.number] += 1
            return
        snr_db = dbm(power_mw / self._noise_mw[rate])
        margin_db = snr_db - reception.THRESHOLD_DB[self.ways[rate].spreading_factor]
        if self._random() < reception.loss(margin_db, len(sending.frame)):
            self.counts["faded"] += 1
            self.lost_at[radio.number] += 1
            return
        self.counts["heard"] += 1
        if radio.owner is not None:
            radio.owner.heard(self.now_us, sending.frame, round(dbm(power_mw)),
                              round(snr_db * 4), rate)

    def _worst_mw(self, number: int, sending: Transmission) -> float:
        """The most that others sent at one moment, as it counts against this frame."""
        weight = self._weights[sending.rate]
        harm = [(other.begin_us, other.end_us, other.powers[number] * weight[other.rate])
                for other in sending.overlaps
                if other.end_us > sending.lock_us and number in other.powers]
        if len(harm) < 2:
            return harm[0][2] if harm else 0.0
        moments = [max(begin_us, sending.lock_us) for begin_us, _, _ in harm]
        return max(sum(power for begin_us, end_us, power in harm if begin_us <= at_us < end_us)
                   for at_us in moments)

    def _drift(self, _: object) -> None:
        self.field.step()
        self.after(DRIFT_STEP_US, self._drift, None)
