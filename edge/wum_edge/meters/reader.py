"""What every protocol offers about one meter: the conversations that read it, set it and switch it.

Left out: which meter is due, which line it is on and what a failure is called (visit.py, sweep.py);
how a protocol does it (meters/modbus/, meters/dlms/, ...). A conversation is a generator of turns,
see turn.py.
"""

from collections import namedtuple

from wum_edge.errors import MeterError, Refused

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeVar

    from wum_edge.meters.dlms.control import Calendar
    from wum_edge.meters.dlms.setting import Kept, Limit
    from wum_edge.meters.turn import Setting, Turn

    Result = TypeVar("Result")
    Conversation = Generator[Turn | Setting, bytes, Result]


class Take:
    """What the turns of one attempt have brought. A conversation writes here as it goes on, so
    that what came before a failure is kept.

    `values` are scaled integers by place in the model's registers; None: the meter sent something
    that is no number, or past what a reading holds. `refused` are places that it will not give,
    with the failure it named; those of them in `again` it may give when it is asked once more
    (it was busy). `errors` are turns that failed, in order.
    """

    def __init__(self) -> None:
        self.values: dict[int, int | None] = {}
        self.refused: dict[int, MeterError] = {}
        self.again: set[int] = set()
        self.errors: list[MeterError] = []
        self.turns = 0               # That brought a genuine answer.
        self.foreign = 0             # Whole answers of others that were passed over.
        self.time_s: int | None = None   # When, by our clock, the answer with the meter's began.
        self.moment: Callable[[], int | None] | None = None  # Says so of the latest answer.
        self._meter_time: MeterTime | None = None

    @property
    def meter_time(self) -> "MeterTime | None":
        """The meter's clock, where the protocol gives it with the values."""
        return self._meter_time

    @meter_time.setter
    def meter_time(self, time: "MeterTime | None") -> None:
        self._meter_time = time
        if time is not None and self.moment is not None:
            self.time_s = self.moment()

    def answered(self) -> bool:
        """Whether something genuine came, if only an exception."""
        return self.turns > 0 or any(
            isinstance(error, Refused) for error in self.errors)


class MeterTime(namedtuple("MeterTime", ("utc_s", "doubt", "flags"))):
    """A meter's own clock. `utc_s` is None where it does not say what its time means; `doubt` is
    the reason in words, empty when it vouches for it; `flags` say the same as a reading's status
    does (CLOCK_INVALID, CLOCK_DOUBTFUL, CLOCK_LOCAL), 0 when it vouches for it.
    """

    __slots__ = ()
    utc_s: int | None
    doubt: str
    flags: int


class ProfileRow(namedtuple("ProfileRow", ("captured_at_s", "values", "status"))):
    """One row of the meter's own load profile. `captured_at_s` is UTC and ends the interval;
    `values` are scaled integers or None, in the order of the profile's registers in the catalogue;
    `status` is the meter's status word as it came, or None.
    """

    __slots__ = ()
    captured_at_s: int
    values: tuple[int | None, ...]
    status: int | None


class MeterEvent(namedtuple("MeterEvent", ("at_s", "code", "note"))):
    """One entry of the meter's event log: UTC seconds or None, the meter's own code, its words."""

    __slots__ = ()
    at_s: int | None
    code: int
    note: str


class SwitchState(namedtuple("SwitchState", ("is_closed", "word"))):
    """Whether the consumer is connected, and what the meter's own control says of it."""

    __slots__ = ()
    is_closed: bool
    word: str


class CannotDo(Exception):
    """This protocol or model has no such thing. The text names model and thing."""


class Reader:
    """One meter as its protocol reads it. Kept from sweep to sweep: it may learn (ranges that were
    refused, an association that is open, the next block of a log).

    The line already has the meter's setting when a conversation begins; one that changes it need
    not put it back. Every conversation raises MeterError for what the meter or the wire did, and
    CannotDo at its first step for what this protocol or model has not.
    """

    def read(self, places: tuple[int, ...], take: Take) -> "Conversation[None]":
        """Conversation: the registers at `places` of the model, into `take`.

        Ends without an exception: failures are in `take.errors`. A place that is in neither
        `values` nor `refused` afterwards may be asked for again.
        """
        raise NotImplementedError

    def close(self) -> "Conversation[None]":
        """Conversation: end what is open with the meter (an association), if anything is."""
        return
        yield

    def read_clock(self) -> "Conversation[MeterTime]":
        """Conversation: the meter's clock, as of the beginning of its answer."""
        raise CannotDo("this meter has no clock that can be read")
        yield

    def set_clock(self, utc_s: int) -> "Conversation[None]":
        """Conversation: set the meter's clock to `utc_s`."""
        raise CannotDo("this meter has no clock that can be set")
        yield

    def clock_step_s(self, now_s: int) -> "int | None":
        """By how many seconds its clock may be set at most, now; None: by any number of them."""
        return None

    def read_profile(self, first_s: int, last_s: int) -> "Conversation[list[ProfileRow]]":
        """Conversation: the rows captured from `first_s` to `last_s` (UTC, both included), oldest
        first. What the meter does not have is left out: it is a gap, not a zero.
        """
        raise CannotDo("this meter keeps no load profile")
        yield

    def read_events(self, after_s: int) -> "Conversation[list[MeterEvent]]":
        """Conversation: the entries of the event log later than `after_s`, oldest first."""
        raise CannotDo("this meter keeps no event log")
        yield

    def switch(self, closed: bool) -> "Conversation[None]":
        """Conversation: connect (`closed`) or disconnect the consumer, and confirm it by reading
        the state back.
        """
        raise CannotDo("this meter has no switch")
        yield

    def switch_secondary(self, closed: bool) -> "Conversation[None]":
        """Conversation: switch the load that the consumer lets be cut (a boiler) on or off, and
        confirm it by reading the state back.
        """
        raise CannotDo("this meter has no switch for a secondary load")
        yield

    def read_switch(self) -> "Conversation[SwitchState]":
        """Conversation: whether the consumer is connected."""
        raise CannotDo("this meter has no switch that can be read")
        yield

    def read_limit(self) -> "Conversation[Limit]":
        """Conversation: the limiter, with scaler and unit of what it watches."""
        raise CannotDo("this meter has no limiter that can be read")
        yield

    def set_limit(self, value: int, exponent: int) -> "Conversation[Limit | None]":
        """Conversation: the limiter's normal threshold becomes `value` times 10^`exponent`, in the
        unit of what it watches; the limiter as the meter has it then, None where it is no more than
        this threshold.
        """
        raise CannotDo("this meter has no limiter that can be set")
        yield

    def read_calendar(self) -> "Conversation[Kept]":
        """Conversation: both halves of the activity calendar."""
        raise CannotDo("this meter has no activity calendar that can be read")
        yield

    def set_calendar(self, wanted: "Calendar") -> "Conversation[None]":
        """Conversation: write the passive half of the activity calendar, and read it back."""
        raise CannotDo("this meter has no activity calendar that can be set")
        yield

    def activate_calendar(self) -> "Conversation[None]":
        """Conversation: the passive half of the activity calendar becomes active, now."""
        raise CannotDo("this meter has no activity calendar that can be set")
        yield
