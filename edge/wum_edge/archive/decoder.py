"""Pieces of one segment decoded in their order; what is passed by is decoded only when needed.

A piece leans on those before it in its run: where one of them is damaged or missing, the rest of
the run cannot be read. Left out: finding pieces (segment.py), what is asked for (reader.py).
"""

from wum_edge.archive.pieces import read_records
from wum_edge.archive.run import Run
from wum_edge.archive.segment import Pages, Piece, read_body
from wum_shared.batch import Event, Missed, Row


class Decoder:
    """Where decoding stands in one segment. Pieces are handed in as they stand, none twice."""

    def __init__(self, crc_seed: int) -> None:
        self._crc_seed = crc_seed
        self._run: Run | None = None
        self._waiting: list[Piece] = []     # Passed by; bounded by the size of a run.
        self._end = -1

    def pass_by(self, piece: Piece) -> None:
        """Nothing of this piece is wanted; a later one of its run may lean on it."""
        if piece.begins_run:
            self._run = Run()
            self._waiting = []
        elif piece.at != self._end:
            self._give_up()
        self._end = piece.end
        if self._run is not None:
            self._waiting.append(piece)

    def records(self, pages: Pages, piece: Piece) -> list[Row | Missed | Event]:
        """The records of this piece as far as they can be read, numbered."""
        self.pass_by(piece)
        waiting, self._waiting = self._waiting, []
        records: list[Row | Missed | Event] = []
        for one in waiting:
            body = read_body(pages, one, self._crc_seed)
            if body is None or self._run is None:
                self._give_up()
                return []
            records = read_records(body, one, self._run)
            if len(records) < one.count:
                self._give_up()
                return records if one is piece else []
        return records

    def _give_up(self) -> None:
        self._run = None
        self._waiting = []
