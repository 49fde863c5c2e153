"""The chain of the audit trail: each entry's hash covers its content and the hash before it.

Left out: the database. Whoever has an export can check it with this file, or with ten lines of
their own: SHA-256 of the previous hash and of the fields as JSON. A chain shows what was changed,
taken out or put in; that its end was cut off shows by the head, and that all of it was written anew
by a head that somebody noted elsewhere (`wum-cloud audit verify --anchor`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

START = bytes(32)       # The hash before the first entry.
_FAULTS_MAX = 20        # That are told; the others are counted.


class NotAnExport(Exception):
    """A file is not an export of the audit trail: a sentence that says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `detail` holds texts by name."""

    chain: int
    number: int         # From 1, without a hole.
    at: datetime
    account: str
    address: str
    act: str
    subject: str
    detail: dict[str, str]
    previous_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: number and hash of its last entry."""

    chain: int
    number: int
    hash: bytes


def hash_of(entry: Entry) -> bytes:
    """The hash that belongs to the content of `entry` and to what stands before it."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = json.dumps(
        [entry.chain, entry.number, at, entry.account, entry.address, entry.act, entry.subject,
         entry.detail], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(entry.previous_hash + fields.encode()).digest()


class Checker:
    """Goes through whole chains, by chain and number, and says what is wrong, a sentence each.

    `heads` are where the chains should end, and any that were noted elsewhere before.
    """

    def __init__(self, heads: Iterable[Head]) -> None:
        self._noted: dict[tuple[int, int], set[bytes]] = {}
        self._ends: dict[int, int] = {}
        for head in heads:
            self._noted.setdefault((head.chain, head.number), set()).add(head.hash)
            self._ends[head.chain] = max(self._ends.get(head.chain, 0), head.number)
        self._last: dict[int, Entry] = {}
        self.entries = 0
        self.found: list[str] = []      # The first _FAULTS_MAX faults.
        self.faults = 0

    @property
    def chains(self) -> int:
        """How many chains there were."""
        return len(self._last)

    def take(self, entry: Entry) -> None:
        """The next entry."""
        self.entries += 1
        here = "chain %d, entry %d" % (entry.chain, entry.number)
        for fault in _faults_of(entry, self._last.get(entry.chain)):
            self._say("%s: %s" % (here, fault))
        if self._noted.get((entry.chain, entry.number), {entry.hash}) != {entry.hash}:
            self._say("%s: it is not the one whose hash was noted" % here)
        self._last[entry.chain] = entry

    def end(self) -> None:
        """There is no further entry."""
        numbers = {chain: entry.number for chain, entry in self._last.items()}
        for chain in sorted({*self._ends, *numbers}):
            got, wanted = numbers.get(chain, 0), self._ends.get(chain, 0)
            if got < wanted:
                self._say("chain %d: it ends at entry %d, and there were %d: its end is gone" % (
                    chain, got, wanted))
            if got > wanted:
                self._say("chain %d: it goes on past its end, entry %d" % (chain, wanted))

    def _say(self, sentence: str) -> None:
        self.faults += 1
        if len(self.found) < _FAULTS_MAX:
            self.found.append(sentence)


def _faults_of(entry: Entry, before: Entry | None) -> Iterator[str]:
    number, hash_before = (0, START) if before is None else (before.number, before.hash)
    if entry.number > number + 1:
        gone = entry.number - number - 1
        yield "%d %s gone" % (
            gone, "entry before it is" if gone == 1 else "entries before it are")
    elif entry.number <= number:
        yield "it comes after entry %d" % number
    elif entry.previous_hash != hash_before:
        yield "what stands before it is not what stood there"
    if hash_of(entry) != entry.hash:
        yield "it was changed"


def to_line(entry: Entry) -> str:
    """An entry as a line of an export (JSON)."""
    return json.dumps({
        "chain": entry.chain, "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "account": entry.account, "address": entry.address, "act": entry.act,
        "subject": entry.subject, "detail": entry.detail,
        "previous_hash": entry.previous_hash.hex(), "hash": entry.hash.hex(),
    }, ensure_ascii=False, sort_keys=True) + "\n"


def head_to_line(head: Head) -> str:
    """The head as the last line of an export: without it nobody sees that the end is missing."""
    return json.dumps({"chain": head.chain, "head": head.number, "hash": head.hash.hex()}) + "\n"


def from_lines(lines: Iterable[str]) -> Iterator[Entry | Head]:
    """What the lines of an export say. Raises NotAnExport."""
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            if "head" in said:
                yield Head(int(said["chain"]), int(said["head"]), bytes.fromhex(said["hash"]))
                continue
            detail = {str(name): str(text) for name, text in dict(said["detail"]).items()}
            yield Entry(
                int(said["chain"]), int(said["number"]), datetime.fromisoformat(said["at"]),
                str(said["account"]), str(said["address"]), str(said["act"]),
                str(said["subject"]), detail, bytes.fromhex(said["previous_hash"]),
                bytes.fromhex(said["hash"]))
        except (ValueError, KeyError, TypeError) as error:
            raise NotAnExport("Line %d is none of an export of the audit trail." % number
                              ) from error
