"""A disk with one folder that can lose power between any two of its steps, and tear what it held.

Portable, so that the same tests run on MicroPython. It promises what POSIX does and no more: a
file's bytes survive once the file is synced, names once the folder is. Left out: what is written
and when (flash.py, and in tests the Linux port), and whether it was right.
"""

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_BYTES = 64               # What flash or a disk writes whole; small, so that tests tear often.

# What a cut leaves of bytes that were written and not synced.
NOTHING = 0                   # None of them.
PREFIX = 1                    # The first ones, and the file ends there.
ZEROS = 2                     # The first ones; the rest reads as zeros.
GARBAGE = 3                   # The first ones; the rest reads as noise.
FLIPPED = 4                   # All of them, with one bit wrong.
OUT_OF_ORDER = 5              # Some pages are zeros, later ones are there.
WHOLE = 6                     # All of them, unharmed.
TEARS = (NOTHING, PREFIX, ZEROS, GARBAGE, FLIPPED, OUT_OF_ORDER, WHOLE)
_MASKS = 16                   # Of missing pages, where pages arrive out of order.


class Node:
    """A file without its name: what is durable, and what was written after it."""

    __slots__ = ("durable", "pending")

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = durable
        self.pending = b""


class Disk:
    """Files and names, each durable or not yet. `watch`, if given, is called after every step."""

    def __init__(self) -> None:
        self.names: dict[str, Node] = {}
        self.durable_names: dict[str, Node] = {}
        self.pending_names: list[tuple[str, Node | None]] = []   # Since the folder was synced.
        self.steps = 0
        self.watch: Callable[[], None] | None = None

    def create(self, name: str) -> None:
        """An empty file of that name."""
        self._name(name, Node())
        self._stepped()

    def write(self, name: str, data: bytes) -> None:
        """Add bytes at a file's end."""
        self.names[name].pending += bytes(data)
        self._stepped()

    def sync(self, name: str) -> None:
        """Make a file's bytes durable, its name left out."""
        node = self.names[name]
        node.durable += node.pending
        node.pending = b""
        self._stepped()

    def rename(self, old: str, new: str) -> None:
        """Give a file another name; a file that had it is gone."""
        node = self.names[old]
        self._name(new, node)
        self._name(old, None)
        self._stepped()

    def unlink(self, name: str) -> None:
        """Take a file away."""
        self._name(name, None)
        self._stepped()

    def sync_names(self) -> None:
        """Make all names durable."""
        self.durable_names = dict(self.names)
        self.pending_names = []
        self._stepped()

    def content(self, name: str) -> bytes:
        """A file as it reads now. KeyError where there is none."""
        node = self.names[name]
        return node.durable + node.pending

    def put(self, name: str, data: bytes) -> None:
        """Give a durable file any content, without a step."""
        self.names[name] = self.durable_names[name] = Node(bytes(data))

    def used_bytes(self) -> int:
        """Bytes of all files."""
        return sum([len(n.durable) + len(n.pending) for n in self.names.values()])

    def pending_bytes(self) -> int:
        """Bytes that are not synced, under whatever name."""
        return sum([len(node.pending) for node in self.names.values()])

    def cuts(self) -> list[tuple[int, int, int]]:
        """(names, tear, byte) of every different disk that a cut can leave now.

        `names`: how many of the pending names had become durable.
        """
        found = []
        for names in range(len(self.pending_names) + 1):
            nodes = self._names_after(names)
            pending = max([len(nodes[name].pending) for name in nodes] + [0])
            found += [(names, tear, keep) for tear, keep in tears(pending)]
        return found

    def after_cut(self, names: int, tear: int, keep: int) -> "Disk":
        """What the power finds when it is back; see `cuts`. `keep` counts in every file alike."""
        found = Disk()
        nodes = self._names_after(names)
        for name in sorted(nodes):
            node = nodes[name]
            left = torn(node.pending, tear, keep) if node.pending else b""
            found.put(name, node.durable + left)
        return found

    def after_kill(self) -> "Disk":
        """What a killed process leaves: nothing more is synced, nothing is lost."""
        found = Disk()
        twins: dict[int, Node] = {}
        for name in self.names:
            found.names[name] = _twin(self.names[name], twins)
        for name in self.durable_names:
            found.durable_names[name] = _twin(self.durable_names[name], twins)
        found.pending_names = [(name, None if node is None else _twin(node, twins))
                               for name, node in self.pending_names]
        return found

    def _name(self, name: str, node: Node | None) -> None:
        if node is None:
            del self.names[name]
        else:
            self.names[name] = node
        self.pending_names.append((name, node))

    def _names_after(self, count: int) -> dict[str, Node]:
        names = dict(self.durable_names)
        for name, node in self.pending_names[:count]:
            if node is None:
                names.pop(name, None)
            else:
                names[name] = node
        return names

    def _stepped(self) -> None:
        self.steps += 1
        if self.watch is not None:
            self.watch()


def _twin(node: Node, twins: dict[int, Node]) -> Node:
    """A copy of a file; the same one for the same file."""
    if id(node) not in twins:
        twins[id(node)] = Node(node.durable)
        twins[id(node)].pending = node.pending
    return twins[id(node)]


def tears(pending: int) -> list[tuple[int, int]]:
    """(tear, byte) of so many pending bytes; those that leave the same file only once."""
    if not pending:
        return [(NOTHING, 0)]
    pages = (pending + PAGE_BYTES - 1) // PAGE_BYTES
    found = [(NOTHING, 0), (WHOLE, 0)]
    found += [(OUT_OF_ORDER, mask) for mask in range(min(_MASKS, (1 << min(pages, 8)) - 1))]
    for keep in range(pending):
        found += [(PREFIX, keep)] if keep else []
        found += [(ZEROS, keep), (GARBAGE, keep), (FLIPPED, keep)]
    return found


def torn(pending: bytes, tear: int, keep: int) -> bytes:
    """What is left of pending bytes."""
    kept = pending[:keep]
    rest = len(pending) - len(kept)
    if tear in (NOTHING, WHOLE):
        return pending if tear == WHOLE else b""
    if tear == PREFIX:
        return kept
    if tear == ZEROS:
        return kept + bytes(rest)
    if tear == GARBAGE:
        return kept + bytes([(at * 151 + 89) & 0xFF for at in range(rest)])
    if tear == FLIPPED:
        flipped = bytearray(pending)
        if keep < len(flipped):
            flipped[keep] ^= 1 << (keep % 8)
        return bytes(flipped)
    assert tear == OUT_OF_ORDER
    mask = keep + 1
    pages = bytearray(pending)
    for at in range(len(pages)):
        if mask >> (at // PAGE_BYTES % 8) & 1:
            pages[at] = 0
    return bytes(pages)
