"""`wum-cloud audit verify` and `wum-cloud audit export`.

An anchor is a file that keeps the heads of the chains outside of the database, at best on another
machine: whoever rewrites the whole trail cannot rewrite what was noted there.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from wum_cloud.audit import store
from wum_cloud.audit.chain import (
    Entry,
    Head,
    NotAnExport,
    Word,
    from_lines,
    head_to_line,
    to_line,
    word_to_line,
)
from wum_cloud.audit.checker import Checker
from wum_cloud.database import Connection, connect


class AuditFileError(Exception):
    """An export or an anchor cannot be used: a sentence that says why."""


async def verify(database_url: str, anchor: Path | None) -> int:
    """Check every chain of the database; note the heads in `anchor` where all is well.

    Prints what is wrong; returns the exit code, 1 where anything is.
    """
    noted = [] if anchor is None or not anchor.exists() else list(_heads_in(anchor))
    async with await connect(database_url) as connection:
        await store.freeze(connection)
        heads = await store.heads(connection)
        checker = Checker([*heads, *noted])
        async for entry in store.entries(connection):
            checker.take(entry)
        async for word in store.words(connection):
            checker.name(word)
    code = _tell(checker)
    if anchor is not None and code == 0:
        with _written(anchor) as out:
            out.writelines([head_to_line(head) for head in heads])
    return code


def verify_file(file: Path) -> int:
    """Check an export, without any database; as `verify`."""
    heads = list(_heads_in(file))
    if not heads:
        print("%s has no head: its end may be missing." % file)
        return 1
    checker = Checker(heads)
    for one in _read(file):
        if isinstance(one, Entry):
            checker.take(one)
        elif isinstance(one, Word):
            checker.name(one)
    return _tell(checker)


async def export(database_url: str, file: Path) -> int:
    """Write all chains into `file`, a line for each entry and each head; the exit code."""
    lines = 0
    async with await connect(database_url) as connection:
        await store.freeze(connection)
        with _written(file) as out:
            async for line in export_lines(connection, None):
                out.write(line)
                lines += 1
    print("Wrote %d lines into %s." % (lines, file))
    return 0


async def export_lines(connection: Connection, chain: int | None) -> AsyncIterator[str]:
    """The lines of an export of one chain, or of all."""
    async for entry in store.entries(connection, chain):
        yield to_line(entry)
    async for word in store.words(connection, chain):
        yield word_to_line(word)
    for head in await store.heads(connection, chain):
        yield head_to_line(head)


def _tell(checker: Checker) -> int:
    checker.end()
    for sentence in checker.found:
        print(sentence)
    if checker.faults > len(checker.found):
        print("and %d more" % (checker.faults - len(checker.found)))
    if checker.faults:
        return 1
    print("%d entries in %d chains: whole." % (checker.entries, checker.chains))
    return 0


def _heads_in(file: Path) -> Iterator[Head]:
    return (one for one in _read(file) if isinstance(one, Head))


def _read(file: Path) -> Iterator[Entry | Head | Word]:
    try:
        with file.open(encoding="utf-8") as lines:
            yield from from_lines(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise AuditFileError("%s cannot be read: %s." % (file, error)) from error
    except NotAnExport as error:
        raise AuditFileError("%s: %s" % (file, error)) from error


@contextmanager
def _written(file: Path) -> Iterator[TextIO]:
    """A file that is there whole, for its owner alone, or not at all."""
    fresh = file.with_name(file.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError as error:
        raise AuditFileError("%s cannot be written: %s." % (file, error.strerror)) from error
