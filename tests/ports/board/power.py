"""Runs on the board until power goes: the archive is filled and acknowledged, counters are taken,
those of the mesh too, configurations come, and keys of the mesh's network.

Every line that is printed is on record outside the flash: what it promises must hold in the next
start, which prints its own.
"""

import os

from wum_edge.archive.ring import Archive, Stamp
from wum_edge.configuration.kept import Kept
from wum_edge.ports.micropython import mesh_keyring
from wum_edge.ports.micropython.dlms_counters import FlashCounters
from wum_edge.ports.micropython.flash import BoardFlash
from wum_edge.ports.micropython.mesh_keys import MeshKeys
from wum_edge.ports.micropython.mesh_store import MeshStore
from wum_edge.uplink.counter import CHANCE_BYTES, Counter, first_start
from wum_shared.configuration import Configuration
from wum_shared.rows import Row

KEY_ID = bytes(range(10))
ROUNDS = 3
AT_S = 1795316400
BLOCK = 1024                 # Counters that a relay reserves at once.


def run():
    """One life of the board."""
    flash = BoardFlash("/flash/archive")
    counters = FlashCounters(flash)
    archive = Archive(flash, 1 << 20, os.urandom(8))
    print("found", archive.next_sequence - 1, archive.cursor)
    kept = Kept(flash)
    number = 0 if kept.current is None else kept.current.number
    print("configured", number, number == 0 or kept.current.parts == parts(number))
    mesh = MeshStore(flash, AT_S)
    secrets = BoardFlash("/flash/keys")
    epoch = keyed(secrets)
    counter = Counter(flash, KEY_ID, first_start(os.urandom(CHANCE_BYTES)))
    schema_id = archive.keep_schema(b"a schema")
    for turn in range(ROUNDS):
        print("nonce", counter.take())
        first = counters.reserve("meter", 5, 0)
        print("dlms", first)
        first = mesh.counter
        mesh.keep(first + BLOCK, 0)
        print("mesh", first)
        kept.keep(Configuration(number + 1, parts(number + 1)))
        number += 1
        mesh_keyring.keep(secrets, held(key_of(epoch), key_of(epoch + 1)))
        epoch = keyed(secrets)
        print("configured", number, True)
        at_s = AT_S + 60 * archive.next_sequence
        archive.append([Row(0, turn, 0, at_s, 0, (1, 2), (0, 0))], schema_id, Stamp(at_s, 0))
        print("kept", archive.next_sequence - 1)
        archive.acknowledge(archive.next_sequence - 1)
        archive.keep_cursor()
        print("cursor", archive.cursor)
    print("lived")


def key_of(epoch):
    """An epoch and its key."""
    return epoch, bytes([epoch]) * 16


def keyed(flash):
    """The newest epoch of which there is a key."""
    found, why = mesh_keyring.in_force(held(key_of(0)), flash)
    epoch = found.keys[-1][0]
    print("keyed", epoch, not why and found.keys == tuple(
        [key_of(one[0]) for one in found.keys]))
    return epoch


def held(*keys):
    """What a gateway that lets others in has of them."""
    return MeshKeys(9, keys, 2, None, {}, (b"thief...",) if len(keys) > 1 else ())


def parts(number):
    """What configuration of that number says."""
    return {"schedule": {"period_s": 60 * number, "offset_s": 0},
            "line": [{"name": "a", "port": "uart:1", "baud": 9600 + number}]}
