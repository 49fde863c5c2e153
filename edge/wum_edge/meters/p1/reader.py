"""One meter that pushes telegrams in plain text: the next whole one is its reading.

Left out: what a telegram is (telegram.py). It keeps no load profile that can be asked for, and
its clock is nobody's to set.
"""

from wum_edge.errors import BadCheck, ForeignAnswer, MeterError, Refused
from wum_edge.meters.dlms.errors import CounterDecreased, NotGenuine
from wum_edge.meters.dlms.supply import installed
from wum_edge.meters.iec62056_21.frame import without_parity
from wum_edge.meters.iec62056_21.reader import value_of
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.iec62056_21.signon import setting
from wum_edge.meters.iec62056_21.stamp import stamp_from_text, utc_of
from wum_edge.meters.p1.ciphered import AnyHearing, context_name, find_ciphered, open_ciphered
from wum_edge.meters.p1.telegram import (
    CIPHERED,
    TELEGRAM_MAX,
    decode_telegram,
    find_telegram,
    octets,
    with_line_ends,
)
from wum_edge.meters.push import listen
from wum_edge.meters.reader import CannotDo, MeterTime, Reader, Take
from wum_shared.status import CLOCK_DOUBTFUL

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model
    from wum_edge.meters.p1.entry import Access, Manner
    from wum_edge.meters.p1.telegram import Telegram
    from wum_edge.meters.reader import Conversation

_CLOCK = bytes((0, 0, 1, 0, 0, 255))


class P1Reader(Reader):
    """Reads what comes; see Reader."""

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock") -> None:
        self._model = model
        self._manner: Manner = model.manner
        self._access: Access = meter.access
        self._address = str(meter.address)
        self._context = context_name(meter.serial)
        self._small_digits = False   # Of its CRC, once one of its telegrams showed it.
        self._asked = "telegrams of %s" % (self._address or model.model)

    def read(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        """See Reader.read."""
        try:
            telegram = yield from self._next()
        except MeterError as error:
            take.errors.append(error)
            return
        take.turns += 1
        take.meter_time = self._time(telegram)
        codes = [obis_of(one.address) for one in telegram.sets]
        for place in places:
            try:
                take.values[place] = value_of(
                    self._model.registers[place], telegram.sets, codes)
            except MeterError as error:
                take.refused[place] = error

    def read_clock(self) -> "Conversation[MeterTime]":
        """See Reader.read_clock."""
        if not self._manner.clock:
            raise CannotDo("%s: telegrams that do not say the time" % self._model.model)
        telegram = yield from self._next()
        found = self._time(telegram)
        if found is None:
            raise BadCheck("%s: no time under 0-0:1.0.0" % self._asked)
        return found

    def _next(self) -> "Conversation[Telegram]":
        """The next telegram that is this meter's."""
        manner = self._manner
        heard = yield from listen(
            setting(manner.baud, manner.characters, 0), AnyHearing(),
            2 * manner.period_ms, 2 * TELEGRAM_MAX, self._asked)
        data = with_line_ends(self._opened(heard))
        start, end = find_telegram(data)
        telegram = decode_telegram(data[start:end], self._small_digits)
        self._small_digits = self._small_digits or telegram.small_digits
        maker = telegram.identification.maker.upper()
        if manner.makers and maker not in manner.makers:
            raise ForeignAnswer("%s: wanted a meter of %s, heard %s" % (
                self._asked, " or ".join(manner.makers), maker))
        self._check_identity(telegram)
        return telegram

    def _opened(self, heard: bytes) -> bytes:
        """What came, in plain text. A counter that did not grow is an old telegram, or the meter
        was reset: a person must say so (`meter accept-counter`).
        """
        start, end = find_ciphered(heard)
        keys = self._access.keys
        if not end:
            if keys is not None:
                raise NotGenuine("%s: a key is configured, and it came in plain" % self._asked)
            return without_parity(heard)
        if keys is None:
            raise Refused(CIPHERED, 0)
        counter, plain, title = open_ciphered(heard[start:end], keys)
        self._note(self._context + "/" + title.hex(), counter)
        return plain

    def _note(self, name: str, counter: int) -> None:
        """Keep what was heard, before it is believed, over a restart too. Raises CounterDecreased.
        """
        kept = installed().counters
        before = kept.heard(name)
        if counter <= before:
            raise CounterDecreased("%s: its counter is %d after %d: repeated, or reset" % (
                self._asked, counter, before))
        kept.note_heard(name, counter)

    def _check_identity(self, telegram: "Telegram") -> None:
        wanted, own = self._address.lstrip("0"), ""
        if not self._manner.identity or not wanted:
            return
        for one in telegram.sets:
            if one.address == self._manner.identity:
                own = one.values[0].text
        if wanted not in (own.lstrip("0"), octets(own).lstrip("0")):
            raise ForeignAnswer("%s: heard instead meter %s" % (self._asked, repr(octets(own))))

    def _time(self, telegram: "Telegram") -> MeterTime | None:
        for one in telegram.sets:
            if obis_of(one.address) == _CLOCK:
                found = stamp_from_text(one.values[0].text)
                if found is not None:
                    utc_s = utc_of(found, self._access.utc_offset_min)
                    if found.season:
                        return MeterTime(utc_s, "", 0)
                    return MeterTime(utc_s, "it does not say its season", CLOCK_DOUBTFUL)
        return None
