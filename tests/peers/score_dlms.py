"""The scoreboard's rows for DLMS: recorded telegrams by make, and two libraries' unit vectors."""

from tests.peers.dlms_frames import REFUSED, named, outcome, recorded
from tests.peers.score import Score


def score() -> list[Score]:
    """One row for each make. What must be refused counts as decoded and equal when it is."""
    rows = []
    for make in sorted({_make(record) for record in recorded()}):
        records = [record for record in recorded() if _make(record) == make]
        decoded = equal = 0
        left_out = []
        for record in records:
            found = outcome(record)
            why = named(REFUSED, record)
            told = bool(why) and not found.decoded
            decoded += found.decoded or told
            equal += found.equal or told
            if why:
                left_out.append(f"{record['id']}: {why}")
            elif not found.decoded:
                left_out.append(f"{record['id']}: {found.reason}")
        rows.append(Score("dlms", make, len(records), decoded, equal, tuple(left_out)))
    return rows


def _make(record: dict) -> str:
    if record["id"].startswith("dlms_cosem"):
        return "vectors of dlms-cosem"
    return (record.get("make") or "unknown make").split()[0]
