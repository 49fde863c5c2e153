"""Words of the audit trail that name somebody: an entry holds a pseudonym, the word stands beside.

A pseudonym is of the word and of chance, so the chain covers who acted without holding it: another
word does not fit, and nobody finds a word that was taken away by trying all names. Left out: the
database (store.py).
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from wum_cloud.audit.chain import Entry, Word

SALT_SIZE = 16
PATTERN = "@[a-z2-7]{26}"       # 130 bits.
_PSEUDONYM = re.compile(PATTERN)


def new_word(chain: int, text: str, person: str = "") -> Word:
    """A word with a pseudonym of its own; `person` is another's, empty: it is the name itself."""
    salt = secrets.token_bytes(SALT_SIZE)
    own = pseudonym_of(salt, text)
    return Word(chain, own, person or own, salt, text)


def pseudonym_of(salt: bytes, text: str) -> str:
    """What stands in entries instead of `text`."""
    digest = hashlib.sha256(salt + text.encode()).digest()
    return "@" + base64.b32encode(digest).decode().lower()[:26]


def pseudonyms_in(entry: Entry) -> set[str]:
    """Every pseudonym that an entry holds."""
    return {found for text in (entry.account, entry.address, entry.subject, *entry.detail.values())
            for found in _PSEUDONYM.findall(text)}


def is_pseudonym(text: str) -> bool:
    """Whether it is one, and nothing else."""
    return _PSEUDONYM.fullmatch(text) is not None


def revealed(entry: Entry, words: Mapping[str, str]) -> Entry:
    """The entry with words for pseudonyms, as far as they are known. Its hash is of the other."""

    def said(text: str) -> str:
        return _PSEUDONYM.sub(lambda found: words.get(found[0], found[0]), text)

    return replace(
        entry, account=said(entry.account), address=said(entry.address),
        subject=said(entry.subject), detail={name: said(t) for name, t in entry.detail.items()})


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a pseudonym stands first, and the one of the account that its entry is by."""

    number: int
    account: str


class WordChecker:
    """Whether every pseudonym of the chains has its word, or was forgotten by an act on record."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], Seen] = {}
        self._named: set[tuple[int, str]] = set()
        self._forgotten: set[tuple[int, str]] = set()

    def entry(self, entry: Entry, *, forgets: bool) -> None:
        """The next entry. `forgets`: its subject is somebody who was forgotten."""
        by = _PSEUDONYM.match(entry.account)
        for one in pseudonyms_in(entry):
            is_address = one == entry.address and by is not None
            self._seen.setdefault((entry.chain, one), Seen(
                entry.number, by[0] if is_address and by is not None else one))
        if forgets:
            self._forgotten.add((entry.chain, entry.subject))

    def word(self, word: Word) -> str | None:
        """A word that stands beside; what is wrong with it."""
        self._named.add((word.chain, word.pseudonym))
        if pseudonym_of(word.salt, word.text) == word.pseudonym:
            return None
        return "chain %d: %s is not who %s stands for" % (word.chain, word.text, word.pseudonym)

    def faults(self) -> list[str]:
        """What is missing at the end."""
        return ["chain %d, entry %d: whom %s stands for is gone, and nobody was asked to forget it"
                % (chain, seen.number, one) for (chain, one), seen in sorted(
                    self._seen.items(), key=lambda item: (item[0][0], item[1].number))
                if (chain, one) not in self._named and (chain, seen.account) not in self._forgotten]
