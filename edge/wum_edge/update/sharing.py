"""What the updater and the mesh tell each other: images to be spread, and pages that come and go.

A station gathers the release that it was assigned, and gives what it has of it; what runs it gives
too. The updater judges every piece anew before it keeps it. Left out: how a page travels
(mesh/spread.py), what is asked of the head-end meanwhile (courier.py).
"""

from wum_edge.archive.flash import Flash
from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.mesh.spreadframes import CHUNKS_OF_PAGE, NAME_SIZE
from wum_edge.update.contents import Content, Fetched, InSlot
from wum_edge.update.fetch import Fetch
from wum_edge.update.updater import Updater
from wum_shared.updates import CONTENT, INDEX, Pieces

LOOK_MS = 2_000
# A station that gets nothing through the mesh for so long asks the head-end for itself.
PATIENCE_MS = 4 * 3_600_000


class Spreader:
    """What is wanted of a station of the mesh. A port supplies it; every call returns at once."""

    def images(self) -> dict[bytes, int]:
        """By name: a bit for each page that the relay believes to be here."""
        raise NotImplementedError

    def take_up(self, name: bytes, size: int, index: bytes, have: int) -> None:
        """Gather an image, and give what is here of it."""
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
        self._look_ms = self._fed_ms = clock.monotonic_ms()
        self._gathers = self._apart = b""

    def is_fed(self) -> bool:
        """Whether the mesh brings what is wanted, or may yet: nothing is asked for otherwise."""
        return self._clock.monotonic_ms() - self._fed_ms < PATIENCE_MS

    def tick(self) -> None:
        """Let the relay know what there is, when that has changed."""
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._look_ms:
            return
        self._look_ms = now_ms + LOOK_MS
        lying = self._updater.lying()
        if lying != self._lying:
            self._find(lying)
        want = self._updater.want()
        if want is not None and want.part == INDEX and want.digest != self._apart:
            self._apart = want.digest
            self._log.say("the hashes of this release's pieces are too many for its manifest: they "
                          "come from the head-end to this station alone, before the mesh can "
                          "bring the pieces")
        known = self._spreader.images()
        for name in sorted(known):
            if name not in self._contents:
                self._spreader.drop(name)
        for name in sorted(self._contents):
            content = self._contents[name]
            have = content.have()
            if name not in known:
                self._spreader.take_up(name, content.size, content.index, have)
            elif have & ~known[name]:
                self._spreader.have(name, have)

    def _find(self, lying: list[tuple[int, bytes, Fetch | None]]) -> None:
        """Other releases are here than before, or in another place."""
        self._contents, self._lying = {}, lying
        gathers = b""
        for slot, digest, fetch in lying:
            try:
                if fetch is None:
                    found: Content = InSlot(self._flash, slot, digest)
                else:
                    found, gathers = Fetched(self._flash, slot, fetch), digest
                self._contents[digest[:NAME_SIZE]] = found
            except OSError as error:
                self._log.warn("a release cannot be read for others: %s" % error)
        if gathers != self._gathers:
            self._gathers, self._fed_ms = gathers, self._clock.monotonic_ms()

    def came(self, name: bytes, page: int, data: bytes) -> None:
        """A page has come through the mesh."""
        content = self._contents.get(name)
        if content is not None:
            self._fed_ms = self._clock.monotonic_ms()
            self._updater.heard(Pieces(content.digest, CONTENT, page * CHUNKS_OF_PAGE, data))

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
