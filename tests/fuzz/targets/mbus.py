"""Wired M-Bus: whatever bytes come, as a frame, and as the inside of one."""

from collections.abc import Callable

from wum_edge.errors import MeterError
from wum_edge.meters.mbus.answer import decode_answer
from wum_edge.meters.mbus.frame import Frame, WholeAnswer, decode_frame
from wum_edge.meters.mbus.identity import status_texts
from wum_edge.meters.mbus.obis import coded

CI = (0x72, 0x76, 0x73, 0x77, 0x78, 0x7A, 0x70, 0x71, 0x6E, 0x6F, 0x74, 0x75, 0x8C)


def run(data: bytes) -> None:
    """As heard on a line, then as the data of every kind of answer."""
    hearing = WholeAnswer(data[:5])
    for size in range(1, len(data) + 1):
        hearing(data[:size])
    _refused_or(_as_heard, data)
    for ci in CI:
        _refused_or(_as_answer, ci, data[:252])


def _refused_or(action: Callable[..., None], *given: object) -> MeterError | None:
    """The room's own error is the one way in which a parser may refuse; any other goes up."""
    try:
        action(*given)
    except MeterError as error:
        return error
    return None


def _as_heard(data: bytes) -> None:
    frame = decode_frame(data)
    if frame is not None:
        decode_answer(frame)


def _as_answer(ci: int, data: bytes) -> None:
    answer = decode_answer(Frame(8, 1, ci, data))
    coded(answer)
    status_texts(answer.status or 0)
