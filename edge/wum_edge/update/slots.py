"""The files of a slot: written whole, checked whole, started only when they are what was signed.

A slot is the files of a release's content under "a/" or "b/", and the content's table beside them
("table-a"). The content's SHA-256 is that of the table and then of the files, in their order, so
that a slot is checked against what was signed without another list. Left out: which one starts
(start.py), how the bytes came (download.py).
"""

from hashlib import sha256

from wum_edge.archive.flash import Flash, read_whole
from wum_edge.update.boot import A
from wum_shared import bundle
from wum_shared.errors import Malformed

READ_BYTES = 4096


def prefix(slot: int) -> str:
    """What the names of a slot's files begin with."""
    return "a/" if slot == A else "b/"


def table_name(slot: int) -> str:
    """The file that holds a slot's table of files."""
    return "table-a" if slot == A else "table-b"


def names_of(flash: Flash, slot: int) -> list[str]:
    """Names of all files that are in a slot."""
    return [name for name in flash.names() if name.startswith(prefix(slot))]


def files_of(flash: Flash, slot: int) -> list[bundle.File]:
    """What a slot's table names; nothing where it has none that is whole. Raises OSError."""
    table = read_whole(flash, table_name(slot), bundle.TABLE_BYTES_MAX + 8)
    try:
        return [] if table is None else bundle.decode_head(table)
    except Malformed:
        return []


def is_whole(flash: Flash, slot: int, digest: bytes) -> bool:
    """Whether a slot holds the content of that SHA-256, all of it and nothing else."""
    try:
        files = files_of(flash, slot)
        wanted = [prefix(slot) + file.path for file in files]
        if not files or sorted(names_of(flash, slot)) != sorted(wanted):
            return False
        seen = sha256(flash.read(table_name(slot), 0, bundle.TABLE_BYTES_MAX + 8))
        for at in range(len(files)):
            if flash.size(wanted[at]) != files[at].size:
                return False
            for start in range(0, files[at].size, READ_BYTES):
                seen.update(flash.read(wanted[at], start, READ_BYTES))
    except OSError:
        return False          # A medium that does not give it back holds nothing to be started.
    return seen.digest() == digest


def clear(flash: Flash, slot: int) -> None:
    """Take everything out of a slot. Raises OSError."""
    if table_name(slot) in flash.names():
        flash.remove(table_name(slot))
    for name in names_of(flash, slot):
        flash.remove(name)
