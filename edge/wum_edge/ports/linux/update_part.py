"""The gateway's part in its own updates, where a launcher started it; without one there is none.

Left out: what an update does (update/), starting anew (launcher.py).
"""

import os
from pathlib import Path

import wum_edge
import wum_shared
from wum_edge.agent import GROUP_ORDER, Agent
from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.orders.desk import Desk
from wum_edge.ports.linux.cipher import Cipher, Signatures
from wum_edge.ports.linux.keys import BadKeys, secret_text
from wum_edge.ports.linux.release_trust import read_rules
from wum_edge.ports.linux.slot_environment import FOLDER, NAMES, SLOT
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.ports.linux.sweeper import Record
from wum_edge.update.act import UpdateAct
from wum_edge.update.boot import FACTORY
from wum_edge.update.courier import Courier
from wum_edge.update.rolls import Rolls
from wum_edge.update.updater import Updater
from wum_edge.uplink.keys import Keys
from wum_edge.uplink.opening import Opening
from wum_shared import updates
from wum_shared.batch import Row
from wum_shared.errors import Malformed, WireError
from wum_shared.ids import id_from_text
from wum_shared.orders import UPDATE
from wum_shared.topics import PIECES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wum_edge.ports.linux.mesh_part import MeshPart

FILES_A_TICK = 16             # Written by the system's cache, synced by its disk.
IDENTITY = "identity.key"


class UpdatePart:
    """The updater of a gateway that runs from `slot`, and its voice."""

    def __init__(self, folder: Path, slot: int, keys_folder: Path, keys: Keys, clock: Clock,
                 log: Log, *, has_meters: bool) -> None:
        """Raises BadKeys, OSError."""
        _check_home(folder, slot)
        self.slot = slot
        self._opening = Opening(Cipher(), keys, log)
        self._log = log
        self.flash = SlotFlash(folder)
        self.updater = Updater(
            flash=self.flash, slot=slot, rules=read_rules(keys_folder),
            verifier=Signatures(), clock=clock, log=log, chance=os.urandom, has_meters=has_meters,
            files_a_tick=FILES_A_TICK)
        self._courier = Courier(self.updater, clock, Signatures(), _seed(keys_folder),
                                keys.concentrator)
        self._clock = clock
        self.rolls: Rolls | None = None

    def take_orders(self, desk: Desk) -> None:
        """What orders of this kind do, by whichever way they come."""
        self.rolls = Rolls(desk.trusted, desk.handed, self._clock, self._log)
        desk.acts[UPDATE] = UpdateAct(self.updater, self.rolls)

    def rekey(self, keys: Keys) -> None:
        """New keys are in force; those before stay good for what is on its way."""
        self._opening.rekey(keys)

    def archived(self, records: list[Record]) -> None:
        """Flash took these."""
        self.updater.archived(has_row=any(type(record) is Row for record in records))

    def heard(self, sealed: bytes) -> None:
        """Take pieces as they came from the broker; who is not the head-end brings none."""
        opened = self._opening.open(PIECES, sealed)
        if opened is None:
            return
        try:
            pieces = updates.decode_pieces(opened)
            if pieces.part == updates.ROLL and self.rolls is not None:
                self.rolls.heard(pieces)
            else:
                self.updater.heard(pieces)
        except WireError as error:
            self._log.warn(f"pieces refused: {error}")

    def tick(self, say: "Callable[[str, bytes], bool]", is_fed: bool = False) -> bool:
        """Do and say what is due; whether the gateway is to end and be started again. `is_fed`:
        neighbours bring the pieces.
        """
        self.updater.tick()
        self._courier.tick(say, is_fed)
        if self.rolls is not None:
            self.rolls.tick(say, is_fed)
        return self.updater.restart

    def name(self) -> str:
        """What runs, for people."""
        standing = self.updater.standing()
        return f"release {standing.sequence} in slot {NAMES[self.slot]}"


def open_part(keys_folder: Path, keys: Keys, clock: Clock, log: Log, *,
              has_meters: bool) -> UpdatePart | None:
    """The part, where a launcher said from which slot this runs. Raises BadKeys, OSError."""
    folder, slot = os.environ.get(FOLDER), os.environ.get(SLOT)
    if not folder or slot not in NAMES.values():
        return None
    number = next(number for number in NAMES if NAMES[number] == slot)
    return UpdatePart(Path(folder), number, keys_folder, keys, clock, log, has_meters=has_meters)


def listen(part: UpdatePart | None, agent: Agent, desk: Desk | None,
           mesh: "MeshPart | None") -> None:
    """What comes down for a part goes to it; without a desk nothing is ever assigned."""
    if part is not None:
        agent.listen(PIECES, part.heard)
        if desk is not None:
            part.take_orders(desk)
            agent.listen(GROUP_ORDER, lambda payload: flooded(part, desk, payload))
            if mesh is not None:
                mesh.pass_on(part.rolls)


def flooded(part: UpdatePart, desk: Desk, payload: bytes) -> None:
    """What a gateway flooded to all: a notice of a roll, or an order to a group."""
    if part.rolls is None or not part.rolls.flooded(payload):
        desk.heard(payload)


def _check_home(folder: Path, slot: int) -> None:
    """Half a release beside half of what is installed was never tested by anybody."""
    if slot == FACTORY:
        return
    for package in (wum_edge, wum_shared):
        if not Path(str(package.__file__)).resolve().is_relative_to(
                (folder / NAMES[slot]).resolve()):
            raise BadKeys(f"{package.__name__} does not come from slot {NAMES[slot]}: the release "
                          "is not whole")


def _seed(folder: Path) -> bytes:
    try:
        return id_from_text(secret_text(folder / IDENTITY).strip(), 32)
    except Malformed:
        # Not chained and not quoted: the text would hold the key.
        raise BadKeys(f"{folder / IDENTITY}: wanted 64 hexadecimal digits") from None
