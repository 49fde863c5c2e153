"""A board's station of the mesh: the relay, its radio, and what is carried through it.

Everything is in one task; `step` is called as often as can be, also while a meter is waited for.
At a station it is delivery's connection, at a gateway it carries for others. Left out: joining (a
board's first keys are provisioned), standby, UDP.
"""

import cryptolib

from wum_edge.carry.carriage import Carriage
from wum_edge.carry.mesh_broker import Mesh, MeshBroker
from wum_edge.carry.reporting import Reporting, report_of
from wum_edge.carry.setting import GATEWAY
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.ccm import Aes, Ccm
from wum_edge.mesh.guard import Guard, Seal
from wum_edge.mesh.keys import epoch_key, network_of
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.ports.micropython.mesh_groups import HEARD, MeshGroups
from wum_shared.mesh import encode_mesh_report
from wum_shared.status import NEVER_SET, SYNCHRONISED
from wum_shared.topics import MESH

TIME_EVERY_MS = 60000        # A gateway tells the network's time so often.
AWAY_MS = 120000             # A gateway without its broker for so long is none to the mesh.
REFUSED_US = 1000000         # Until the relay hears that flash refuses its counters.
_ECB = 1


class Ecb(Aes):
    """AES with one key, by the board's own cryptolib."""

    def __init__(self, key):
        self._block = cryptolib.aes(key, _ECB)

    def blocks(self, plain):
        """See Aes."""
        return self._block.encrypt(plain)


class BoardMesh(Mesh):
    """`through` is delivery's connection at a station, `carriage` there for others at a gateway."""

    def __init__(self, setting, keys, store, radio, clock, log):
        self.setting = setting
        self.network, epoch, self.address, key, newer = keys
        self.radio = radio
        self._store, self._clock, self._log = store, clock, log
        self._last_us = 0
        self.relay = Relay(
            Setting(self.address, setting.role == GATEWAY, setting.ways, setting.duty_permyriad),
            Guard(*_guarding(epoch, key), self.address, store.counter, store.windows),
            self.now_us(), self.address, store.spent_us)
        if newer is not None:
            self.relay.guard.take_up(*_guarding(newer[0], newer[1]))
        self.relay.groups = set(setting.groups)
        extra_us = radio.frame_extra_us()
        self.relay.frame_us = [us + extra_us for us in self.relay.frame_us]
        self.through = self.carriage = self._uplink = None
        self._owed = None            # What the store has not taken yet.
        self._has_told = False
        self._sent = []              # (when, token, airtime) of frames that no radio reports.
        self._told = []
        self._time_ms = 0
        self._away_ms = None
        self._serves = True
        self._reporting = Reporting(setting.report_s * 1000, clock.monotonic_ms())
        self.groups = None

    def take_orders(self, carry_out):
        """What is flooded to us goes to `carry_out`, see MeshGroups."""
        self.groups = MeshGroups(self, self._clock, carry_out, self._log)

    def join_up(self, own, hear, uplink):
        """At a station `hear` takes (stream, sealed); at a gateway `uplink` is the connection by
        which what others send goes on."""
        if self.setting.role == GATEWAY:
            self._uplink = uplink
            self.carriage = Carriage(own, uplink, self, self._log)
        else:
            self.through = MeshBroker(self, self._log, hear)

    def now_us(self):
        """Of a clock that runs forward and never shows the same twice."""
        self._last_us = max(self._clock.monotonic_ms() * 1000, self._last_us + 1)
        return self._last_us

    def step(self):
        """Let the relay hear, and do what it says. Returns soon."""
        relay = self.relay
        while self._sent and self._sent[0][0] <= self.now_us():
            _, token, took_us = self._sent.pop(0)
            relay.on_tx_done(self.now_us(), token, took_us)
            self._carry_out()
        for event in self.radio.step(self.now_us()):
            if event[0] == "rx":
                relay.on_rx(self.now_us(), event[1], event[2], event[3], 0)
            else:
                relay.on_tx_done(self.now_us(), event[1], event[2])
            self._carry_out()
        due_us = relay.next_deadline()
        now_us = self.now_us()
        if due_us is not None and now_us >= due_us:
            relay.on_tick(now_us)
        self._carry_out()

    def tick(self, agent):
        """What is none of the radio's: carry, serve, tell the time and where we stand."""
        now_ms = self._clock.monotonic_ms()
        told, self._told = self._told, []
        for action in told:
            self._take(action, now_ms)
        if self.carriage is not None:
            self.carriage.tick(now_ms)
            self._serve_while_connected(now_ms)
        self._tell_time(now_ms)
        self.groups.tick(agent.say, now_ms)
        if self._reporting.is_due(self.relay, now_ms):
            report = report_of(self.relay, self.network, self.now_us(), self._clock.now_s(),
                               self.setting.report_s)
            if agent.say(MESH, encode_mesh_report(report)):
                self._reporting.sent(now_ms)

    def has_way(self):
        """Whether a gateway can be reached."""
        return self.relay.gradient.is_gateway or self.relay.gradient.has_parents

    # What carry/ wants of a station: see Mesh.

    def has_room(self, pieces):
        return self.relay.custody.has_room(pieces)

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

    def change(self, keys):
        """These of the network from now on, (epoch, key) of one epoch or of two, the older first.
        """
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
        elif kind in HEARD:
            self.groups.take(action, now_ms)

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
        for action in self.relay.actions():
            kind = action[0]
            if kind == "tx":
                self._send(action)
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
        if not self._store_owed():
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
