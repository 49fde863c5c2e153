"""The rows of `reading` by bare COPY, out and in: what the chain is measured against."""

import time

import psycopg

_OUT = b"copy (select * from reading) to stdout (format binary)"
_IN = b"copy reading from stdin (format binary)"
_PIECE = 256 * 1024


def rows_in(url: str) -> int:
    """How many rows there are."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from reading").fetchone()
        assert row is not None
        return int(row[0])


def empty(url: str) -> None:
    """Leave the table as it is without rows, and nothing for the server to write later."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("truncate reading")
        connection.execute("checkpoint")


def copy_out(url: str) -> bytes:
    """All rows in the format of binary COPY."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(
            _OUT) as copy:
        return b"".join(bytes(piece) for piece in copy)


def copy_in_s(url: str, rows: bytes) -> float:
    """Seconds to COPY `rows` into the emptied table and commit, by one connection."""
    empty(url)
    with psycopg.connect(url) as connection:
        start = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(_IN) as copy:
            for at in range(0, len(rows), _PIECE):
                copy.write(rows[at:at + _PIECE])
        connection.commit()
        return time.perf_counter() - start
