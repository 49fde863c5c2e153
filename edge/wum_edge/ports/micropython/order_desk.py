"""The desk of a board: its keys, and what it can do besides asking meters.

A board whose keys came from the workbench trusts no order key, and takes no orders. Left out: what
an order may do (wum_edge/orders).
"""

import os

from wum_edge.agent import GROUP_ORDER
from wum_edge.configuration.configure import Configure
from wum_edge.meters.able import lacks
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
from wum_edge.ports.micropython.claiming import CRYPTO
from wum_edge.ports.micropython.settings import why_not
from wum_shared import orders
from wum_shared.topics import ORDER, SESSION

METER_KINDS = (orders.READ, orders.SET_CLOCK, orders.DISCONNECT, orders.RECONNECT, orders.LIMIT,
               orders.SECONDARY)
WAITING_MAX = 4              # Orders heard and not looked at: a verification takes a while.
PIECES_MAX = 8               # Of a session, the same.


class BoardDesk:
    """One order, or one receipt, in a turn."""

    def __init__(self, settings, flash, clock, dice, log, newest_s):
        place, own = settings.config.concentrator, settings.claimed
        self._settings, self._own, self._flash, self._log = settings, own, flash, log
        self._clock = clock
        self._waiting, self._pieces = [], []
        self._desk = Desk(
            journal=Journal(flash),
            trusted=Trusted(CRYPTO.cipher, CRYPTO.verifier, settings.keys, *own.who_may()),
            signer=CRYPTO.signer, seed=own.identity().seed, clock=clock,
            freshness=Freshness(clock, os.urandom, newest_s),
            cap=Cap(place.disconnects_per_hour, 1000 * place.disconnect_delay_s), dice=dice,
            acts={}, log=log)
        self._desk.receipts_a_tick = 1

    def let_act(self, agent, tell, end, changed, join):
        """Hear orders, and say what can be done here. `tell` hands an order to its line; `end`
        starts the board anew at once, `changed` soon, with another configuration; `join` hears
        which groups of a mesh this board is in.
        """
        settings, desk = self._settings, self._desk
        groups = Groups(self._flash, desk.trusted, join)
        meters = [(one.serial, settings.models[one.model]) for one in settings.config.meters]
        places = {}
        for place, (serial, _) in enumerate(meters):
            places[serial] = place
        for kind in METER_KINDS:
            desk.acts[kind] = MeterAct(kind, places, tell, lambda take: take(),
                                       groups.meters_of,
                                       lambda place, what: lacks(meters[place][1], what))
        desk.acts[orders.GROUP] = JoinGroups(groups)
        self._sessions = Sessions(
            places, tell, lambda take: take(), desk.trusted, desk.signer, desk.seed,
            self._own.identity().key, self._clock, self._log,
            lambda place, what: lacks(meters[place][1], what))
        self._sessions.pieces_a_tick = 1
        desk.beside = self._sessions.tick
        desk.acts[orders.SESSION] = self._sessions
        agent.listen(SESSION, self._piece)
        desk.acts[orders.READ_AGAIN] = ReadAgain(agent.look_again)
        desk.acts[orders.LOGS] = FetchLog(self._log.last)
        desk.acts[orders.RESTART] = Restart(end)
        desk.acts[orders.CONFIGURE] = Configure(
            settings.kept, settings.own(), settings.protocols, why_not, changed)
        signed = self._own.first_order()
        if signed:
            desk.handed(signed)
            self._own.forget_first_order()
        agent.listen(ORDER, self._heard)
        agent.listen(GROUP_ORDER, self._heard)

    def let_change_key(self, mesh):
        """Take orders about the key of the mesh's network. Late: most boards have no mesh."""
        from wum_edge.orders.network_key import ChangeNetworkKey
        from wum_edge.ports.micropython.mesh_keyring import BoardKeyring
        self._desk.acts[orders.NETWORK_KEY] = ChangeNetworkKey(
            BoardKeyring(mesh, self._own.flash, self._log),
            self._desk.trusted)

    def let_update(self, updating, agent, mesh):
        """Take orders about updates, and what comes down for them."""
        updating.let_act(agent, self._desk)
        if mesh is not None:
            takes = updating.let_pass(mesh, self._desk)
            agent.listen(GROUP_ORDER, lambda payload: takes(payload) or self._heard(payload))

    def rekey(self, keys):
        """Take what is sealed with these, too, from whom the newest trust document names."""
        self._desk.trusted.rekey(keys, *self._own.who_may())

    def tick(self, say):
        """A piece of a session or an order that was heard, or else what is due."""
        if self._pieces:
            self._sessions.heard(self._pieces.pop(0))
        elif self._waiting:
            self._desk.heard(self._waiting.pop(0))
        else:
            self._desk.tick(say)

    def _heard(self, sealed):
        """It may come while a meter is waited for. One that finds no place is sent again."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(sealed)

    def _piece(self, sealed):
        """One that finds no place is missed, and ends its session."""
        if len(self._pieces) < PIECES_MAX:
            self._pieces.append(sealed)
