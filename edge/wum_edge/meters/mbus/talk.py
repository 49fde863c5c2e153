"""A master's turns with one meter: reset, select, send, ask for data until no more follows.

Left out: finding meters (search.py) and what becomes of records (reader.py). EN 13757-2:2018, 5.7;
EN 13757-7:2018, 8.
"""

from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent
from wum_edge.meters.mbus.answer import Answer, decode_answer
from wum_edge.meters.mbus.errors import Broken
from wum_edge.meters.mbus.frame import (
    EVERYBODY,
    FCB,
    REQ_UD1,
    REQ_UD2,
    SELECTED,
    SND_NKE,
    SND_UD,
    Frame,
    WholeAnswer,
    answer_in,
    encode_frame,
)
from wum_edge.meters.mbus.identity import Identity
from wum_edge.meters.turn import Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

CI_SELECT, CI_SEND, CI_RESET = 0x52, 0x51, 0x50
TELEGRAMS_MAX = 64           # Of one readout; a meter that never ends is not followed for ever.
_REPEATS = 1                 # Of a request whose answer was damaged: its FCB says that it is one.


class Link:
    """What the master knows of its link with one meter: its address and the next FCB.

    With `identity` the meter is selected by its secondary address and then answers to 253.
    """

    def __init__(self, address: int, timeout_ms: int, identity: Identity | None = None,
                 key: bytes = b"") -> None:
        self.address = SELECTED if identity else address
        self.identity = identity
        self.timeout_ms = timeout_ms
        self._key = key
        self.foreign = 0         # Answers of others that were refused.
        self._fcb = FCB

    def begin(self) -> "Conversation[None]":
        """Conversation: reset the link, and select the meter where it has a secondary address."""
        if self.identity is None:
            yield from self.reset()
        else:
            # Whoever was selected and does not fit is so no longer: no reset, no timeout for it.
            yield from self.select(self.identity)

    def reset(self) -> "Conversation[None]":
        """Conversation: SND_NKE; the meter expects FCB 1 next. Raises MeterError."""
        self._fcb = FCB
        yield from self._acknowledged(Frame(SND_NKE, self.address, None, b""))

    def select(self, identity: Identity) -> "Conversation[None]":
        """Conversation: select by secondary address, wildcards allowed. Raises MeterError."""
        self._fcb = FCB
        yield from self._acknowledged(Frame(SND_UD, SELECTED, CI_SELECT, identity.octets()))

    def send(self, ci: int, data: bytes) -> "Conversation[None]":
        """Conversation: user data to the meter (SND_UD). Raises MeterError, Refused for an
        application error.
        """
        control = SND_UD | self._fcb
        self._fcb ^= FCB
        yield from self._acknowledged(Frame(control, self.address, ci, data))

    def ask(self) -> "Conversation[Answer]":
        """Conversation: one telegram of class 2 data (REQ_UD2). Raises MeterError."""
        control = REQ_UD2 | self._fcb
        frame = yield from self._exchange(Frame(control, self.address, None, b""))
        self._fcb ^= FCB
        if frame is None:
            raise Broken("M-Bus: the meter acknowledged a request for data and has none")
        return self._answer(frame)

    def ask_alarm(self) -> "Conversation[int | None]":
        """Conversation: the alarm byte (REQ_UD1); None when there is no alarm. Raises MeterError.
        """
        control = REQ_UD1 | self._fcb
        frame = yield from self._exchange(Frame(control, self.address, None, b""))
        self._fcb ^= FCB
        return None if frame is None else self._answer(frame).alarm

    def _answer(self, frame: Frame) -> Answer:
        """Checks whose answer it is: a late one of another meter must not become a reading."""
        if self.address not in (SELECTED, EVERYBODY) and frame.address != self.address:
            self.foreign += 1
            raise ForeignAnswer("M-Bus: asked %d, %d answered" % (self.address, frame.address))
        answer = decode_answer(frame, self._key)
        known = self.identity
        if known and answer.identity and not _is_of(known, answer.identity):
            self.foreign += 1
            raise ForeignAnswer("M-Bus: selected %s, %s answered" % (
                known.text(), answer.identity.text()))
        return answer

    def _acknowledged(self, frame: Frame) -> "Conversation[None]":
        found = yield from self._exchange(frame)
        if found is not None:
            decode_answer(found)         # An application error says itself.
            raise Broken("M-Bus: wanted an acknowledgement, got an answer with data")

    def _exchange(self, frame: Frame) -> "Conversation[Frame | None]":
        """One turn, said again when its answer was damaged."""
        said = encode_frame(frame)
        damage = ""
        for _ in range(1 + _REPEATS):
            hearing = WholeAnswer(said)
            heard = yield Turn(said, hearing, self.timeout_ms)
            if not heard or heard == said:
                raise LineSilent("M-Bus: address %d said nothing in %d ms" % (
                    frame.address, self.timeout_ms))
            try:
                return answer_in(heard, hearing)
            except BadCheck as error:
                damage = str(error)
        raise BadCheck("%s. If it stays so, two meters answer to address %d: give each its own" % (
            damage, frame.address))


def _is_of(known: Identity, other: Identity) -> bool:
    """Whether a selected meter's header is its own. The fixed structure names no maker."""
    if other.maker == "FFFF":
        other = Identity(other.number, known.maker, known.version, known.medium)
    return known.fits(other)


def read_out(link: Link, most: int) -> "Conversation[list[Answer]]":
    """Conversation: telegrams until no more follow, at most `most`. Raises MeterError."""
    answers: list[Answer] = []
    while len(answers) < most:
        answer = yield from link.ask()
        if answers and answer.records and answer.records == answers[-1].records:
            break                # It does not heed the FCB: the same again is all that it has.
        answers.append(answer)
        if not answer.more:
            break
    return answers
