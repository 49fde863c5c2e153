"""The invocation counter that a meter expects of us, read where it keeps it, and used then.

Left out: how counters are reserved (ciphering.py) and kept (a port). Nobody vouches for what a
meter says here: it is said without protection. So a counter only ever grows, by no more than
JUMP_MAX, and once until the meter has proved that it has the key. Green Book 9.2.7.2.4; Blue Book,
0-0:43.1.e.
"""

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import apdu
from wum_edge.meters.dlms.apdu import Attribute
from wum_edge.meters.dlms.errors import AccessRefused, CounterDecreased, DlmsMalformed

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge.meters.dlms.association import Association
    from wum_edge.meters.dlms.ciphering import Security
    from wum_edge.meters.dlms.errors import WholeRefused
    from wum_edge.meters.reader import Conversation

PUBLIC_CLIENT = 16           # Reads such objects without any security (Green Book 4.3.6).
JUMP_MAX = 1 << 24           # Of 2^32: whoever lies to us 255 times has not used up the key.
_DATA_CLASS = 1


class CounterObject:
    """The object in which a meter keeps the counter that it heard last, and the way to it."""

    def __init__(self, public: "Association", obis: bytes) -> None:
        self._public = public
        self._attribute = Attribute(_DATA_CLASS, obis, 2)

    def read(self) -> "Conversation[int]":
        """Conversation: the counter. Raises MeterError."""
        yield from self._public.open()
        heard = yield from self._public.ask(
            apdu.encode_service(apdu.GetRequest(apdu.INVOKE, self._attribute, None)))
        yield from self._public.close()
        answer = apdu.decode_service(heard)
        if type(answer) is not apdu.GetResponse:
            raise DlmsMalformed("invocation counter: wanted a GET response")
        if answer.result.data is None:
            raise AccessRefused("invocation counter", answer.result.code)
        counter: int = answer.result.data.number()
        return counter


def resynchronise(security: "Security", refused: "WholeRefused",
                  source: CounterObject | None) -> "Conversation[bool]":
    """Conversation: whether another counter is used from now on, so that trying again may help.

    Raises CounterDecreased where the meter expects less than it was known to have heard.
    """
    expected = refused.counter
    if source is not None:
        kept = yield from source.read()
        security.check_kept(kept)
        expected = kept + 1
    if expected is None:
        return False
    if expected <= security.last_used:
        if refused.counter is None:
            return False                 # Counters are not why it refused.
        raise CounterDecreased(
            "%s: the meter expects invocation counter %d after %d was said: replaced, or repeated"
            % (security.name, expected, security.last_used))
    if security.has_jumped:
        return False
    if expected - security.last_used > JUMP_MAX:
        raise MeterError(
            "%s: the meter expects invocation counter %d, far above ours: set invocation_counter "
            "in its access if that is right" % (security.name, expected))
    security.jump(expected)
    return True
