"""New keys for the gateway that runs: its folder, its clock and its connection around Renewal.

Left out: when (enrolment/renewal.py), what is said (enrolment/joining.py). Who was let in by a
claim code does this, and who was given the trust document beside first keys of the workbench; by
its own uplink or through the mesh.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from wum_edge.agent import Agent
from wum_edge.archive.flash import Flash
from wum_edge.enrolment.joining import Opening
from wum_edge.enrolment.renewal import Questions, Renewal
from wum_edge.ports.linux import claiming
from wum_edge.ports.linux.chance import SystemDice
from wum_edge.ports.linux.keys import BadKeys
from wum_edge.ports.linux.opening import begin_epoch
from wum_edge.uplink.broker import Broker
from wum_edge.uplink.counter import CHANCE_BYTES, Counter, CounterDoubtful, first_start
from wum_edge.uplink.keys import Keys
from wum_shared.errors import WireError
from wum_shared.topics import ENROL, UP, topic

EPOCH_S = 86400              # How long keys are used, about.
FIRST_S = 60                 # After a start: not before what waited has begun to go.
_log = logging.getLogger("wum_edge.keys")

Rekey = Callable[[Keys, Counter], None]


class Renewing:
    """Opens epochs and puts their keys in force; in the agent's thread only."""

    def __init__(
            self, folder: Path, flash: Flash, broker: Broker, rekey: Rekey, epoch_s: int,
    ) -> None:
        self._folder, self._flash = folder, flash
        self._identity = claiming.read_identity(folder)
        self._rekey = rekey
        questions = Questions(
            broker, topic(self._identity.concentrator, UP, ENROL), SystemDice())
        self._renewal = Renewal(
            self._begin, questions, epoch_s * 1000,
            _now_ms() + _wait_ms(folder, epoch_s) + questions.spread_ms(epoch_s * 1000))

    def tick(self) -> None:
        """Ask for new keys when it is time."""
        try:
            self._renewal.tick(_now_ms())
        except (OSError, BadKeys) as error:      # Flash refuses: the keys in use go on.
            _log.warning("no new keys for now: %s", error)

    def heard(self, message: bytes) -> None:
        """Take the answer, put its keys in force, and forget those before."""
        opening = self._renewal.opening
        if opening is None:
            _log.info("an answer to an opening came twice, or unasked")
            return
        try:
            renewed = opening.opened(message)
        except WireError as error:
            _log.warning("what came is no answer to our opening: %s", error)
            return
        try:
            counter = None if renewed.keys is None else Counter(
                self._flash, renewed.keys.key_id, first_start(os.urandom(CHANCE_BYTES)))
            claiming.keep_renewed(self._folder, renewed)
        except (OSError, BadKeys, CounterDoubtful) as error:
            _log.warning("new keys came and cannot be kept, those in use go on: %s", error)
            return
        self._renewal.answered(_now_ms(), is_done=renewed.keys is not None)
        if renewed.keys is not None and counter is not None:
            self._rekey(renewed.keys, counter)
            _log.info("keys of epoch %d are in force", renewed.keys.epoch)

    def _begin(self) -> Opening:
        return begin_epoch(self._folder, self._identity)


class Keyed(Protocol):
    """Whoever opens what comes down with the keys of an epoch."""

    def rekey(self, keys: Keys) -> None:
        """Take what is sealed with these, too."""


def renewing_of(
        folder: Path, flash: Flash, broker: Broker, agent: Agent,
        others: Sequence[Keyed | None], epoch_s: int) -> Renewing | None:
    """For one that knows a trust document; None for any other. `broker` is delivery's connection.
    Raises BadKeys."""
    if not claiming.is_granted(folder):
        return None

    def rekey(keys: Keys, counter: Counter) -> None:
        agent.rekey(keys, counter)
        for other in others:
            if other is not None:
                other.rekey(keys)

    renewing = Renewing(folder, flash, broker, rekey, epoch_s)
    agent.listen(ENROL, renewing.heard)
    return renewing


def _now_ms() -> int:
    return int(time.monotonic() * 1000)


def _wait_ms(folder: Path, epoch_s: int) -> int:
    """Until the keys in the folder are as old as they may get, by the clock of their file.

    A clock that is wrong brings new keys too early, or after one whole epoch: never never. Give or
    take a minute, so that a fleet that lost its power together does not ask together.
    """
    age_s = time.time() - (folder / claiming.CONCENTRATOR).stat().st_mtime
    left_s = min(max(epoch_s - age_s, 0), epoch_s) if age_s >= 0 else 0
    first_s = min(FIRST_S, epoch_s)
    return int(max(left_s, first_s) * 1000) + SystemDice().below(first_s * 1000)
