"""What the updater and the mesh tell each other: images to be spread, and pages that come and go.

A station gathers the release that it was assigned, and gives what it has of it; what runs it gives
too, and rolls, whoever is on them. The updater judges every piece anew before it keeps it. Left
out: how a page travels (mesh/spread.py), what is asked of the head-end meanwhile (courier.py).
"""

from wum_edge.archive.flash import Flash
from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.mesh.spreadframes import CHUNKS_OF_PAGE, NAME_SIZE
from wum_edge.update.contents import Content, Fetched, Hashes, Hashing, InSlot, is_a_page
from wum_edge.update.fetch import Fetch
from wum_edge.update.rolls import RollPage, Rolls
from wum_edge.update.updater import Updater
from wum_shared import suit
from wum_shared.updates import ROLL, Pieces

LOOK_MS = 2_000
# A station that gets nothing through the mesh for so long asks the head-end for itself.
PATIENCE_MS = 4 * 3_600_000


class Spreader:
    """What is wanted of a station of the mesh. A port supplies it; every call returns at once."""

    def images(self) -> dict[bytes, int]:
        """By name: a bit for each page that the relay believes to be here."""
        raise NotImplementedError

    def take_up(self, name: bytes, size: int, index: bytes, have: int, whole: bytes) -> None:
        """Gather an image, and give what is here of it. `whole`: SHA-256 of one without index."""
        raise NotImplementedError

    def have(self, name: bytes, have: int) -> None:
        """These pages are here, too."""
        raise NotImplementedError

    def drop(self, name: bytes) -> None:
        """No more of it."""
        raise NotImplementedError

    def give(self, name: bytes, page: int, data: bytes | None) -> None:
        """A page that the relay wanted to have read; None: it is not here."""
        raise NotImplementedError


class Sharing:
    """Of one concentrator."""

    def __init__(self, updater: Updater, spreader: Spreader, flash: Flash, clock: Clock,
                 log: Log) -> None:
        self._updater, self._spreader, self._clock, self._log = updater, spreader, clock, log
        self._flash = flash
        self._contents: dict[bytes, Content] = {}
        self._lying: list[tuple[int, bytes, Fetch | None]] = []
        self._hashing: list[Hashing] = []
        self.rolls: Rolls | None = None          # Without them it is assigned one by one.
        self._pages: list[RollPage] = []
        self._is_indexed = False     # Whether the hashes are there of what is fetched,
        self._is_alone = False       # or are to come from the head-end.
        self._look_ms = self._fed_ms = clock.monotonic_ms()
        self._gathers = self._apart = b""
        self._gone: dict[bytes, int] = {}

    def is_fed(self) -> bool:
        """Whether the mesh brings what is wanted, or may yet: nothing is asked for then."""
        return not self._is_alone and self._clock.monotonic_ms() - self._fed_ms < PATIENCE_MS

    def tick(self) -> None:
        """Let the relay know what there is, when that has changed."""
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._look_ms:
            return
        self._look_ms = now_ms + LOOK_MS
        lying = self._updater.lying()
        is_indexed = bool([fetch for _, _, fetch in lying if fetch is not None and fetch.index])
        pages = [] if self.rolls is None else self.rolls.pages()
        if lying != self._lying or is_indexed != self._is_indexed or pages != self._pages:
            self._is_indexed, self._pages = is_indexed, pages
            self._find(lying)
        self._hash()
        known = self._spreader.images()
        for name in sorted(known):
            if name not in self._contents:
                self._spreader.drop(name)
        for name in sorted(self._contents):
            content = self._contents[name]
            have = content.have()
            if name not in known:
                self._spreader.take_up(name, content.size, content.index, have, content.whole)
            elif have & ~known[name]:
                self._spreader.have(name, have)
            # What it handed over has not come to stay: flash refused it, or a power cut took it.
            gone = known.get(name, 0) & ~have
            if gone & self._gone.get(name, 0):
                self._spreader.drop(name)            # It is taken up anew at the next look.
                gone = 0
            self._gone[name] = gone

    def _find(self, lying: list[tuple[int, bytes, Fetch | None]]) -> None:
        """Other releases are here than before, or in another place, or the hashes of one came."""
        hashes = [content for content in self._contents.values()     # Any order: one of each.
                  if type(content) is Hashes and content.have()]
        self._contents, self._lying, self._hashing, self._gone = {}, lying, [], {}
        gathers, self._is_alone = b"", False
        for slot, digest, fetch in lying:
            try:
                if fetch is None:
                    self._is_in_slot(InSlot(self._flash, slot, digest), hashes)
                else:
                    gathers = digest
                    self._is_fetched(fetch, slot)
            except OSError as error:
                self._log.warn("a release cannot be read for others: %s" % error)
        for page in self._pages:
            self._give(page)
        if gathers != self._gathers:
            self._gathers, self._fed_ms = gathers, self._clock.monotonic_ms()

    def _is_in_slot(self, found: InSlot, before: list[Hashes]) -> None:
        """All of a release is here; its hashes may be made already, or came."""
        self._give(found)
        same = [hashes for hashes in before if hashes.release == found.digest]
        if same:
            self._give(same[0])
        elif is_a_page(suit.index_size_of(found.size)):
            self._hashing.append(Hashing(found))

    def _is_fetched(self, fetch: Fetch, slot: int) -> None:
        """A release comes: first its hashes, then what they are of."""
        release = fetch.release
        if is_a_page(release.index_size):
            self._give(Hashes(
                release.digest, release.index_digest, release.index_size, fetch.index))
        elif fetch.index is None:
            self._is_alone = True
            if release.digest != self._apart:
                self._apart = release.digest
                self._log.say("the hashes of this release's pieces are too many for one page: they "
                              "come from the head-end to this station alone, before the mesh can "
                              "bring the pieces")
        if fetch.index is not None:
            self._give(Fetched(self._flash, slot, fetch))

    def _give(self, content: Content) -> None:
        self._contents[content.digest[:NAME_SIZE]] = content

    def _hash(self) -> None:
        """A page more of what has no hashes yet: whoever was assigned it asks for them first."""
        if not self._hashing:
            return
        try:
            hashes = self._hashing[0].step()
        except OSError as error:
            self._log.warn("a release cannot be read for others: %s" % error)
            self._hashing.pop(0)
            return
        if hashes is not None:
            self._hashing.pop(0)
            self._give(hashes)

    def came(self, name: bytes, page: int, data: bytes) -> None:
        """A page has come through the mesh."""
        content = self._contents.get(name)
        if content is not None and content.part == ROLL and self.rolls is not None:
            self.rolls.came(content.digest, data)
        elif content is not None:
            self._fed_ms = self._clock.monotonic_ms()
            self._updater.heard(Pieces(
                content.release, content.part, page * CHUNKS_OF_PAGE, data))

    def wanted(self, name: bytes, page: int) -> None:
        """The relay sends a page, and wants it read."""
        content = self._contents.get(name)
        data = None
        try:
            data = None if content is None else content.page(page)
        except OSError as error:
            self._log.warn("page %d of an update cannot be read: %s" % (page, error))
        self._spreader.give(name, page, data)

    def spoilt(self, source: int) -> None:
        """A station of the mesh sent what was never signed."""
        self._log.warn("station %d of the mesh sends pieces of an update that nobody has signed: "
                       "nothing more of them is taken from it" % source)
