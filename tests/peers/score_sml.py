"""The scoreboard's rows for SML: recordings, each compared with what smllib reads from it."""

import json
from pathlib import Path
from typing import Any

from smllib import SmlStreamReader
from smllib.errors import CrcError
from smllib.sml import SmlGetListResponse

from tests.peers.score import Score
from wum_edge.errors import MeterError
from wum_edge.meters.sml.message import LIST, decode_messages
from wum_edge.meters.sml.transport import unwrap

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "sml" / "sml.json"


def recorded() -> list[dict[str, Any]]:
    """All records."""
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text())
    return found


def ours(data: bytes) -> list[tuple[Any, ...]]:
    """(code, unit, scaler, value) of each entry; octets in hexadecimal. Raises MeterError."""
    entries = []
    for message in decode_messages(unwrap(data)):
        if message.kind == LIST:
            entries += [(one.code.hex(), one.unit, one.scaler, one.value.hex()
                         if isinstance(one.value, bytes) else one.value)
                        for one in message.body.entries]
    return entries


def theirs(data: bytes) -> list[tuple[Any, ...]] | None:
    """The same by smllib; None where it refuses."""
    reader = SmlStreamReader()
    reader.add(data)
    try:
        frame = reader.get_frame()
    except CrcError:
        return None
    if frame is None:
        return None
    lists = [message.message_body for message in frame.parse_frame()
             if isinstance(message.message_body, SmlGetListResponse)]
    return [(one.obis, one.unit, one.scaler or 0, _hexadecimal(one.value)) for body in lists
            for one in body.val_list]


def _hexadecimal(value: Any) -> Any:
    """smllib gives octets that are printable as text."""
    if isinstance(value, str):
        return value if len(value) % 2 == 0 and set(value) <= set("0123456789abcdef") else (
            value.encode().hex())
    return value


def score() -> list[Score]:
    """One row; the records that were damaged on purpose count as equal when both refuse them."""
    decoded = equal = 0
    for record in recorded():
        data = bytes.fromhex(record["hex"])
        try:
            found: list[tuple[Any, ...]] | None = ours(data)
        except MeterError:
            found = None
        wanted = theirs(data)
        decoded += (found is None) == (record["checks"]["crc_ok"] == 0)
        equal += found == wanted
    return [Score("sml", "EMH, and CRC errors", len(recorded()), decoded, equal)]
