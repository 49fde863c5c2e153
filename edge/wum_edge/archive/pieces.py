"""Pieces of records: bodies as they are written, and the records of a segment in their order.

Left out: heads and CRCs (segment.py), where reading starts and ends (reader.py).
"""

from wum_edge.archive.bits import BitReader, BitWriter
from wum_edge.archive.coding import append_record, most_bytes, read_record, time_of
from wum_edge.archive.record import decode_record
from wum_edge.archive.run import Run
from wum_edge.archive.segment import PIECE_HEAD_SIZE, PIECE_MAX, RECORD_MIN, RECORDS_MAX, Piece
from wum_shared.batch import Event, Missed, Row
from wum_shared.errors import Malformed

_WIDTHS = ((2, 2**15), (4, 2**31), (8, 2**63))


def write_body(
        records: list[Row | Missed | Event], start: int, run: Run,
) -> tuple[bytes, int, tuple[int, int]]:
    """(body, end, first and last time) of a piece that takes records[start:end] into `run`."""
    out = BitWriter()
    least_s = most_s = time_of(records[start])
    end = start
    while end < len(records) and end - start < RECORDS_MAX:
        size = max(out.size, RECORD_MIN * (end + 1 - start))
        if end > start and PIECE_HEAD_SIZE + size + most_bytes(records[end]) > PIECE_MAX:
            break
        append_record(out, run, records[end])
        least_s, most_s = min(least_s, run.last_s), max(most_s, run.last_s)
        end += 1
    body = out.whole(RECORD_MIN * (end - start))
    assert PIECE_HEAD_SIZE + len(body) <= PIECE_MAX    # The longest record is half of a piece.
    return body, end, (least_s, most_s)


def most_of_piece(records: list[Row | Missed | Event], start: int) -> int:
    """More bytes than the piece takes that begins with records[start]."""
    most = PIECE_HEAD_SIZE
    for record in records[start:start + RECORDS_MAX]:
        most += most_bytes(record)
        if most >= PIECE_MAX:
            return PIECE_MAX
    return most


def read_records(body: bytes, piece: Piece, run: Run) -> list[Row | Missed | Event]:
    """The records of a piece, numbered; `run` is what stood before it and takes them up.

    Fewer than the piece counts where one is none of ours: only another version writes such
    behind a CRC that holds, and their numbers then show as lost.
    """
    records: list[Row | Missed | Event] = []
    try:
        if not piece.format:
            _read_format_0(body, piece, records)
            return records
        bits = BitReader(body)
        for index in range(piece.count):
            records.append(read_record(bits, run, piece.first_sequence + index))
    except (Malformed, ValueError):    # A note that is no UTF-8 is a ValueError.
        return records
    return records


def _read_format_0(body: bytes, piece: Piece, records: list[Row | Missed | Event]) -> None:
    at = 0
    for index in range(piece.count):
        record, at = decode_record(body, at, piece.first_sequence + index)
        records.append(record)


def plain_size(record: Row | Missed | Event) -> int:
    """Bytes of a record without any coding, as format 0 has it: a measure of how big it is."""
    if type(record) is Event or type(record) is Missed:
        return 11 + len(record.note.encode())
    assert type(record) is Row
    numbers = [value for value in record.values if value is not None]
    flags = len([status for status in record.statuses if status])
    least, most = (min(numbers), max(numbers)) if numbers else (0, 0)
    width = [width for width, limit in _WIDTHS if -limit <= least and most < limit][0]
    return 12 + width * len(record.values) + 3 * flags
