"""One meter that says SML by itself or on request: its next whole file is its reading.

Left out: bytes and messages (transport.py, message.py).
"""

from binascii import hexlify

from wum_edge.errors import BadCheck, ForeignAnswer, MeterError, Refused
from wum_edge.meters.push import listen
from wum_edge.meters.reader import CannotDo, MeterTime, Reader, Take
from wum_edge.meters.scaling import rescaled
from wum_edge.meters.sml.message import ATTENTION, LIST, LOCAL, TIMESTAMP, decode_messages
from wum_edge.meters.sml.request import SIGN_ON, request_file
from wum_edge.meters.sml.transport import FILE_MAX, FileHearing, find_file, unwrap
from wum_edge.meters.turn import Hearing, Setting
from wum_shared.obis import obis_to_text
from wum_shared.units import NO_UNIT, UNITS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model, Register
    from wum_edge.meters.reader import Conversation
    from wum_edge.meters.sml.entry import Manner
    from wum_edge.meters.sml.message import Entry, ValueList

_NO_CODE = 0
_REQUESTS = {"": b"", "sml": request_file(b"wum-edge"), "sign-on": SIGN_ON}


class SmlReader(Reader):
    """Reads what comes; see Reader."""

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock") -> None:
        self._model = model
        self._manner: Manner = model.manner
        self._address = str(meter.address).lower()
        self._asked = "SML of %s" % (self._address or model.model)

    def read(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        """See Reader.read."""
        try:
            values = yield from self._next()
        except MeterError as error:
            take.errors.append(error)
            return
        take.turns += 1
        take.meter_time = _time(values)
        for place in places:
            try:
                take.values[place] = value_of(self._model.registers[place], values.entries)
            except MeterError as error:
                take.refused[place] = error

    def read_clock(self) -> "Conversation[MeterTime]":
        """See Reader.read_clock."""
        if not self._manner.clock:
            raise CannotDo("%s: files that do not say the time" % self._model.model)
        found = _time((yield from self._next()))
        if found is None:
            raise BadCheck("%s: it does not say the time" % self._asked)
        return found

    def _next(self) -> "Conversation[ValueList]":
        manner = self._manner
        say = _REQUESTS[manner.request]
        heard = yield from listen(
            Setting(manner.baud, 8, "N", 1, 0), _AnswerHearing(say), 2 * manner.period_ms,
            2 * FILE_MAX, self._asked, say)
        heard = without_echo(heard, say)
        start, end = find_file(heard)
        for message in decode_messages(
                unwrap(heard[start:end]), manner.narrow_unsigned):
            if message.kind == ATTENTION:
                raise Refused("%s: attention %s" % (self._asked, message.body.text), _NO_CODE)
            if message.kind == LIST:
                found: ValueList = message.body
                server = hexlify(found.server or b"").decode()
                if self._address and server != self._address:
                    raise ForeignAnswer("%s: heard instead %s" % (self._asked, server))
                return found
        raise BadCheck("%s: a file without a list of values" % self._asked)


class _AnswerHearing(Hearing):
    """Hears until a whole file stands in what came, and not the one that we said: an optical head
    hears itself.
    """

    def __init__(self, say: bytes) -> None:
        self._say = say
        self._file = FileHearing()

    def __call__(self, heard: bytes | bytearray) -> bool:
        return self._file(without_echo(heard, self._say))


def without_echo(heard: bytes | bytearray, say: bytes) -> bytes:
    """What came after our own words, where they came back."""
    whole = bytes(heard)
    if say and whole[:len(say)] == say[:len(whole)]:
        return whole[len(say):]
    return whole


def value_of(register: "Register", entries: "tuple[Entry, ...]") -> int | None:
    """The register's scaled integer among the entries; None: it is no number. Raises Refused."""
    found = [entry for entry in entries if entry.code == register.source.code]
    code = obis_to_text(register.source.code)
    if not found:
        raise Refused("%s: its list has no %s" % (register.name, code), _NO_CODE)
    if len(found) > 1 and any(entry != found[0] for entry in found):
        raise Refused("%s: its list has %s twice, with different values" % (
            register.name, code), _NO_CODE)
    entry = found[0]
    if type(entry.value) is not int:
        return None
    unit = entry.unit or NO_UNIT     # 0 stands for none in the files of some makers.
    if unit not in (register.unit, 14 if register.unit == 13 else register.unit):
        raise Refused("%s: wanted %s, the meter gives unit %s" % (
            register.name, UNITS[register.unit] or "no unit", UNITS.get(unit, "%d" % unit)),
            _NO_CODE)
    return rescaled(entry.value, entry.scaler, register.scaler)


def _time(values: "ValueList") -> MeterTime | None:
    """UTC where the meter says a time of day; a count of seconds is none."""
    for time in (values.time, values.gateway_time):
        if time is not None and time.kind in (TIMESTAMP, LOCAL):
            return MeterTime(time.seconds, "", 0)
    return None
