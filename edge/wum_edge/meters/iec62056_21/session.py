"""One meter's programming mode: opened for some work and left again; a refused password kept back.

Left out: what is asked for in it (reader.py, history.py) and the messages (programming.py).
"""

from wum_edge.errors import BadCheck, MeterError, Refused
from wum_edge.meters.iec62056_21.dataset import DataSet, parse_block
from wum_edge.meters.iec62056_21.programming import (
    NO_PASSWORD,
    WRONG_PASSWORD,
    ask,
    leave,
    open_programming,
    write,
)
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.iec62056_21.signon import Opening
from wum_edge.meters.reader import Reader

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from typing import TypeVar

    from wum_edge import config
    from wum_edge.clock import Clock
    from wum_edge.meters.catalog import Model
    from wum_edge.meters.iec62056_21.entry import Access, Manner
    from wum_edge.meters.reader import Conversation

    Result = TypeVar("Result")

# Turkish meters to MASS lock for six hours after three wrong passwords: two may be noise.
REFUSALS_MAX = 2
REST_S = 86400               # Then it is not said for a day.
NO_CODE = 0


class Session(Reader):
    """What readers of this protocol share: a meter, and its programming mode."""

    def __init__(self, model: "Model", meter: "config.Meter", clock: "Clock") -> None:
        manner: Manner = model.manner
        self._model = model
        self._manner = manner
        self._access: Access = meter.access
        self._clock = clock
        self._address = str(meter.address)
        self._timeout_ms = max(meter.timeout_ms, manner.answer_ms)
        self._opening = Opening(self._address, manner.baud, manner.fixed, manner.characters,
                                manner.wake_up, manner.makers, manner.added)
        self._asked = "meter %s" % (self._address or "without address")
        self._refusals = 0           # Of the password, one after the other.
        self._refused_s = 0          # When it was refused last.
        self._is_set_up = False      # Its load profile is as the entry has it.
        self._no_lists: set[str] = set()     # Of events, that the meter has not.

    def _inside(
            self, work: "Conversation[Result]", writes: bool = False) -> "Conversation[Result]":
        """Conversation: `work` in programming mode, which is left again whatever comes of it: a
        meter that stays in it answers nobody for a minute or two.
        """
        password = self._access.password
        if self._manner.open_reads and not writes:
            password = NO_PASSWORD
        if password.level:
            self._check_rest()
        try:
            yield from open_programming(self._opening, password, self._timeout_ms, self._asked)
            if password.level:
                self._refusals = 0
            result = yield from work
        except MeterError as error:
            if type(error) is Refused and error.word == WRONG_PASSWORD:
                self._refusals += 1
                self._refused_s = self._clock.now_s()
            yield from self._leave()
            raise
        yield from self._leave()
        return result

    def _leave(self) -> "Conversation[None]":
        yield from leave(self._manner.added, self._timeout_ms if self._manner.ends_answered else 0)

    def _check_rest(self) -> None:
        """Raise Refused where the password was refused so often that once more may lock the meter.
        """
        since_s = self._clock.now_s() - self._refused_s
        if self._refusals >= REFUSALS_MAX and 0 <= since_s < REST_S:
            raise Refused("%s: it refused its password %d times: it is not said again for a day, "
                          "for wrong ones lock such meters: mend password in [meter.access]" % (
                              self._asked, self._refusals), NO_CODE)

    def _ask_all(self, addresses: list[str]) -> "Conversation[list[DataSet]]":
        sets = []
        for address in addresses:
            sets += yield from self._ask(address)
        return sets

    def _ask(self, address: str) -> "Conversation[list[DataSet]]":
        """One register's data sets; its address may or may not be repeated in the answer. One with
        brackets of its own, `EMD01(0.0)`, is said as it is.
        """
        asked = "%s: %s" % (self._asked, address)
        name = address.partition("(")[0]
        say = address if name != address else address + "()"
        body = yield from ask(self._manner.read_command.encode(), say.encode(),
                              self._timeout_ms, asked, self._manner.added)
        sets = parse_block(body)
        foreign = [one.address for one in sets if one.address not in ("", name) and (
            obis_of(one.address) is None or obis_of(one.address) != obis_of(name))]
        if not sets or foreign:
            raise BadCheck("%s: wanted its data set, got %d: %s" % (
                asked, len(sets), foreign[0] if foreign else "none"))
        # Energomera says the address before each value, or before the first alone.
        return [DataSet(address, tuple([value for one in sets for value in one.values]))]

    def _ask_range(self, command: str, body: str, nothing: str) -> "Conversation[bytes]":
        """What a log or a profile has in a range; empty where the meter says by the error message
        `nothing` that it has none.
        """
        try:
            return (yield from ask(command.encode(), body.encode(), self._timeout_ms,
                                   "%s: %s" % (self._asked, body), self._manner.added))
        except Refused as error:
            if not nothing or error.word != nothing:
                raise
        return b""

    def _write_all(
            self, command: str, writes: list[tuple[str, str]]) -> "Conversation[None]":
        for address, text in writes:
            body = "%s(%s)" % (address, text)
            yield from write(command.encode(), body.encode(), self._timeout_ms,
                             "%s: %s %s" % (self._asked, command, body), self._manner.added)
