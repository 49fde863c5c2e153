"""Putting a release together in the spare slot, one file a step, again and again until it is whole.

Files that the running slot has already are copied from there. A file that stands as it should is
left alone, so that a power cut costs one file. Left out: fetching (fetch.py), starting (start.py).
"""

from hashlib import sha256

from wum_edge.archive.flash import Flash
from wum_edge.update import slots
from wum_edge.update.boot import FACTORY
from wum_edge.update.fetch import Fetch
from wum_shared import bundle


def at_hand(flash: Flash, slot: int) -> dict[bytes, str]:
    """Names of the files of a slot by their SHA-256, as its table says. Raises OSError."""
    if slot == FACTORY:
        return {}
    return {file.digest: slots.prefix(slot) + file.path for file in slots.files_of(flash, slot)}


class Installer:
    """Writes the release that was fetched into `slot`, which nothing may start meanwhile."""

    def __init__(self, flash: Flash, fetch: Fetch, slot: int, copies: dict[bytes, str]) -> None:
        """`copies`: as `at_hand` gives them. Raises OSError."""
        self._flash = flash
        self._fetch = fetch
        self._slot = slot
        self._copies = copies
        wanted = {slots.prefix(slot) + file.path for file in fetch.files}
        self._there = set(slots.names_of(flash, slot))   # Listing them takes a board a while.
        self._foreign = [name for name in self._there if name not in wanted]
        self._at = len(fetch.table)
        self._next = 0

    def step(self) -> bool:
        """One file; whether all is written. Raises OSError."""
        if self._foreign:
            self._flash.remove(self._foreign[-1])
            self._foreign.pop()
            return False
        if self._next < len(self._fetch.files):
            file = self._fetch.files[self._next]
            self._write(file)
            self._at += file.size
            self._next += 1
            return False
        self._flash.replace(slots.table_name(self._slot), self._fetch.table)
        return True

    def _write(self, file: bundle.File) -> None:
        name = slots.prefix(self._slot) + file.path
        if name in self._there and _is(self._flash, name, file):
            return
        copy = self._copies.get(file.digest)
        if copy is not None and _is(self._flash, copy, file):
            self._flash.replace(name, self._flash.read(copy, 0, file.size))
        else:
            self._flash.replace(name, self._fetch.read(self._at, file.size))


def _is(flash: Flash, name: str, file: bundle.File) -> bool:
    """Whether a file has the bytes that the table names."""
    return (flash.size(name) == file.size
            and sha256(flash.read(name, 0, file.size)).digest() == file.digest)
