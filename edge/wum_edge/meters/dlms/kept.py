"""A DLMS meter's association, kept from one conversation to the next; what is set or switched.

Left out: what is read (reader.py) and the objects that are set (control.py, setting.py).
"""

from wum_edge.errors import MeterError
from wum_edge.meters.dlms.apdu import Attribute, Result
from wum_edge.meters.dlms.connect import association_for
from wum_edge.meters.dlms.errors import AccessRefused
from wum_edge.meters.dlms.session import Session
from wum_edge.meters.reader import CannotDo, Reader, SwitchState

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from wum_edge import config
    from wum_edge.meters.catalog import Model
    from wum_edge.meters.dlms.control import Calendar
    from wum_edge.meters.dlms.setting import Kept, Limit
    from wum_edge.meters.dlms.supply import Supply
    from wum_edge.meters.reader import Conversation

    Answer = TypeVar("Answer")


class KeptReader(Reader):
    """The half of a DLMS reader that sets and switches.

    The association stays open from one conversation to the next until close().
    """

    def __init__(self, model: "Model", meter: "config.Meter", supply: "Supply | None") -> None:
        self._model = model
        self._meter = meter
        self._supply = supply
        self._session: Session | None = None

    def close(self) -> "Conversation[None]":
        """See Reader.close."""
        if self._session is not None:
            yield from self._session.association.close()

    def switch(self, closed: bool) -> "Conversation[None]":
        """See Reader.switch."""
        self._check_switch()
        yield from self._kept(lambda session: _switch(session, False, closed))

    def switch_secondary(self, closed: bool) -> "Conversation[None]":
        """See Reader.switch_secondary."""
        yield from self._kept(lambda session: _switch(session, True, closed))

    def read_switch(self) -> "Conversation[SwitchState]":
        """See Reader.read_switch."""
        self._check_switch()
        return (yield from self._kept(_switch_state))

    def read_limit(self) -> "Conversation[Limit]":
        """See Reader.read_limit."""
        from wum_edge.meters.dlms import setting  # Late: only who is told to sets anything.
        return (yield from self._kept(setting.read_limit))

    def set_limit(self, value: int, exponent: int) -> "Conversation[Limit]":
        """See Reader.set_limit."""
        from wum_edge.meters.dlms import setting  # Late: only who is told to sets anything.
        return (yield from self._kept(lambda session: setting.set_limit(session, value, exponent)))

    def read_calendar(self) -> "Conversation[Kept]":
        """See Reader.read_calendar."""
        from wum_edge.meters.dlms import setting  # Late: only who is told to sets anything.
        return (yield from self._kept(setting.read_calendar))

    def set_calendar(self, wanted: "Calendar") -> "Conversation[None]":
        """See Reader.set_calendar."""
        from wum_edge.meters.dlms import setting  # Late: only who is told to sets anything.
        yield from self._kept(lambda session: setting.set_calendar(session, wanted))

    def activate_calendar(self) -> "Conversation[None]":
        """See Reader.activate_calendar."""
        from wum_edge.meters.dlms import setting  # Late: only who is told to sets anything.
        yield from self._kept(setting.activate_calendar)

    def session(self) -> "Conversation[Session]":
        """Conversation: an open session, for what only some meters have."""
        if self._session is None:
            self._session = Session(
                association_for(self._model.manner, self._meter, self._model.protocol,
                                self._supply),
                1 if self._model.manner.quirks.list_refused else self._model.manner.list_max)
        if self._session.association.is_open():
            yield from self._session.association.station.resume()
        else:
            yield from self._session.association.open()
        return self._session

    def _kept(self, action: "Callable[[Session], Conversation[Answer]]") -> "Conversation[Answer]":
        """`action` in the association that is open, or in a new one. One that was open since an
        earlier conversation may be gone, timed out at the meter: it is opened again, once.
        """
        was_open = self._session is not None and self._session.association.is_open()
        try:
            session = yield from self.session()
            return (yield from action(session))
        except AccessRefused:
            raise
        except MeterError:
            self._forget()
            if not was_open:
                raise
        session = yield from self.session()
        try:
            return (yield from action(session))
        except AccessRefused:
            raise
        except MeterError:
            self._forget()
            raise

    def _forget(self) -> None:
        """After a failure nobody knows the meter's state: begin with a new link."""
        if self._session is not None:
            self._session.association.abandon()

    def _check_switch(self) -> None:
        if not self._model.manner.switch:
            raise CannotDo("%s: has no switch" % self._model.model)


def _switch(session: Session, is_secondary: bool, closed: bool) -> "Conversation[None]":
    from wum_edge.meters.dlms import control  # Late: only who is told to switches.
    obis = control.SECONDARY_OBIS if is_secondary else control.DISCONNECT_OBIS
    yield from session.act(Attribute(70, obis, 2 if closed else 1), control.METHOD_ARGUMENT)
    state = yield from session.get(Attribute(70, obis, 3))
    granted = control.CONNECTED if closed else control.DISCONNECTED
    if state.number() != granted:
        raise MeterError("switch: wanted %s, the meter says %s" % (
            control.state_name(granted), control.state_name(state.number())))


def _switch_state(session: Session) -> "Conversation[SwitchState]":
    from wum_edge.meters.dlms import control, setting  # Late: as above.
    found: list[Result] = []
    yield from session.get_list((control.OUTPUT_STATE, control.CONTROL_STATE), found)
    output, state = setting.granted(found, (control.OUTPUT_STATE, control.CONTROL_STATE))
    return SwitchState(output.value is True, control.state_name(state.number()))
