"""Wired M-Bus: whatever bytes come, as a frame, and as the inside of one."""

from wum_edge.errors import MeterError
from wum_edge.meters.mbus.answer import decode_answer
from wum_edge.meters.mbus.frame import Frame, WholeAnswer, decode_frame

CI = (0x72, 0x76, 0x73, 0x77, 0x78, 0x7A, 0x70, 0x71)


def run(data: bytes) -> None:
    """As heard on a line, then as the data of every kind of answer."""
    hearing = WholeAnswer(data[:5])
    for size in range(1, len(data) + 1):
        hearing(data[:size])
    try:
        frame = decode_frame(data)
        if frame is not None:
            decode_answer(frame)
    except MeterError:
        pass                 # The one way in which it may refuse.
    for ci in CI:
        try:
            decode_answer(Frame(8, 1, ci, data[:252]))
        except MeterError:
            continue
