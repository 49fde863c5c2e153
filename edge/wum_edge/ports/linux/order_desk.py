"""The desk of a Linux gateway: its keys, and what it can do besides asking meters.

A concentrator whose keys came from the workbench trusts no order key, and takes no orders: it has
to be claimed (wum-edge claim, wum-edge enrol). Left out: what an order may do (wum_edge/orders).
"""

import logging
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from wum_edge.agent import GROUP_ORDER, Agent
from wum_edge.archive.flash import Flash
from wum_edge.clock import Clock
from wum_edge.config import Config
from wum_edge.log import Log
from wum_edge.meters.able import lacks
from wum_edge.meters.catalog import Model
from wum_edge.orders.act import Act
from wum_edge.orders.caps import Cap
from wum_edge.orders.desk import Desk
from wum_edge.orders.freshness import Freshness
from wum_edge.orders.groups import Groups, JoinGroups
from wum_edge.orders.journal import Journal
from wum_edge.orders.meter_acts import MeterAct
from wum_edge.orders.own_acts import FetchLog, Restart
from wum_edge.orders.read_again import ReadAgain
from wum_edge.orders.session import Sessions
from wum_edge.orders.trusted import Trusted
from wum_edge.ports.linux import claiming
from wum_edge.ports.linux.chance import SystemDice
from wum_edge.ports.linux.cipher import Cipher, Signatures
from wum_edge.ports.linux.hands import Hands
from wum_edge.ports.linux.pulse_lines import InputLines
from wum_edge.uplink.keys import Keys
from wum_shared import orders
from wum_shared.enrolment import kept_trust
from wum_shared.order_kinds import LINES_MAX
from wum_shared.topics import ORDER, SESSION

METER_KINDS = (orders.READ, orders.SET_CLOCK, orders.DISCONNECT, orders.RECONNECT, orders.LIMIT,
               orders.SECONDARY)


class Recent(logging.Handler):
    """The last lines of the log, for whoever fetches them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=LINES_MAX)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self._lines.append(self.format(record))

    def last(self, count: int) -> list[str]:
        """The last `count` lines."""
        return list(self._lines)[-count:]


def open_desk(config: Config, keys: Keys, flash: Flash, clock: Clock, log: Log,
              newest_s: int) -> Desk | None:
    """The desk, without any act yet; None for a concentrator that was not claimed.

    Raises BadKeys, OSError, WireError.
    """
    place = config.concentrator
    folder = Path(place.keys)
    if not claiming.is_granted(folder):
        log.say("no orders are taken, and keys do not change: there is no trust document among the "
                "keys (`wum-cloud register --trust-to`, or `wum-edge claim --again`)")
        return None
    return Desk(
        journal=Journal(flash),
        trusted=Trusted(Cipher(), Signatures(), keys, *_who_may(folder)),
        signer=Signatures(), seed=claiming.read_identity(folder).seed, clock=clock,
        freshness=Freshness(clock, os.urandom, newest_s),
        cap=Cap(place.disconnects_per_hour, 1000 * place.disconnect_delay_s), dice=SystemDice(),
        acts={}, log=log)


def let_configure(desk: Desk, act: Act, folder: Path) -> None:
    """Let the desk configure, and take the order that came with the grant as if it had come by the
    broker: it is carried out once, and answered. After a power cut it is offered again, and known
    by its record. One that is not taken, for a clock that was never set, the head-end sends again.
    """
    desk.acts[orders.CONFIGURE] = act
    signed = claiming.first_order(folder)
    if signed:
        desk.handed(signed)
        claiming.forget_first_order(folder)


def groups_of(desk: Desk | None, flash: Flash,
              tell: Callable[[list[int]], None]) -> Groups | None:
    """The groups that orders have put this concentrator in. Raises OSError."""
    return None if desk is None else Groups(flash, desk.trusted, tell)


class _DeskKeys:
    """Gives a desk the keys that came while it works: of the epoch, and who may order."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk, self._folder = desk, folder

    def rekey(self, keys: Keys) -> None:
        """The folder has the trust document that came with `keys`."""
        self._desk.trusted.rekey(keys, *_who_may(self._folder))


def keyed(desk: Desk | None, folder: Path) -> _DeskKeys | None:
    """For whoever renews keys (renewing.py)."""
    return None if desk is None else _DeskKeys(desk, folder)


def _who_may(folder: Path) -> tuple[tuple[bytes, ...], tuple[bytes, ...], int]:
    """Whom the kept trust document lets order; its approvers, and how many have to consent above
    the cap. Raises BadKeys, WireError.
    """
    kept = claiming.read_trusted(folder)
    found = kept_trust(kept.root_key, kept.document)
    return found.order_keys, found.approvers, found.consents


def _deaf(log: Log) -> Callable[[bytes], None]:
    """Says once that orders come which nobody takes: at the head-end they stay "sent"."""
    told: list[bytes] = []

    def heard(sealed: bytes) -> None:
        if not told:
            told.append(sealed[-16:])
            log.warn("an order came, and none is taken here without a trust document: `wum-cloud "
                     "register --trust-to` writes one for these keys, `wum-edge claim --again` "
                     "makes others")

    return heard


def let_act(desk: Desk | None, agent: Agent, meters: list[tuple[str, Model]], inputs: InputLines,
            hands: Hands, recent: Recent, groups: Groups | None, clock: Clock, log: Log) -> None:
    """Let the desk hear orders, from the head-end and from a mesh, and say what can be done here.
    `meters` are serial and model of each, in the order of the configuration.
    """
    if desk is None or groups is None:
        agent.listen(ORDER, _deaf(log))
        return
    agent.listen(ORDER, desk.heard)
    agent.listen(GROUP_ORDER, desk.heard)
    places = {serial: index for index, (serial, _) in enumerate(meters)}

    def lacking(place: int, what: str) -> str:
        return lacks(meters[place][1], what)

    for kind in METER_KINDS:
        desk.acts[kind] = MeterAct(
            kind, places, lambda order: inputs.tell[order.meter](order), hands.home,
            groups.meters_of, lacking)
    sessions = Sessions(places, lambda order: inputs.tell[order.meter](order), hands.home,
                        desk.trusted, desk.signer, desk.seed,
                        Signatures.public(desk.seed), clock, log, lacking)
    agent.listen(SESSION, sessions.heard)
    desk.beside = sessions.tick
    desk.acts[orders.SESSION] = sessions
    desk.acts[orders.READ_AGAIN] = ReadAgain(agent.look_again)
    desk.acts[orders.GROUP] = JoinGroups(groups)
    desk.acts[orders.LOGS] = FetchLog(recent.last)
    desk.acts[orders.RESTART] = Restart(hands.end_to_restart)
