"""The rows of `reading` by bare COPY, out and in: what the chain is measured against."""

import time

import psycopg

_OUT = (b"copy (select * from reading where captured_at >= to_timestamp(%d))"
        b" to stdout (format binary)")
_IN = b"copy reading from stdin (format binary)"
_PIECE = 256 * 1024


def rows_in(url: str, first_s: int) -> int:
    """Rows captured at `first_s` (UTC seconds) or later."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select count(*) from reading where captured_at >= to_timestamp(%s)",
            [first_s]).fetchone()
        assert row is not None
        return int(row[0])


def copy_out(url: str, first_s: int) -> bytes:
    """The same rows in the format of binary COPY."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(
            _OUT % first_s) as copy:
        return b"".join(bytes(piece) for piece in copy)


def copy_in_s(url: str, rows: bytes) -> float:
    """Seconds to COPY `rows` into the emptied table and commit, by one connection."""
    with psycopg.connect(url) as connection:
        connection.execute("truncate reading")
        connection.commit()
        connection.execute("checkpoint")     # What came before is not this run's to write.
        start = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(_IN) as copy:
            for at in range(0, len(rows), _PIECE):
                copy.write(rows[at:at + _PIECE])
        connection.commit()
        return time.perf_counter() - start
