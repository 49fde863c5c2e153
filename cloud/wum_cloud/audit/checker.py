"""Goes through whole chains of the audit trail and says what is wrong.

A chain shows what was changed, taken out or put in; that its end was cut off shows by the head, and
that all of it was written anew by a head that somebody noted elsewhere (`wum-cloud audit verify
--anchor`). Left out: where the entries come from.
"""

from collections.abc import Iterable, Iterator

from wum_cloud.audit.acts import ACCOUNT_FORGOTTEN
from wum_cloud.audit.chain import START, Entry, Head, Word, hash_of
from wum_cloud.audit.words import WordChecker

_FAULTS_MAX = 20        # That are told; the others are counted.


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
        self._words = WordChecker()
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
        self._words.entry(entry, forgets=entry.act == ACCOUNT_FORGOTTEN)

    def name(self, word: Word) -> None:
        """What a pseudonym stands for."""
        if (fault := self._words.word(word)) is not None:
            self._say(fault)

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
        for fault in self._words.faults():
            self._say(fault)

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
