"""Runs on the board until power goes: the archive is filled and acknowledged, counters are taken.

Every line that is printed is on record outside the flash: what it promises must hold in the next
start, which prints its own.
"""

import os

from wum_edge.archive.ring import Archive, Stamp
from wum_edge.ports.micropython.dlms_counters import FlashCounters
from wum_edge.ports.micropython.flash import BoardFlash
from wum_edge.uplink.counter import CHANCE_BYTES, Counter, first_start
from wum_shared.batch import Row

KEY_ID = bytes(range(10))
ROUNDS = 3


def run():
    """One life of the board."""
    flash = BoardFlash("/flash/archive")
    counters = FlashCounters(flash)
    archive = Archive(flash, 1 << 20, os.urandom(8))
    print("found", archive.next_sequence - 1, archive.cursor)
    counter = Counter(flash, KEY_ID, first_start(os.urandom(CHANCE_BYTES)))
    schema_id = archive.keep_schema(b"a schema")
    for number in range(ROUNDS):
        print("nonce", counter.take())
        first = counters.reserve("meter", 5, 0)
        print("dlms", first)
        at_s = 1795316400 + 60 * archive.next_sequence
        archive.append([Row(0, number, 0, at_s, 0, (1, 2), (0, 0))], schema_id, Stamp(at_s, 0))
        print("kept", archive.next_sequence - 1)
        archive.acknowledge(archive.next_sequence - 1)
        archive.keep_cursor()
        print("cursor", archive.cursor)
    print("lived")
