"""What this station has promised to carry on: pieces of objects, and what it has seen before.

Left out: who takes them over (relay.py). Nothing leaves here before another station has said that
it has it; a full store grants nothing, so what comes from further out waits there.
"""

from wum_edge.mesh.frames import BODY_MAX, DATA_HEAD, ITEM_HEAD, NOTE, Item

ITEMS_MAX = 96               # Some 20 kB of pieces.
OWN_MAX = 48                 # Of these our own objects may take half: others go through us.
URGENT_MAX = 60              # What cannot wait finds room though a day's objects do.
_URGENT = 1                  # Priorities up to this one: alarms, and what is of this hour.
SEEN_MAX = 512
ROOM = BODY_MAX - DATA_HEAD
# Keys that were seen are kept modulo this prime: an integer above 2**30 takes memory of its own on
# a board, and a new one meets one of 512 once in two million times: that piece is asked for again.
_FOLD = 1_073_741_789


class Custody:
    """Pieces in the order of their priority (0 first) and age."""

    def __init__(self, address: int = -1) -> None:
        self._address = address
        self.others = 0              # Pieces here that are not our own.
        self._queues: list[list[Item]] = [[], [], [], []]
        self._held: set[int] = set()
        self._seen: dict[int, int] = {}  # By key folded: to whom it was handed on, 0 for nobody,
                                         # and above 16 bits the heartbeat of that moment.
        self._seen_order: list[int] = [0] * SEEN_MAX
        self._seen_at = 0
        self.heartbeat = 0               # Of our gateway, as far as we know: gradient.py.
        self._out: dict[int, int] = {}   # By key of what is under way: to whom.
        self._back: set[int] = set()     # Came back while they were.

    @property
    def size(self) -> int:
        return len(self._held)

    @property
    def free(self) -> int:
        """How many more pieces fit."""
        return max(ITEMS_MAX - len(self._held), 0)

    @property
    def is_crowded(self) -> bool:
        """Whether it is time to get rid of something before more is taken."""
        return len(self._held) >= ITEMS_MAX // 2

    def has_room(self, pieces: int, priority: int = 2) -> bool:
        """Whether an object of ours may still be taken: others' pieces need room too."""
        most = URGENT_MAX if priority <= _URGENT else OWN_MAX
        return len(self._held) + pieces <= most or not self._held and pieces <= ITEMS_MAX

    def waiting(self) -> int:
        """How many pieces are not under way."""
        return len(self._held) - len(self._out)

    def take(self, item: Item, priority: int, source: int = 0) -> bool:
        """Custody of a piece, from now on; True also for one that we had before. False: full.

        One that has turned round goes on under the next mark, so that nobody takes it for what he
        had before. One that comes back from where it is under way to is there no more: word that it
        had arrived comes too late, and `release` does not heed it.
        """
        key = item.key
        if key in self._held:
            if source and self._out.get(key) == source:
                del self._out[key]
                self._back.add(key)
            return True
        if key % _FOLD in self._seen:
            if not source or item.mark == NOTE or not self._has_turned(
                    self._seen[key % _FOLD], source):
                return True
            item = Item(item.origin, item.number, item.fragment, item.is_last, item.content,
                        (item.mark + 1) % NOTE)
            key = item.key
            if key in self._held:
                return True
        if not self.free:
            return False
        self._held.add(key)
        self.others += item.origin != self._address
        self._queue(self._queues[priority], item)
        return True

    def _has_turned(self, handed: int, source: int) -> bool:
        """Whether a piece that we handed on comes back for its way has turned: from whom we handed
        it to, or from anybody since our gateway's heart has beaten anew, as it does when somebody
        has lost his way. Else it is a second one, which its origin or another sent twice.
        """
        to = handed & 0xFFFF
        return to == source or bool(to) and handed >> 16 != self.heartbeat

    def _queue(self, queue: list[Item], item: Item) -> None:
        """Behind the pieces of other origins, as many of each as this one has here: who is close
        to the gateway gets no more of the way than who is far.
        """
        before: dict[int, int] = {}
        mine = sum([1 for other in queue if other.origin == item.origin])
        for at, other in enumerate(queue):
            count = before.get(other.origin, 0)
            if count > mine:
                queue.insert(at, item)
                return
            before[other.origin] = count + 1
        queue.append(item)

    def see(self, key: int, to: int = 0) -> bool:
        """Note that a piece was here, and to whom it went; True if it was before."""
        key %= _FOLD
        if key in self._seen:
            return True
        old = self._seen_order[self._seen_at]
        self._seen.pop(old, None)
        self._seen_order[self._seen_at] = key
        self._seen_at = (self._seen_at + 1) % SEEN_MAX
        self._seen[key] = to
        return False

    def forget(self, key: int) -> None:
        """Let a piece come again: its object is sent anew from its origin."""
        self._seen.pop(key % _FOLD, None)

    def notes(self, origin: int) -> int:
        """How many words of the mesh by one station are here."""
        return sum([1 for queue in self._queues for item in queue
                    if item.mark == NOTE and item.origin == origin])

    def frames(self) -> int:
        """How many frames it takes to send everything, at most."""
        return min(len(self._held), 255)

    def next_frame(self, to: int = 0) -> tuple[int, list[Item]]:
        """(priority, pieces of that priority for one frame to this station), none of them under
        way yet.
        """
        for priority, queue in enumerate(self._queues):
            chosen: list[Item] = []
            room = ROOM
            for item in queue:
                if item.size <= room and item.key not in self._out:
                    chosen.append(item)
                    self._out[item.key] = to
                    self._back.discard(item.key)
                    room -= item.size
                    if room <= ITEM_HEAD:
                        break
            if chosen:
                return priority, chosen
        return 0, []

    def release(self, items: list[Item], to: int = 0) -> None:
        """Another has them now; 0: nobody need have them."""
        for item in items:
            self._out.pop(item.key, None)
            if item.key in self._held and not (to and item.key in self._back):
                self._back.discard(item.key)
                self._held.discard(item.key)
                self.others -= item.origin != self._address
                self.see(item.key, to and to | self.heartbeat << 16)
        for at, queue in enumerate(self._queues):
            self._queues[at] = [item for item in queue if item.key in self._held]

    def everything(self) -> list[Item]:
        """All pieces, what is urgent first."""
        return [item for queue in self._queues for item in queue]

    def withdraw(self, origin: int, number: int) -> int:
        """Nobody needs this object any more; how many pieces of it were not under way yet."""
        gone = [item for queue in self._queues for item in queue
                if (item.origin, item.number) == (origin, number) and item.mark != NOTE
                and item.key not in self._out]
        self.release(gone)
        return len(gone)

    def keep(self, items: list[Item]) -> None:
        """Nobody took them: they are sent again."""
        for item in items:
            self._out.pop(item.key, None)
