"""The scoreboard's rows for IEC 62056-21 and P1: recordings of other people's tests, by make."""

import json
from pathlib import Path
from typing import Any

from tests.peers.score import Score
from wum_edge.errors import MeterError
from wum_edge.meters.iec62056_21.dataset import DataSet
from wum_edge.meters.iec62056_21.frame import bcc
from wum_edge.meters.iec62056_21.recording import decode_recording
from wum_edge.meters.p1.telegram import decode_telegram, find_telegram

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "iec62056_21" / "readouts.json"
CONTINUED = {"0-1:24.3.0": "00001.001"}   # A value on the next line, which the split passed over.
# Recordings that are no whole message, and what is decoded of them instead.
PARTIAL = {
    "testD0Parsing": "begins in noise: refused whole; its data lines decode",
    "D0End": "edited, its BCC wanted 02, has 19: refused; and the split joined its lines",
    "ModeDAck": "recorded without ETX and BCC: refused as a message; its data lines decode",
    "ModeOverwrite": "recorded without ETX and BCC: refused as a message; its data lines decode",
    "D0DSMR": "recorded without its identification, so that no CRC can hold: refused",
}


def recorded() -> list[dict[str, Any]]:
    """All records."""
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text())
    return found


def sets_of(record: dict[str, Any]) -> list[DataSet]:
    """The data sets of a whole recording. Raises MeterError."""
    data = bytes.fromhex(record["hex"])
    if b"\x02" in data:
        return decode_recording(data).sets
    start, end = find_telegram(data)
    return decode_telegram(data[start:end] if end else data).sets


def expected(record: dict[str, Any]) -> list[list[Any]]:
    """What the split gave, and the values that it passed over."""
    return [[address, values + ([CONTINUED[address]] if address in CONTINUED and
                                values[-1:] == ["m3"] else [])]
            for address, values in record["lines"]]


def as_lines(sets: list[DataSet]) -> list[list[Any]]:
    """Data sets in the form of the split."""
    return [[one.address, [value.text + ("*" + value.unit if value.unit else "")
                           for value in one.values]] for one in sets]


def score() -> list[Score]:
    """One row for each make; the records without one are known by their source."""
    makes = sorted({_make(record) for record in recorded()})
    return [_row(make, [one for one in recorded() if _make(one) == make]) for make in makes]


def _make(record: dict[str, Any]) -> str:
    return str(record["make"] or record["id"].split("/")[0])


def _row(make: str, records: list[dict[str, Any]]) -> Score:
    decoded = equal = 0
    left_out = []
    for record in records:
        if "bcc" in record:
            data = bytes.fromhex(record["hex"])
            decoded += 1
            equal += bcc(data[1:-1]) == int(record["bcc"], 16) == data[-1]
            continue
        try:
            found = as_lines(sets_of(record))
        except MeterError as error:
            why = next((PARTIAL[part] for part in PARTIAL if part in record["id"]), str(error))
            left_out.append(f"{record['id']}: {why}")
            continue
        decoded += 1
        equal += found == expected(record)
    return Score("iec62056-21", make, len(records), decoded, equal, tuple(left_out))
