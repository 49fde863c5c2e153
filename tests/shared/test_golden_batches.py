"""Batches as they were once written, in tests/vectors/batch: they open for ever, in every version.

These files are never written again. A change that cannot read them is a new version.
"""

import binascii

from tests.portable import ON_MICROPYTHON
from tests.shared.examples import BATCH, INCARNATION, SCHEMA, SCHEMA_ID
from tests.shared.test_single import SCHEMA as SINGLE_SCHEMA
from tests.shared.test_single import batch_of as single_batch_of
from tests.shared.test_single import day
from wum_shared.bases import Base, heads_after
from wum_shared.batch import (
    Batch,
    Missed,
    Row,
    decode_batch,
    encode_batch,
    encode_batch_0,
    peek_base,
)
from wum_shared.ids import batch_digest
from wum_shared.order import in_order
from wum_shared.status import ABSENT, LATE, SILENT

FOLDER = "/tests/vectors/batch/" if ON_MICROPYTHON else __file__[:-len(
    "shared/test_golden_batches.py")] + "vectors/batch/"


def golden(name):
    with open(FOLDER + name + ".hex") as file:
        return binascii.unhexlify(file.read().strip())


def batch_of(rows):
    return Batch(INCARNATION, 1, len(rows), SCHEMA_ID, rows, (), (), ())


DAY = batch_of(tuple([
    Row(n + 1, n % 3, 0, 1760000000 + 900 * (n // 3) + n % 3, 0,
        (1000 + 7 * n * (n % 3), 2300 + n * n % 17), (0, LATE if n % 29 == 0 else 0))
    for n in range(96)]))
EDGES = batch_of((
    Row(1, 0, 0, 0, 0, (2**62 - 1, -2**62), (65534, 65534)),
    Row(2, 0, 0, 2**32 - 1, 0, (-2**62, 2**62 - 1), (0, 0)),
    Row(3, 1, 0, 9, 2, (None, 1), (ABSENT, 0))))

# Built on the day: a meter twice, one with an absent value, one of a set the day has not.
LATER = Batch(INCARNATION, 97, 100, SCHEMA_ID, (
    Row(97, 0, 0, 1760030000, 0, (1001, 2200), (0, 0)),
    Row(98, 1, 0, 1760030001, 0, (None, 2301), (ABSENT, LATE)),
    Row(99, 2, 1, 1760030002, 0, (5000,), (0,)),
    Row(100, 0, 0, 1760030900, 0, (1007, 2190), (0, 0))), (), (), ())


# One meter for a day: a power by its product, an hour that was missed, an absent value, a flag.
ALONE = single_batch_of(day()[:7] + (
    Row(9, 0, 0, 1760029200, 0, (72900, None, 377, 801, 960), (0, ABSENT, LATE, 0, 0)),
    ) + day()[9:], missed=(Missed(8, 0, 0, 1760025600, 0, SILENT, ""),))


def test_one_meters_day_that_was_written_once_opens_for_ever():
    alone = golden("alone-1")
    assert decode_batch(alone, SINGLE_SCHEMA) == ALONE
    assert encode_batch(ALONE, schema=SINGLE_SCHEMA) == alone


def test_a_delta_that_was_written_once_opens_for_ever_by_its_base():
    day = golden("day-1")
    heads = heads_after(None, decode_batch(day, SCHEMA).rows)
    delta = golden("later-1")
    assert peek_base(delta) == Base(96, batch_digest(day)) and peek_base(day) is None
    assert in_order(decode_batch(delta, SCHEMA, heads).rows, tuple) == list(LATER.rows)
    assert encode_batch(LATER, peek_base(delta), heads) == delta


def test_what_was_written_once_opens_for_ever():
    for name, batch in (("example", BATCH), ("day", DAY), ("edges", EDGES)):
        for version in ("-0", "-1"):
            again = decode_batch(golden(name + version), SCHEMA)
            assert in_order(again.rows, tuple) == list(batch.rows), name + version
            assert again[:4] + again[5:] == batch[:4] + batch[5:], name + version


def test_the_writers_still_write_the_same_bytes():
    for name, batch in (("example", BATCH), ("day", DAY), ("edges", EDGES)):
        assert encode_batch(batch) == golden(name + "-1"), name
        assert encode_batch_0(batch) == golden(name + "-0"), name
