"""Whether this station has the network's key, and how it gets it: it was provisioned, or it joins.

One that was invited joins through a neighbour, and once more when it has had no way to a gateway
for long: its key may be of an epoch that is over. Left out: how one joins (mesh/joiner.py), who is
admitted (carry/door.py).
"""

import os
import time
from pathlib import Path

from wum_edge.carry.door import Door
from wum_edge.carry.setting import GATEWAY, STANDBY, MeshSetting
from wum_edge.log import Log
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.joiner import Joiner
from wum_edge.mesh.keys import KEY_SIZE, epoch_key, network_of
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.ports.linux import mesh_keys
from wum_edge.ports.linux.keys import BadKeys
from wum_edge.ports.linux.mesh_keys import ADDRESS_MAX, MeshKeys
from wum_edge.ports.linux.mesh_seal import Seal
from wum_edge.ports.linux.mesh_station import Station
from wum_edge.ports.linux.mesh_store import MeshStore, NonceStore

ALONE_MS = 1_800_000         # Without a way for so long one who was invited joins once more ...
TRY_MS = 600_000             # ... for so long; then the key that it has is tried again.


class Membership:
    """`keys` is None until the station has joined for the first time."""

    def __init__(self, folder: Path, archive: Path, own: bytes, setting: MeshSetting,
                 log: Log, *, is_new: bool) -> None:
        """Raises BadKeys, CounterLost, OSError."""
        self._folder, self._own, self._setting, self._log = folder, own, setting, log
        self.keys, self._join = mesh_keys.read_mesh_keys(folder)
        if self.keys is None and setting.role != "station":
            raise BadKeys(f"{folder / mesh_keys.MESH} is missing: who is a gateway, or may be one, "
                          f"is none that joins: wum-firmware mesh NETWORK.mesh --admit {folder}")
        self.store = MeshStore(archive, int(time.time()), is_new)
        self._nonces = NonceStore(archive)
        self._alone_ms: int | None = None        # Since when there is no way.
        self._began_ms = 0
        self._given: MeshKeys | None = None
        self._is_written = False                 # ... and in the keys folder, or never will be.
        self.alone_ms = ALONE_MS
        self.ordered: list[int] = []             # Groups that an order put us in.

    def relay(self) -> Relay:
        """One with the keys that there are; without any, one that never says a word."""
        keys = self.keys or MeshKeys(1, 0, ADDRESS_MAX, os.urandom(KEY_SIZE))
        setting = self._setting
        guard = Guard(*_guarding(keys.epoch, keys.key), keys.address, self.store.counter,
                      self.store.windows)
        if keys.newer is not None:
            guard.take_up(*_guarding(*keys.newer))
        relay = Relay(
            Setting(keys.address, setting.role == GATEWAY, setting.ways, setting.duty_permyriad),
            guard, _now_us(), keys.address, self.store.spent_us)
        relay.groups = self.groups()
        relay.role.is_standby = setting.role == STANDBY
        relay.role.patience_us = setting.standby_after_s * 1_000_000
        return relay

    def groups(self) -> set[int]:
        """Those of the configuration, and those that an order named."""
        return set(self._setting.groups) | set(self.ordered)

    def door(self) -> Door | None:
        """Of a gateway that has a list of guests. Raises BadKeys."""
        guests = mesh_keys.read_guests(self._folder)
        if self.keys is None or self._setting.role == "station" or not guests:
            return None
        door = Door({one.concentrator: (Seal(one.key), one.address) for one in guests},
                    self.keys.epoch, self.keys.key, self._log)
        door.shut_out = self.keys.shut_out
        return door

    def tick(self, station: Station, now_ms: int, has_way: bool) -> None:
        """In the agent's thread: ask, or leave off asking, when it is time to."""
        if self._alone_ms is None:
            self._alone_ms = now_ms
        if self._given is not None:
            self._take_up(station, now_ms)
        elif station.joiner is not None:
            if self.keys is not None and now_ms - self._began_ms >= TRY_MS and station.go_on():
                self._alone_ms = now_ms
        elif self._join is None or (self.keys is not None and has_way):
            self._alone_ms = now_ms
        elif self.keys is None or now_ms - self._alone_ms >= self.alone_ms:
            self._begin(station, now_ms)

    def _begin(self, station: Station, now_ms: int) -> None:
        assert self._join is not None
        relay = station.relay
        joiner = Joiner(relay.setting, Seal(self._join.key), self._own, self._nonces.last,
                        _now_us(), int.from_bytes(os.urandom(4), "big"))
        joiner.ledger = relay.ledger     # One account for both.
        if station.join(joiner, self._nonces):
            self._began_ms = now_ms
            self._log.say("the mesh: asking a neighbour to be admitted" + (
                "" if self.keys is None else ", for there was no way for %d s: is the key of an "
                "epoch that is over?" % (self.alone_ms // 1000)))

    def joined(self, address: int, epoch: int, key: bytes) -> None:
        """The station was admitted: now, or just before it left off asking. Who is given what it
        has, has nothing to take up.
        """
        if self._join is None or self._given is not None:
            return
        given, keys = MeshKeys(self._join.network, epoch, address, key), self.keys
        if keys is not None and epoch < keys.newest:
            self._log.warn("the mesh: a gateway admits with the key of epoch %d, and that of %d is "
                           "in force: it has missed the change" % (epoch, keys.newest))
        elif keys is None or (given.epoch, given.key, given.address) != (
                *(keys.newer or (keys.epoch, keys.key)), keys.address):
            self._given, self._is_written = given, False

    def change(self, station: Station, keys: MeshKeys) -> None:
        """The head-end has changed the network's key: in the keys folder, then in force. Raises
        OSError: nothing has changed.
        """
        mesh_keys.write_mesh_keys(self._folder, keys)
        self.keys, self._given = keys, None

        def take_up(relay: Relay, _: int) -> None:
            epoch, key = keys.newer or (keys.epoch, keys.key)
            if epoch != relay.guard.epoch:
                relay.changeover.take_up(*_guarding(epoch, key))
            if keys.newer is None and relay.guard.has_two:
                relay.changeover.forget()
        station.with_relay(take_up)

    def _take_up(self, station: Station, now_ms: int) -> None:
        """Begin with what was given, once it is in the keys folder."""
        assert self._given is not None
        self._write(self._given)
        before, self.keys = self.keys, self._given
        relay = self.relay()
        relay.ledger = station.relay.ledger
        if not station.go_on(relay):
            self.keys = before
            return
        self._log.say("the mesh: admitted as station %d, epoch %d" % (
            self.keys.address, self.keys.epoch))
        self._given, self._alone_ms = None, now_ms       # The new key has its time to find a way.

    def _write(self, given: MeshKeys) -> None:
        """Once, however long the relay is in the middle of something."""
        failure = None
        try:
            if not self._is_written:
                mesh_keys.write_mesh_keys(self._folder, given)
        except OSError as error:
            failure = error
        self._is_written = True
        if failure is not None:
            self._log.warn("the mesh: admitted, and the key cannot be kept (%s): it is asked for "
                           "again after the next start" % (failure.strerror or failure))


def _guarding(epoch: int, key: bytes) -> tuple[Seal, int, int]:
    """What a guard has of an epoch."""
    return Seal(epoch_key(key, epoch)), network_of(key, epoch), epoch


def _now_us() -> int:
    return time.monotonic_ns() // 1000
