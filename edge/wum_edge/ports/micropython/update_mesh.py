"""A board's part in updates that go through its mesh: rolls, and pages of neighbours and for them.

What does it (update/rolls.py, update/sharing.py, and all that they hold) is loaded and in memory
only while there is something to do: an update of ours, a roll, a neighbour that gathers something.
It takes memory, and a board that has too little takes no part: it says so, is assigned its releases
by itself, and the head-end sends their pieces to it alone. Left out: what an update does (update/),
how a page travels (mesh/spread.py).
"""

import gc

from wum_shared import updates

NEEDED_BYTES = 256 * 1024    # Free before it begins: docs/boards.md says what of.
AGAIN_MS = 600000            # Until memory is looked at again.
QUIET_US = 3600000000        # Nobody near was heard to gather anything for so long: nobody will.
NOTICES_MAX = 2              # That nobody has looked at: a signature takes a while.
_SIGNED = 0xD2               # As update/rolls.py: a roll's notice is signed, and not sealed.
_NO_ROOM = ("no part is taken in updates of the mesh: %d bytes of memory are free, and %d are "
            "needed. Pieces come from the head-end to this board alone, and it gives none on")


class UpdateMesh:
    """`act` is the desk's for updates, and hears of rolls."""

    def __init__(self, mesh, updater, act, flash, clock, desk, log):
        self._mesh, self._updater, self._act = mesh, updater, act
        self._flash, self._clock, self._desk, self._log = flash, clock, desk, log
        self._sharing = self._rolls = None
        self._notices, self._pages = [], []
        self._look_ms = clock.monotonic_ms()
        self._is_told = False        # That there is too little memory.
        mesh.pages = self._pages.append

    def flooded(self, payload):
        """Take a roll's notice; False: it is an order to a group."""
        if payload[:1] != bytes((_SIGNED,)):
            return False
        if len(self._notices) < NOTICES_MAX:
            self._notices.append(payload)
        return True

    def heard(self, pieces):
        """What the head-end has sent of a roll."""
        if self._rolls is not None:
            self._rolls.heard(pieces)

    def is_fed(self):
        """Whether neighbours bring the pieces: who has an uplink asks the head-end."""
        return (self._mesh.through is not None and self._sharing is not None
                and self._sharing.is_fed())

    def tick(self):
        """Do one thing; whether there was one that takes a while."""
        if self._sharing is None and not self._begins():
            return False
        if self._notices:
            self._rolls.flooded(self._notices.pop(0))
            return True
        if self._pages:
            self._take(self._pages.pop(0))
            return True
        self._sharing.tick()
        if not self._is_wanted():
            self._end()
        return False

    def say(self, say):
        """Ask the head-end for what neighbours do not bring."""
        if self._rolls is not None:
            self._rolls.tick(say, self.is_fed())

    def _is_wanted(self):
        """Whether anything is under way."""
        if self._notices or self._updater.state in (updates.FETCHING, updates.STAGED) or (
                self._rolls is not None and self._rolls.pages()):
            return True
        sought_us = self._mesh.relay.spread.sought_us
        return sought_us is not None and self._mesh.now_us() - sought_us < QUIET_US

    def _begins(self):
        now_ms = self._clock.monotonic_ms()
        if not self._is_wanted():
            return False
        if now_ms >= self._look_ms:
            gc.collect()
            free = gc.mem_free()
            if free >= NEEDED_BYTES:
                self._begin()
                return True
            self._look_ms = now_ms + AGAIN_MS
            if not self._is_told:
                self._is_told = True
                self._log.warn(_NO_ROOM % (free, NEEDED_BYTES))
        self._notices.clear()
        return False

    def _begin(self):
        """Late: see above."""
        from wum_edge.ports.micropython.mesh_spreader import BoardSpreader
        from wum_edge.update.rolls import Rolls
        from wum_edge.update.sharing import Sharing
        self._rolls = self._act.rolls = Rolls(
            self._desk.trusted, self._desk.handed, self._clock, self._log)
        self._sharing = Sharing(
            self._updater, BoardSpreader(self._mesh), self._flash, self._clock, self._log)
        self._sharing.rolls = self._rolls

    def _end(self):
        """Nothing is under way any more: what it held is free again."""
        for image in list(self._mesh.relay.spread.images):
            self._mesh.relay.spread.drop(image.name)
        self._pages.clear()
        self._sharing = self._rolls = self._act.rolls = None

    def _take(self, action):
        kind = action[0]
        if kind == "page":
            self._sharing.came(action[1], action[2], action[3])
        elif kind == "read page":
            self._sharing.wanted(action[1], action[2])
        else:
            self._sharing.spoilt(action[3])
