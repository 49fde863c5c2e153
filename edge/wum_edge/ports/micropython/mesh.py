"""A board's station of the mesh: the relay, its radio, and what is carried through it.

Everything is in one task; `step` is called as often as can be, also while a meter is waited for.
At a station it is delivery's connection, at a gateway it carries for others; on standby it is the
one or the other. Left out: how one that was invited joins (mesh_joining.py), UDP.
"""

import os

import cryptolib

from wum_edge.carry.carriage import Carriage
from wum_edge.carry.mesh_broker import Mesh, MeshBroker
from wum_edge.carry.reporting import Reporting, report_of
from wum_edge.carry.setting import GATEWAY, STANDBY, STATION
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.ccm import Aes, Ccm
from wum_edge.mesh.frames import JOIN, decode_header
from wum_edge.mesh.guard import Guard, Seal
from wum_edge.mesh.keys import KEY_SIZE, epoch_key, network_of
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.ports.micropython.mesh_groups import HEARD, MeshGroups
from wum_shared.mesh import encode_mesh_report
from wum_shared.status import NEVER_SET, SYNCHRONISED
from wum_shared.topics import MESH

TIME_EVERY_MS = 60000        # A gateway tells the network's time so often.
AWAY_MS = 120000             # A gateway without its broker for so long is none to the mesh.
REFUSED_US = 1000000         # Until the relay hears that flash refuses its counters.
_NOBODY = 0xFDFF             # The address of one that has none: nobody hears it say a word.
_PARTIAL_MAX = 256           # Objects of which a gateway holds a part: some 100 kB at most.
_ECB = 1
_OF_PAGES = ("page", "read page", "spoilt")


class Ecb(Aes):
    """AES with one key, by the board's own cryptolib."""

    def __init__(self, key):
        self._block = cryptolib.aes(key, _ECB)

    def blocks(self, plain):
        """See Aes."""
        return self._block.encrypt(plain)


class BoardMesh(Mesh):
    """`connection` is delivery's: `through` the mesh at a station, the uplink at a gateway, either
    on standby. `carriage` is there for others where there is an uplink.
    """

    def __init__(self, setting, own, store, radio, clock, log):
        """`own` is MeshKeys."""
        self.setting, self.own = setting, own
        self.radio = radio
        self._store, self._clock, self._log = store, clock, log
        self._last_us = 0
        self.relay = self._relay()
        self.relay.groups = set(setting.groups)
        self.joiner = self.joining = self.door = None
        self.through = self.carriage = self.standby = self.connection = self._uplink = None
        self._owed = None            # What the store has not taken yet.
        self._has_told = False
        self._sent = []              # (when, token, airtime) of frames that no radio reports.
        self._told = []
        self._time_ms = 0
        self._away_ms = None
        self._serves = True
        self._reporting = Reporting(setting.report_s * 1000, clock.monotonic_ms())
        self.groups = None
        self.pages = None            # Who hears of pages of an update: see UpdateMesh.

    def _relay(self):
        """One with the keys that there are; without any, one that never says a word."""
        own, setting, store = self.own, self.setting, self._store
        (epoch, key), *newer = own.keys or ((0, os.urandom(KEY_SIZE)),)
        relay = Relay(
            Setting(own.address or _NOBODY, setting.role == GATEWAY, setting.ways,
                    setting.duty_permyriad),
            Guard(*_guarding(epoch, key), own.address or _NOBODY, store.counter, store.windows),
            self.now_us(), own.address or _NOBODY, store.spent_us)
        for one in newer:
            relay.guard.take_up(*_guarding(one[0], one[1]))
        relay.role.is_standby = setting.role == STANDBY
        relay.role.patience_us = setting.standby_after_s * 1000000
        relay.gathering.partial_max = _PARTIAL_MAX
        extra_us = self.radio.frame_extra_us()
        relay.frame_us = [us + extra_us for us in relay.frame_us]
        return relay

    def begin_anew(self, own):
        """It has joined: another relay, with these keys, in the place of whoever asked."""
        before, self.own, self.joiner = self.relay, own, None
        self.relay = self._relay()
        self.relay.groups, self.relay.ledger = before.groups, before.ledger

    def let_join(self, concentrator, flash, keys):
        """Join where it was invited, or let others in. Late: most are admitted on the workbench.
        `flash` is the archive's, `keys` that of the board's own keys.
        """
        if self.own.join is None and not self.own.guests:
            return
        from wum_edge.ports.micropython import mesh_joining
        if self.own.join is not None:
            self.joining = mesh_joining.Joining(
                self, concentrator, flash, keys, _sealing, self._log)
        if self.setting.role != STATION:
            self.door = mesh_joining.door_of(self.own, _sealing, self._log)

    @property
    def network(self):
        """Its number."""
        return self.own.network

    @property
    def address(self):
        """Its own; 0 before it has joined."""
        return self.own.address

    def take_orders(self, carry_out):
        """What is flooded to us goes to `carry_out`, see MeshGroups."""
        self.groups = MeshGroups(self, self._clock, carry_out, self._log)

    def join_up(self, own, hear, uplink):
        """`hear` takes (stream, sealed) of what comes through the mesh; `uplink` is the connection
        by which what others send goes on, None at a station."""
        through = MeshBroker(self, self._log, hear)
        if self.setting.role != GATEWAY:
            self.connection = self.through = through
        if self.setting.role != STATION:
            self._uplink = uplink
            self.carriage = Carriage(own, uplink, self, self._log)
            self.connection = self.connection or uplink
        if self.setting.role == STANDBY:
            from wum_edge.carry.standby import Either, Standby  # Late: few are on standby.
            uplink.close()
            self.connection = Either(through, uplink)
            self.standby = Standby(
                self, uplink, self.connection, self._log)    # type: ignore - It has Place's form.

    def now_us(self):
        """Of a clock that runs forward and never shows the same twice."""
        self._last_us = max(self._clock.monotonic_ms() * 1000, self._last_us + 1)
        return self._last_us

    def step(self):
        """Let the relay hear, and do what it says. Returns soon."""
        core = self.joiner or self.relay
        while self._sent and self._sent[0][0] <= self.now_us():
            _, token, took_us = self._sent.pop(0)
            core.on_tx_done(self.now_us(), token, took_us)
            self._carry_out()
        for event in self.radio.step(self.now_us()):
            if event[0] == "rx":
                core.on_rx(self.now_us(), event[1], event[2], event[3], 0)
            else:
                core.on_tx_done(self.now_us(), event[1], event[2])
            self._carry_out()
        due_us = core.next_deadline()
        now_us = self.now_us()
        if due_us is not None and now_us >= due_us:
            core.on_tick(now_us)
        self._carry_out()

    def tick(self, agent):
        """What is none of the radio's: carry, serve, tell the time and where we stand."""
        now_ms = self._clock.monotonic_ms()
        told, self._told = self._told, []
        for action in told:
            self._take(action, now_ms)
        if self.joining is not None:
            self.joining.tick(now_ms, self.has_way())
        if self.carriage is not None:
            self.carriage.tick(now_ms)
            if self.standby is None:
                self._serve_while_connected(now_ms)
            else:
                self.standby.tick(now_ms)
                if not self._uplink.session() and not self.standby.is_gateway:
                    self.carriage.abandon()
        self._tell_time(now_ms)
        self.groups.tick(agent.say, now_ms)
        if self.own.keys and self._reporting.is_due(self.relay, now_ms):
            report = report_of(self.relay, self.network, self.now_us(), self._clock.now_s(),
                               self.setting.report_s)
            if agent.say(MESH, encode_mesh_report(report)):
                self._reporting.sent(now_ms)

    def has_way(self):
        """Whether a gateway can be reached."""
        return self.relay.gradient.is_gateway or self.relay.gradient.has_parents

    # What carry/ wants of a station: see Mesh.

    def has_room(self, pieces):
        # Without an address, or with a new one soon, nothing can be said to be ours.
        return bool(self.own.keys) and self.joiner is None and self.relay.custody.has_room(pieces)

    def submit(self, content, priority):
        return self.relay.submit(self.now_us(), content, priority)

    def resubmit(self, number, content, here, priority):
        self.relay.resubmit(self.now_us(), number, content, here, priority)

    def withdraw(self, number):
        self.relay.withdraw(self.now_us(), number)

    def send_down(self, address, content):
        return self.relay.send_down(self.now_us(), address, content) is not None

    def let_in(self, is_open):
        self.relay.is_open = is_open

    # What a standby wants of it: see standby.Place.

    def serve(self, is_gateway):
        self.relay.serve(self.now_us(), is_gateway)

    def stand_by(self, is_standby):
        self.relay.role.is_standby = is_standby

    def change(self, own):
        """These from now on, as an order has said."""
        self.own, keys = own, own.keys
        if self.joining is not None:
            self.joining.changed()
        if self.door is not None:        # The older of two: whoever is let in is understood by all.
            self.door.give(keys[0][0], keys[0][1])
            self.door.shut_out = own.shut_out
        epoch, key = keys[-1]
        if epoch != self.relay.guard.epoch:
            self.relay.changeover.take_up(*_guarding(epoch, key))
        if len(keys) == 1 and self.relay.guard.has_two:
            self.relay.changeover.forget()

    # Inside.

    def _take(self, action, now_ms):
        kind = action[0]
        if kind == "deliver" and self.carriage is not None:
            if action[1] != self.address:            # Delivery sends our own by the uplink.
                self.carriage.delivered(action[1], action[3], now_ms)
        elif self.through is not None and kind == "receive":
            self.through.receive(action[3])
        elif self.through is not None and kind == "want":
            self.through.want(action[1], action[2])
        elif self.through is not None and kind in ("done", "again"):
            self.through.done(action[1])
        elif self.door is not None and kind == "join":
            found = self.door.answer(action[2])
            if found is not None:
                self.relay.admit(self.now_us(), action[1], found[0], found[1])
        elif self.joining is not None and kind == "joined":
            self.joining.joined(action[1], action[2], action[3])
        elif self.standby is not None and kind == "serving":
            self._time_ms = 0
            self.standby.serving(now_ms)
        elif self.standby is not None and kind == "resting":
            self.standby.resting(now_ms)
        elif kind in HEARD:
            self.groups.take(action, now_ms)
        elif kind in _OF_PAGES and self.pages is not None:
            self.pages(action)

    def _serve_while_connected(self, now_ms):
        """Be a gateway to the mesh only while the head-end can be reached: others may reach it."""
        if self._uplink.session():
            self._away_ms = None
        elif self._away_ms is None:
            self._away_ms = now_ms
        serves = self._away_ms is None or now_ms - self._away_ms < AWAY_MS
        if serves != self._serves:
            self._serves = serves
            self.relay.serve(self.now_us(), serves)
            self._log.say("the mesh: " + (
                "a gateway again" if serves else "no gateway any more, for the broker is away"))

    def _tell_time(self, now_ms):
        """From a gateway whose clock is good to the mesh, and from the mesh to our clock."""
        if now_ms < self._time_ms:
            return
        quality = self._clock.quality()
        if self.relay.gradient.is_gateway:
            if quality != NEVER_SET:
                self._time_ms = now_ms + TIME_EVERY_MS
                self.relay.set_time(self.now_us(), self._clock.utc_ms() * 1000)
        elif quality != SYNCHRONISED and self.relay.clock.is_known:
            self._time_ms = now_ms + TIME_EVERY_MS
            self._clock.heard(self.relay.clock.time_us(self.now_us()) // 1000)

    def _carry_out(self):
        for action in (self.joiner or self.relay).actions():
            kind = action[0]
            if kind == "tx":
                self._send(action)
            elif kind == "nonce":
                self.joining.keep_nonce(action[1])
            elif kind == "reserve":
                self._owed = (action[1], action[2])
                self._store_owed()
            elif kind == "keep":
                try:
                    self._store.keep_windows(action[1])
                except OSError as error:             # Kept the next time.
                    self._tell_refusal(error)
            elif kind not in ("wire", "listen"):     # There is one way, and it is always heard.
                self._told.append(action)

    def _send(self, action):
        _, token, frame, rate, _, has_cad = action
        if not self._store_owed() or self.joining is not None and not self.joining.may_ask and (
                decode_header(frame).kind == JOIN):
            self._sent.append((self.now_us() + REFUSED_US, token, 0))
        elif rate == self.relay.setting.wire:
            self._sent.append((self.now_us(), token, 1))
        else:
            self.radio.send(self.now_us(), frame, airtime_us(self.setting.way, len(frame)), token,
                             has_cad)

    def _store_owed(self):
        """Whether the store holds all that must be there before anything is sent."""
        if self._owed is None:
            return True
        try:
            self._store.keep(self._owed[0], self._owed[1])
        except OSError as error:
            self._tell_refusal(error)
            return False
        self._owed, self._has_told = None, False
        return True

    def _tell_refusal(self, error):
        if not self._has_told:
            self._has_told = True
            self._log.warn("nothing is sent into the mesh: flash does not take its counters (%s). "
                           "What comes is heard and kept" % error)


def _guarding(epoch, key):
    """What a guard has of an epoch."""
    return _sealing(epoch_key(key, epoch)), network_of(key, epoch), epoch


def _sealing(key) -> "Seal":
    return Ccm(Ecb(key))                             # type: ignore - It has Seal's form.
