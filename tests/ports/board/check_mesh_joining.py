"""A board that was invited into a mesh, and a gateway's board that lets one in."""

from check_claiming import Cut, Memory, Said, Time, refused
from check_network_key import ALONE as LAST
from check_network_key import (
    BOTH,
    FIRST,
    SECOND,
    THIEF,
    Radio,
    Refusing,
    Setting,
    Store,
    held_of,
    own,
)

from wum_edge.carry.setting import GATEWAY
from wum_edge.mesh import joining
from wum_edge.mesh.ccm import Ccm
from wum_edge.mesh.frames import JOIN, decode_header
from wum_edge.ports.micropython import mesh_keyring
from wum_edge.ports.micropython.mesh import BoardMesh, Ecb
from wum_edge.ports.micropython.mesh_joining import ALONE_MS, NONCE, Nonces
from wum_edge.ports.micropython.mesh_keys import keys_of

GUEST, OWN_KEY = b"guest...", b"j" * 16
INVITED = own(address=0, join=OWN_KEY)


class Air(Radio):
    """What is sent is kept, and was sent at once."""

    def __init__(self):
        self.frames, self.events = [], []

    def send(self, now_us, frame, airtime_us, token, has_cad):
        self.frames.append(frame)
        self.events.append(("sent", token, airtime_us))

    def step(self, now_us):
        events, self.events = self.events, []
        return events


def invited(flash, keys=INVITED, clock=None):
    """(a station that may join, its air, its log)."""
    air, log = Air(), Said()
    mesh = BoardMesh(Setting(), keys, Store(), air, clock or Time(), log)
    mesh.let_join(GUEST, flash, flash)
    return mesh, air, log


def lived(mesh, air, clock, wanted):
    """Until `wanted` frames to join were sent."""
    for _ in range(2000):
        clock.now_ms += 50
        mesh.joining.tick(clock.now_ms, mesh.has_way())
        mesh.step()
        asked = [frame for frame in air.frames if decode_header(frame).kind == JOIN]
        if len(asked) >= wanted:
            return asked
    raise AssertionError("it asked %d times" % len(asked))


def check_a_station_that_was_invited_asks_and_says_nothing_else_until_it_is_admitted():
    flash, clock = Memory(), Time()
    mesh, air, log = invited(flash, clock=clock)
    asked = lived(mesh, air, clock, 2)
    assert air.frames == asked and not mesh.has_room(1)
    ring = mesh_keyring.BoardKeyring(mesh, flash, log)
    assert ring.held() is None and "asking a neighbour" in log.lines[-1]
    mesh.step()                              # What was sent last was sent.
    mesh.joining.joined(5, *FIRST)
    mesh.joining.tick(clock.now_ms, False)
    assert "admitted as station 5, epoch 3" in log.lines[-1] and mesh.joiner is None
    assert mesh.address == mesh.relay.setting.address == 5 and mesh.relay.guard.epoch == 3
    assert ring.held() == held_of(FIRST) and mesh.has_room(1)
    # So it is after the next start, and when an order has changed the key.
    found = mesh_keyring.in_force(INVITED, Memory(flash.files))[0]
    assert found == own(FIRST, address=5, join=OWN_KEY)
    ring.keep(BOTH)
    found = mesh_keyring.in_force(INVITED, Memory(flash.files))[0]
    assert found == own(FIRST, SECOND, address=5, join=OWN_KEY)


def check_no_number_of_a_request_comes_twice_and_none_is_sent_before_flash_has_it():
    flash, clock = Memory(), Time()
    lived(*invited(flash, clock=clock)[:2], clock, 3)
    last = Nonces(flash).last
    mesh, air, _ = invited(Memory(flash.files), clock=clock)
    lived(mesh, air, clock, 1)
    assert Nonces(Memory(flash.files)).last == last and mesh.joiner._nonce == last + 1 & 0xFFFFFFFF
    mesh, air, log = invited(Refusing(flash.files), clock=clock)
    refused(AssertionError, lambda: lived(mesh, air, clock, 1))
    assert not air.frames and "flash does not take the number" in log.lines[-1]
    assert NONCE in flash.files


def check_one_without_a_way_for_long_asks_again_and_keeps_what_it_has():
    clock = Time()
    mesh, air, log = invited(Memory(), own(SECOND, address=5, join=OWN_KEY), clock)
    mesh.joining.tick(clock.now_ms, False)
    clock.now_ms += ALONE_MS - 1
    mesh.joining.tick(clock.now_ms, False)
    assert mesh.joiner is None
    clock.now_ms += 1
    mesh.joining.tick(clock.now_ms, False)
    assert mesh.joiner is not None and "for there was no way for 1800 s" in log.lines[-1]
    mesh.joining.joined(5, *FIRST)           # Of an epoch that is over.
    assert "it has missed the change" in log.lines[-1] and mesh.own.keys == (SECOND,)


def check_a_power_cut_while_it_joins_leaves_it_outside_or_inside():
    for cut in range(2):
        flash, clock = Memory(), Time()
        mesh, _, _ = invited(flash, clock=clock)
        mesh.joining.joined(5, *FIRST)
        flash._left = cut
        if cut:
            mesh.joining.tick(clock.now_ms, False)
        else:
            refused(Cut, lambda mesh=mesh, clock=clock: mesh.joining.tick(clock.now_ms, False))
        found = mesh_keyring.in_force(INVITED, Memory(flash.files))[0]
        assert found == (own(FIRST, address=5, join=OWN_KEY) if cut else INVITED)


def check_a_gateway_lets_in_who_was_invited_and_not_whom_the_head_end_shut_out():
    class Gate(Setting):
        role = GATEWAY
    flash, log = Memory(), Said()
    keys = keys_of({"network": 9, "epoch": 3, "address": 1, "key": "61" * 16, "guests": [
        {"concentrator": GUEST.hex(), "address": 5, "key": OWN_KEY.hex()},
        {"concentrator": THIEF.hex(), "address": 6, "key": OWN_KEY.hex()}]})
    mesh = BoardMesh(Gate(), keys, Store(), Air(), Time(), log)
    mesh.let_join(b"gateway.", flash, flash)
    seal = Ccm(Ecb(OWN_KEY))

    def admitted(who, key=seal):
        found = mesh.door.answer(joining.request(key, who, 77, 0xC001))
        return found and joining.decode_admission(key, who, 77, found[1])
    assert tuple(admitted(GUEST)) == (5, 3, FIRST[1]) and tuple(admitted(THIEF))[0] == 6
    assert admitted(b"nobody..") is None and admitted(GUEST, Ccm(Ecb(b"x" * 16))) is None
    mesh_keyring.BoardKeyring(mesh, flash, log).keep(LAST)
    assert tuple(admitted(GUEST)) == (5, 7, SECOND[1]) and admitted(THIEF) is None
    found = mesh_keyring.in_force(keys, Memory(flash.files))[0]
    assert found.shut_out == (THIEF,) and found.keys == (SECOND,)
