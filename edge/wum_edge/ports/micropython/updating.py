"""A board's part in its own updates: the updater, its voice, and what comes down for it.

Whose releases are taken stands in `release-trust.json` on flash, which `wum-firmware board` writes,
and which documents of its root keys come after; without that file none is. Left out: what an update
does (update/), what starts a slot (boot.py), whether a start was one of boot.py's (started.py).
"""

import json
import os
import sys
from binascii import unhexlify

import wum_edge
import wum_shared
from wum_edge.ports.micropython import boot
from wum_edge.ports.micropython.claiming import CRYPTO
from wum_edge.ports.micropython.settings import NotSetUp
from wum_edge.ports.micropython.slot_flash import SlotFlash
from wum_edge.update.act import UpdateAct
from wum_edge.update.boot import FACTORY, A, B
from wum_edge.update.courier import Courier
from wum_edge.update.trusted import rules_of
from wum_edge.update.updater import Updater
from wum_edge.uplink.opening import Opening
from wum_shared import updates
from wum_shared.batch import Row
from wum_shared.errors import Malformed, WireError
from wum_shared.orders import UPDATE
from wum_shared.release_trust import of_table
from wum_shared.topics import PIECES

TRUST = "release-trust.json"
HEARD_BYTES_MAX = updates.PIECES_BYTES_MAX + 64      # Sealed: longer than all else that comes down.
WAITING_BYTES_MAX = 5 * HEARD_BYTES_MAX      # More than the head-end has on its way at once.
NAMES = {A: "a", B: "b", FACTORY: "factory"}
_TRUST_MAX = 8192


class Updating:
    """The updater of a board that runs from the slot that boot.py has started."""

    heard_bytes = HEARD_BYTES_MAX

    def __init__(self, folder, own, keys, clock, feed, log, has_meters):
        """`feed` is the watchdog's. Raises NotSetUp."""
        self.slot = boot.running()
        if self.slot != FACTORY:
            _check_home(sys.path[0] + "/")
        self._log, self._clock = log, clock
        self._waiting = []
        self._near = None            # update_mesh.UpdateMesh: of a board in a mesh.
        self._speaks = False
        self._opening = Opening(CRYPTO.cipher, keys, log)
        rules = _rules(folder + "/" + TRUST)
        try:
            self._flash = _Fed(boot.FOLDER, feed)
            self._updater = Updater(
                flash=self._flash, slot=self.slot, rules=rules,
                verifier=CRYPTO.verifier, clock=clock, log=log, chance=os.urandom,
                has_meters=has_meters)
        except OSError as error:
            raise NotSetUp("the folder update cannot be read: %s" % error)
        self._courier = Courier(self._updater, clock, CRYPTO.signer, own.identity().seed,
                                keys.concentrator)

    def let_act(self, agent, desk):
        """Hear pieces, and let the desk take orders about updates."""
        desk.acts[UPDATE] = UpdateAct(self._updater)
        agent.listen(PIECES, self._heard)

    def let_pass(self, mesh, desk):
        """Take part in what neighbours gather; what takes a notice of a roll, or leaves it. Late:
        most boards have no mesh.
        """
        from wum_edge.ports.micropython.update_mesh import UpdateMesh
        self._near = UpdateMesh(mesh, self._updater, desk.acts[UPDATE], self._flash, self._clock,
                                desk, self._log)
        return self._near.flooded

    def rekey(self, keys):
        """New keys are in force; those before stay good for what is on its way."""
        self._opening.rekey(keys)

    def archived(self, records):
        """Flash took these."""
        self._updater.archived(has_row=bool([one for one in records if type(one) is Row]))

    def tick(self, say, is_up):
        """Take a message of pieces, or do what is due, or say it: one thing in a turn, each may
        take a while. Whether to start anew.
        """
        if self._waiting:
            self._take(self._waiting.pop(0))
            return False
        if self._near is not None and self._near.tick():
            return False
        self._speaks = not self._speaks
        if not self._speaks:
            self._updater.tick()
        elif is_up:
            self._say(say)
        return self._updater.restart

    def name(self):
        """What runs, for people."""
        return "release %d in slot %s" % (self._updater.standing().sequence, NAMES[self.slot])

    def words(self):
        """How it stands with the release that was assigned last, for people."""
        standing = self._updater.standing()
        found = updates.STATES[standing.state]
        if standing.state == updates.FETCHING:
            found += ", %d of %d pieces" % (standing.have, standing.of)
            if self._near is not None and self._near.is_fed():
                found += ", from neighbours"
        return found + (": " + standing.note if standing.note else "")

    def _say(self, say):
        near = self._near
        self._courier.tick(say, near is not None and near.is_fed())
        if near is not None:
            near.say(say)

    def _heard(self, sealed):
        """It may come while a meter is waited for. One that finds no place is asked for again."""
        if sum([len(one) for one in self._waiting]) + len(sealed) <= WAITING_BYTES_MAX:
            self._waiting.append(sealed)

    def _take(self, sealed):
        opened = self._opening.open(PIECES, sealed)
        if opened is None:
            return
        try:
            pieces = updates.decode_pieces(opened)
            if pieces.part != updates.ROLL:
                self._updater.heard(pieces)
            elif self._near is not None:
                self._near.heard(pieces)
        except WireError as error:
            self._log.warn("pieces refused: %s" % error)


class _Fed(SlotFlash):
    """Whoever reads from it is alive: at a start all that was fetched is hashed in one turn."""

    def __init__(self, folder, feed):
        super().__init__(folder)
        self._feed = feed

    def read(self, name, offset, size):
        """See Flash.read."""
        self._feed()
        return super().read(name, offset, size)


def _check_home(folder):
    """Half a release beside half of what came with the board was never tested by anybody."""
    for package in (wum_edge, wum_shared):
        if not package.__file__.startswith(folder):
            raise NotSetUp("%s does not come from %s: the release is not whole" % (
                package.__name__, folder))


def _rules(path):
    """What a release has to be. Raises NotSetUp."""
    try:
        with open(path) as file:
            found = json.loads(file.read(_TRUST_MAX))
        vendor = unhexlify(found["vendor"])
        return rules_of(vendor, of_table(found, unhexlify(found["class"])))
    except (OSError, ValueError, KeyError, TypeError, Malformed) as error:
        raise NotSetUp("%s: %r. Write it again: wum-firmware board --release-trust" % (path, error))
