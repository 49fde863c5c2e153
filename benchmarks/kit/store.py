"""The rows of `reading` by bare COPY, out and in: what the chain is measured against."""

import threading
import time

import psycopg

_OUT = "copy (select * from reading where meter_id %% %d = %d) to stdout (format binary)"
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


def copy_out(url: str, share: int = 0, shares: int = 1) -> bytes:
    """All rows, or those of one share of the meters, in the format of binary COPY."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(
            (_OUT % (shares, share)).encode()) as copy:
        return b"".join(bytes(piece) for piece in copy)


def copy_in_s(url: str, rows: bytes) -> float:
    """Seconds to COPY `rows` into the emptied table and commit, by one connection."""
    empty(url)
    start = time.perf_counter()
    _copy_in(url, rows)
    return time.perf_counter() - start


def copy_in_together_s(url: str, shares: list[bytes]) -> float:
    """Seconds until all shares are copied into the emptied table, a connection for each."""
    empty(url)
    workers = [threading.Thread(target=_copy_in, args=(url, rows)) for rows in shares]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start


def _copy_in(url: str, rows: bytes) -> None:
    with psycopg.connect(url) as connection:
        with connection.cursor() as cursor, cursor.copy(_IN) as copy:
            for at in range(0, len(rows), _PIECE):
                copy.write(rows[at:at + _PIECE])
        connection.commit()
