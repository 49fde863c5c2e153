"""A registry file read and written: CSV in UTF-8, comma or semicolon, with or without a BOM.

Left out: what the cells mean (columns.py). A cell that a spreadsheet would take for a formula is
written with an apostrophe before it, and read without.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from wum_cloud.registry.bulk.columns import COLUMNS, Fault, shown

if TYPE_CHECKING:
    from _csv import Reader

FILE_BYTES_MAX = 64 * 1024 * 1024   # A row takes 60..120 bytes.
ROWS_MAX = 400_000
CELL_MAX = 400                      # Characters; the longest that is right has 255.
FAULTS_MAX = 1000                   # Listed; more are counted.
_FORMULA = "=+-@\t\r"


class BulkRefused(Exception):
    """A registry file is not taken: a sentence that says why."""


def rows_of(content: bytes, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """(row, cells by COLUMNS) of each row that holds anything. Faults of the file itself are added:
    a header that is none ends it. Raises BulkRefused where it is no text at all.
    """
    reader = _reader(content)
    try:
        places = _places(next(reader, []), faults)
        if places is None:
            return
        for number, cells in enumerate(reader, start=2):
            if not any(cells):
                continue
            if number > ROWS_MAX + 1:
                raise BulkRefused("The file has more than %d rows." % ROWS_MAX)
            yield number, _placed(number, cells, places, faults)
    except csv.Error as error:
        raise BulkRefused("Line %d of the file is no CSV: %s." % (
            reader.line_num, error)) from error


def _reader(content: bytes) -> "Reader":
    if len(content) > FILE_BYTES_MAX:
        raise BulkRefused("The file has more than %d bytes." % FILE_BYTES_MAX)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BulkRefused("The file is not UTF-8: byte %d cannot be read. Save it as \"CSV UTF-8\"."
                          % error.start) from error
    if "\0" in text:
        raise BulkRefused("The file holds a NUL character: it is no CSV.")
    head = text.partition("\n")[0]
    return csv.reader(io.StringIO(text, newline=""), strict=True,
                      delimiter=";" if head.count(";") > head.count(",") else ",")


def _places(head: list[str], faults: list[Fault]) -> list[str] | None:
    """The columns of the file in their order; None where they are not to be used."""
    found = [name.strip().lower() for name in head]
    before = len(faults)
    for name in found:
        if name not in COLUMNS:
            faults.append(Fault(1, name[:40], "one of " + ", ".join(COLUMNS), "an unknown column"))
        elif found.count(name) > 1:
            faults.append(Fault(1, name, "each column once", "%d times" % found.count(name)))
    faults += [Fault(1, name, "a column of this name", "nothing")
               for name in ("kind", "name") if name not in found]
    return found if len(faults) == before else None


def _placed(number: int, cells: list[str], places: list[str], faults: list[Fault]) -> list[str]:
    if len(cells) > len(places) and any(cells[len(places):]):
        faults.append(Fault(number, "(behind the last)", "%d columns" % len(places),
                            "%d" % len(cells)))
    row = [""] * len(COLUMNS)
    for name, cell in zip(places, cells, strict=False):
        if not cell:
            continue
        if len(cell) > CELL_MAX:
            faults.append(Fault(number, name, "at most %d characters" % CELL_MAX, shown(cell)))
            cell = ""
        row[_AT[name]] = plain(cell) if cell[:1] == "'" else cell
    return row


_AT = {name: at for at, name in enumerate(COLUMNS)}


def plain(cell: str) -> str:
    """A cell without the apostrophe that `guarded` put before it."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in (*_FORMULA, "'") else cell


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell[:1] in (*_FORMULA, "'") and cell else cell


def written(rows: Iterable[Iterable[object]]) -> str:
    """Rows as lines of CSV; None is an empty cell."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(
        [["" if cell is None else guarded(str(cell)) for cell in row] for row in rows])
    return out.getvalue()
