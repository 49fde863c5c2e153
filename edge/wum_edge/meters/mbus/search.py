"""Which meters are on a bus: every primary address, or the tree of secondary addresses.

Left out: reading them (talk.py, reader.py). Acknowledgements of several meters look like one, so
every find is asked for its data: a whole answer is one meter, a damaged one is several.
EN 13757-7:2018, 8.4 and annex.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.mbus.frame import PRIMARY_MAX
from wum_edge.meters.mbus.identity import Identity
from wum_edge.meters.mbus.talk import Link

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

    from wum_edge.meters.reader import Conversation

    Tell = Callable[[str, list["Found"]], None]

FOUND_MAX = 250              # Meters of one line: what a bus can feed.
SELECTIONS_MAX = 20000       # Of one search: 250 meters take about 250 x 8 x 10 at worst.
_EVERYBODY = "FFFFFFFF"
_DIGITS = "0123456789"


class Found(namedtuple("Found", ("address", "identity", "note"))):
    """One find. `address` is a primary one, or None; `identity` None where it did not say.

    `note` is empty for a meter that answered whole; else it says what is wrong and what to do.
    """

    __slots__ = ()
    address: int | None
    identity: Identity | None
    note: str


def search_primary(
        timeout_ms: int, first: int = 0, last: int = PRIMARY_MAX, tell: "Tell | None" = None) -> (
        "Conversation[list[Found]]"):
    """Conversation: who answers at each primary address from `first` to `last`. `tell` is told
    each address before it is asked, and what was found so far.
    """
    assert 0 <= first <= last <= PRIMARY_MAX
    found: list[Found] = []
    for address in range(first, last + 1):
        if tell is not None:
            tell("address %d" % address, found)
        link = Link(address, timeout_ms)
        identity, note = yield from _who(link, link.reset())
        if identity is not None or note:
            found.append(Found(address, identity, note and (
                "address %d: %s. Give each meter an address of its own, or read them by their "
                "secondary addresses" % (address, note))))
    return found


def search_secondary(
        timeout_ms: int, start: str = _EVERYBODY, tell: "Tell | None" = None) -> (
        "Conversation[list[Found]]"):
    """Conversation: the meters whose identification fits `start`: eight digits, F for any. `tell`
    as above.

    Digits are tried from the left wherever more than one meter answers.
    """
    found: list[Found] = []
    waiting = [start]
    selections = 0
    while waiting and len(found) < FOUND_MAX:
        number = waiting.pop()
        if tell is not None:
            tell("numbers %s" % number, found)
        selections += 1
        if selections > SELECTIONS_MAX:
            found.append(Found(None, None, "the search was given up after %d selections: the bus "
                               "answers to everything, look for noise on it" % SELECTIONS_MAX))
            break
        wanted = Identity(number, "FFFF", 255, 255)
        link = Link(0, timeout_ms, wanted)
        identity, note = yield from _who(link, link.begin())
        if identity is not None:
            found.append(Found(None, identity, ""))
        elif note:
            narrower = _narrower(number)
            waiting += narrower
            if not narrower:
                found.append(Found(None, wanted, "%s: %s. Two meters have this number: select "
                                   "them by maker, version or medium" % (number, note)))
    return found


def _narrower(number: str) -> list[str]:
    """The ten numbers with one digit more, the lowest last; none where all digits are given."""
    place = number.find("F")
    if place < 0:
        return []
    return [number[:place] + _DIGITS[9 - step] + number[place + 1:] for step in range(10)]


def _who(link: Link, beginning: "Conversation[None]") -> (
        "Conversation[tuple[Identity | None, str]]"):
    """(identity, "") of one meter, (None, what is wrong) for more or for one that does not say,
    (None, "") for nobody.
    """
    there = False
    try:
        yield from beginning
        there = True
        answer = yield from link.ask()
    except LineSilent:
        return None, "it acknowledges and sends no data" if there else ""
    except (ForeignAnswer, Refused) as error:
        return None, "it answers with %s" % error
    except BadCheck:
        return None, "more than one meter answers, or one is damaged"
    if answer.identity is None:
        return None, "it does not say who it is"
    return answer.identity, ""
