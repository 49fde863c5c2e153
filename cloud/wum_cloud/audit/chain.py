"""The chain of the audit trail: each entry's hash covers its content and the hash before it.

Left out: the database, and the check of whole chains (checker.py). Whoever has an export can check
it with ten lines of their own: SHA-256 of the previous hash and of the fields as JSON.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

START = bytes(32)       # The hash before the first entry.


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


@dataclass(frozen=True, slots=True)
class Word:
    """What a pseudonym of a chain stands for, and whom it is about (words.py)."""

    chain: int
    pseudonym: str
    person: str
    salt: bytes
    text: str


def hash_of(entry: Entry) -> bytes:
    """The hash that belongs to the content of `entry` and to what stands before it."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = json.dumps(
        [entry.chain, entry.number, at, entry.account, entry.address, entry.act, entry.subject,
         entry.detail], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(entry.previous_hash + fields.encode()).digest()


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


def word_to_line(word: Word) -> str:
    """A word as a line of an export: whoever reads the export sees who acted."""
    return json.dumps({
        "chain": word.chain, "pseudonym": word.pseudonym, "person": word.person,
        "salt": word.salt.hex(), "text": word.text}, ensure_ascii=False, sort_keys=True) + "\n"


def from_lines(lines: Iterable[str]) -> Iterator[Entry | Head | Word]:
    """What the lines of an export say. Raises NotAnExport."""
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            if "head" in said:
                yield Head(int(said["chain"]), int(said["head"]), bytes.fromhex(said["hash"]))
                continue
            if "pseudonym" in said:
                yield Word(int(said["chain"]), str(said["pseudonym"]), str(said["person"]),
                           bytes.fromhex(said["salt"]), str(said["text"]))
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
