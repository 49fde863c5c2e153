"""The scoreboard's rows for wired M-Bus: the recorded frames of libmbus, by make."""

from tests.peers.mbus_frames import DIFFERENCES, difference, recorded, wanted
from tests.peers.score import Score
from wum_edge.errors import MeterError, Refused
from wum_edge.meters.mbus.answer import Answer, decode_answer
from wum_edge.meters.mbus.frame import Frame, decode_frame


def score() -> list[Score]:
    """One row for each maker, and one for the frames that are errors or broken on purpose.

    Those count as decoded and equal when they are refused.
    """
    makes = sorted({_make(frame) for frame in recorded()})
    return [_row(make, [f for f in recorded() if _make(f) == make]) for make in makes]


def _make(frame: dict) -> str:
    if not frame["id"].startswith("test-frames"):
        return "errors and broken frames"
    return frame["slave"].get("Manufacturer", "fixed structure")


def _row(make: str, frames: list[dict]) -> Score:
    decoded = equal = 0
    left_out = []
    for frame in frames:
        answer, error = _answer(frame)
        if not frame["records"]:
            told = error is not None or answer is not None and bool(answer.records)
            decoded += told
            equal += told and (isinstance(error, Refused) or "Error" not in frame["slave"])
            continue
        if answer is None:
            left_out.append(f"{frame['id']}: {error}")
            continue
        decoded += 1
        wrong = [place for place, (one, record) in enumerate(zip(wanted(frame), answer.records,
                                                                 strict=False))
                 if difference(one, record) and (frame["id"], place) not in DIFFERENCES]
        equal += not wrong and len(answer.records) == len(wanted(frame))
        left_out += [f"{frame['id']} record {place}: {why}"
                     for (name, place), why in DIFFERENCES.items() if name == frame["id"]]
    return Score("mbus", make, len(frames), decoded, equal, tuple(left_out))


def _answer(frame: dict) -> tuple[Answer | None, MeterError | None]:
    try:
        found = decode_frame(bytes.fromhex(frame["hex"]))
        assert type(found) is Frame
        return decode_answer(found), None
    except MeterError as error:
        return None, error
