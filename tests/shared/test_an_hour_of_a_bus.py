"""One hour of 64 meters with 12 registers, as a board encodes it: its time and its memory."""

import gc
import time

from tests.portable import ON_MICROPYTHON
from tests.shared.examples import INCARNATION, SCHEMA_ID
from wum_shared.batch import Batch, Row, encode_batch

# All that is allocated on the way, garbage included: this build of MicroPython frees nothing within
# a call, so a board that collects needs far less.
ALLOCATED_MAX = 1024 * 1024
BYTES_MAX = 64 * 12 * 3


def hour():
    rows = []
    for meter in range(64):
        noise = [(meter * 7919 + place * 104729) % 65521 for place in range(12)]
        values = [n * 61 for n in noise[:4]] + [2290 + n % 40 for n in noise[4:7]]
        values += [n % 700 for n in noise[7:10]] + [noise[10] % 6000 - 1500, 900 + noise[11] % 100]
        rows.append(Row(meter + 1, meter, 0, 1760000400 + meter // 11, 0, tuple(values), (0,) * 12))
    return Batch(INCARNATION, 1, 64, SCHEMA_ID, tuple(rows), (), (), ())


def test_an_hour_of_64_meters_is_encoded_within_its_memory():
    batch = hour()
    gc.collect()
    before = gc.mem_alloc() if ON_MICROPYTHON else 0
    started_s = time.time()
    encoded = encode_batch(batch)
    took_ms = int(1000 * (time.time() - started_s))
    allocated = gc.mem_alloc() - before if ON_MICROPYTHON else 0
    if ON_MICROPYTHON:
        print("an hour of 64 meters: %d bytes in %d ms, %d bytes allocated" % (
            len(encoded), took_ms, allocated))
    assert len(encoded) <= BYTES_MAX
    assert allocated <= ALLOCATED_MAX
