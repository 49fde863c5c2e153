"""One hour of 64 meters with 12 registers, as a board encodes it: its time and its memory."""

import gc
import time

from tests.portable import ON_MICROPYTHON
from tests.shared.examples import INCARNATION, SCHEMA_ID
from wum_shared.bases import Base, heads_after
from wum_shared.batch import Batch, Row, encode_batch

# All that is allocated on the way, garbage included: this build of MicroPython frees nothing within
# a call, so a board that collects needs far less.
ALLOCATED_MAX = 1024 * 1024
BYTES_MAX = 64 * 12 * 3
HEADS_BYTES_MAX = 48 * 1024    # Garbage included. A gateway keeps two of them at most.


def hour(later=0):
    """One sweep; `later` is by how many steps every register went on."""
    rows = []
    for meter in range(64):
        step = later * (meter + 1)
        noise = [(meter * 7919 + place * 104729) % 65521 for place in range(12)]
        values = [n * 61 + step for n in noise[:4]] + [2290 + n % 40 for n in noise[4:7]]
        values += [n % 700 for n in noise[7:10]] + [noise[10] % 6000 - 1500, 900 + noise[11] % 100]
        rows.append(Row(meter + 1, meter, 0, 1760000400 + meter // 11, 0, tuple(values), (0,) * 12))
    return Batch(INCARNATION, 1, 64, SCHEMA_ID, tuple(rows), (), (), ())


def encoded_within_memory(what, batch, base=None, heads=None):
    """The batch, encoded; on MicroPython it says how long that took and what it allocated."""
    gc.collect()
    before = gc.mem_alloc() if ON_MICROPYTHON else 0
    started_s = time.time()
    encoded = encode_batch(batch, base, heads)
    took_ms = int(1000 * (time.time() - started_s))
    allocated = gc.mem_alloc() - before if ON_MICROPYTHON else 0
    if ON_MICROPYTHON:
        print("an hour of 64 meters %s: %d bytes in %d ms, %d bytes allocated" % (
            what, len(encoded), took_ms, allocated))
    assert allocated <= ALLOCATED_MAX
    return encoded


def test_an_hour_of_64_meters_is_encoded_within_its_memory():
    assert len(encoded_within_memory("in full", hour())) <= BYTES_MAX


def test_as_a_delta_it_is_smaller_and_keeps_within_the_same_memory():
    batch = hour()
    gc.collect()
    before = gc.mem_alloc() if ON_MICROPYTHON else 0
    heads = heads_after(None, batch.rows)
    gc.collect()
    allocated = gc.mem_alloc() - before if ON_MICROPYTHON else 0
    if ON_MICROPYTHON:
        print("heads of 64 meters: %d bytes allocated" % allocated)
    assert allocated <= HEADS_BYTES_MAX
    delta = encoded_within_memory("as a delta", hour(1), Base(64, bytes(16)), heads)
    assert len(delta) < len(encode_batch(hour(1)))
