"""What a person has to do when the database does not take readings: one sentence for each cause.

Left out: waiting and trying again (worker.py). Whatever the cause, nothing was acknowledged, so
every concentrator keeps its records and sends them again.
"""

import psycopg
from psycopg import errors

_FULL = ("its disk is full: make room there, or give it a larger one; no restart is needed")
_READ_ONLY = ("it takes no writes: it is a standby, default_transaction_read_only is on, or its "
              "disk is mounted read-only; look at the server's log, and mount it for writing or "
              "let WUM_DATABASE_URL name the primary")
_BROKEN = "its disk fails: look at the server's log and at the disk, before anything else"
_RIGHTS = ("it does not let us: either WUM_DATABASE_URL names an account without rights, or its "
           "disk is read-only; the server's log tells which")
_NOT_MIGRATED = "its tables are not those of this version: run `wum-cloud migrate`"
_SLOW = "it is too slow for what it was given: look at its disk, and what else its machine does"
_AWAY = "look whether PostgreSQL runs, and at WUM_DATABASE_URL"

_ADVICE: tuple[tuple[type[Exception], str], ...] = (
    (errors.DiskFull, _FULL),
    (errors.ReadOnlySqlTransaction, _READ_ONLY),
    (errors.IoError, _BROKEN),
    (errors.InsufficientPrivilege, _RIGHTS),
    (errors.UndefinedTable, _NOT_MIGRATED),
    (errors.UndefinedColumn, _NOT_MIGRATED),
    (errors.QueryCanceled, _SLOW),
    (psycopg.OperationalError, _AWAY),
)


def advice(error: BaseException) -> str:
    """What to do about the database; empty where nobody knows better than the error itself."""
    return next((what for kind, what in _ADVICE if isinstance(error, kind)), "")


def told(error: BaseException) -> str:
    """What went wrong, in brackets, and what to do about it."""
    todo = advice(error)
    said = " ".join(str(error).split()) or type(error).__name__
    return "(%s)%s" % (said, ": " + todo if todo else "")
