"""The network's key at a board: on its flash, in its frames, over a start and a power cut."""

from check_claiming import Cut, Memory, Said, Time, refused

from wum_edge.carry.setting import STATION
from wum_edge.mesh.airtime import modulation
from wum_edge.mesh.keys import network_of
from wum_edge.orders.network_key import Held
from wum_edge.ports.micropython import mesh_keyring
from wum_edge.ports.micropython.mesh import BoardMesh
from wum_edge.ports.micropython.mesh_keys import MeshKeys

FIRST, SECOND, THIRD = (3, b"a" * 16), (7, b"b" * 16), (8, b"c" * 16)
WAY = modulation(7, 125000)
THIEF = b"thief..."
BOTH, ALONE = Held(9, (FIRST, SECOND), (THIEF,)), Held(9, (SECOND,), (THIEF,))


def own(*keys, network=9, address=2, join=None, guests=None, shut_out=()):
    return MeshKeys(network, keys, address, join, guests or {}, shut_out)


GIVEN = own(FIRST)


class Setting:
    """Of a station, as far as it is asked."""

    role, ways, duty_permyriad, groups, report_s = STATION, [WAY], 100, (), 3600
    standby_after_s = 60
    way = WAY


class Store:
    """Counters that begin anew."""

    counter, windows, spent_us = 1, b"", 0

    def keep(self, counter, spent_us):
        """Nothing is kept."""

    keep_windows = keep


class Radio:
    """Nobody is there."""

    def frame_extra_us(self):
        return 0

    def step(self, now_us):
        return ()

    def send(self, *words):
        """Nobody hears it."""


def held_of(*keys):
    """Whom nobody lets in here is not kept."""
    return Held(9, keys, ())


def mesh_of(keys):
    return BoardMesh(Setting(), keys, Store(), Radio(), Time(), Said())


def keyring(flash, keys=GIVEN):
    log = Said()
    mesh = mesh_of(keys)
    return mesh_keyring.BoardKeyring(mesh, flash, log), mesh.relay.guard, log


def check_an_order_brings_a_key_beside_the_one_so_far_and_ends_that():
    flash = Memory()
    assert mesh_keyring.in_force(GIVEN, flash) == (GIVEN, "")
    ring, guard, log = keyring(flash)
    assert ring.held() == held_of(FIRST)
    ring.keep(BOTH)
    assert (guard.epoch, guard.has_two, guard.net) == (7, True, network_of(SECOND[1], 7))
    assert ring.held() == held_of(FIRST, SECOND)
    assert "epoch 7 is in force, beside that of epoch 3" in log.lines[-1]
    ring.keep(ALONE)
    assert (guard.epoch, guard.has_two) == (7, False) and ring.held() == held_of(SECOND)
    assert "b" * 16 not in str(log.lines) and "62" * 16 not in str(log.lines)


def check_a_station_that_missed_the_first_order_takes_the_last_alone():
    ring, guard, _ = keyring(Memory())
    ring.keep(held_of(THIRD))
    assert (guard.epoch, guard.has_two) == (8, False)


def check_a_start_finds_what_an_order_brought():
    flash = Memory()
    keyring(flash)[0].keep(BOTH)
    keys, why = mesh_keyring.in_force(GIVEN, flash)
    assert keys == own(FIRST, SECOND) and not why
    ring, guard, _ = keyring(flash, keys)
    assert ring.held() == held_of(FIRST, SECOND) and (guard.epoch, guard.has_two) == (7, True)
    ring.keep(ALONE)
    keys, why = mesh_keyring.in_force(GIVEN, flash)
    assert keys == own(SECOND) and not why
    assert mesh_of(keys).relay.guard.epoch == 7


def check_what_a_board_was_set_up_with_since_counts():
    flash = Memory()
    mesh_keyring.keep(flash, own(FIRST, SECOND))
    for given in (own(THIRD), own(FIRST, network=10)):
        assert mesh_keyring.in_force(given, flash) == (given, "")
    same = own(SECOND, address=5)            # The workbench took it over.
    assert mesh_keyring.in_force(same, flash)[0] == own(FIRST, SECOND, address=5)


def check_a_damaged_file_is_said_and_never_used():
    flash = Memory()
    mesh_keyring.keep(flash, own(FIRST, SECOND))
    raw = flash.files["mesh"]
    for wrong in (b"", raw[:-1], raw[:20], raw[:30] + bytes([raw[30] ^ 1]) + raw[31:], b"{}"):
        keys, why = mesh_keyring.in_force(GIVEN, Memory({"mesh": wrong}))
        assert keys == GIVEN and "keys/mesh is damaged" in why


def check_a_power_cut_leaves_the_keys_of_before_or_the_new_ones():
    steps = [GIVEN, own(FIRST, SECOND), own(SECOND)]
    for cut, held in enumerate((BOTH, ALONE)):
        flash = Memory({}, cut)
        for before in steps[1:cut + 1]:
            mesh_keyring.keep(flash, before)
        ring, guard, _ = keyring(flash, mesh_keyring.in_force(GIVEN, flash)[0])
        epochs = guard.epoch, guard.has_two
        refused(Cut, lambda ring=ring, held=held: ring.keep(held))
        assert (guard.epoch, guard.has_two) == epochs, "in force before it was durable"
        assert mesh_keyring.in_force(GIVEN, Memory(flash.files))[0] == steps[cut]
        mesh_keyring.keep(Memory(flash.files), steps[cut + 1])
        ring, guard, _ = keyring(Memory(flash.files), steps[cut])
        ring.keep(held)
        assert guard.epoch == 7


class Refusing(Memory):
    """It takes nothing."""

    def replace(self, name, data):
        raise OSError(28)


def check_flash_that_refuses_leaves_everything_as_it_is():
    ring, guard, log = keyring(Refusing())
    refused(OSError, lambda: ring.keep(BOTH))
    assert ring.held() == held_of(FIRST) and (guard.epoch, guard.has_two) == (3, False)
    assert not log.lines
