"""Lives of an archive, to be cut anywhere. Three of them take more than 200 steps of the disk."""

from tests.edge.records import (
    SCHEMA_ID,
    START_S,
    archive_on,
    event,
    mixed,
    row,
    schema_of,
)
from wum_edge.archive.errors import ArchiveRefused
from wum_edge.archive.ring import RETENTION_S, Stamp
from wum_shared.messages import encode_schema
from wum_shared.status import SYNCHRONISED

STEPS_LEAST = 200


def wide(number):
    """A row that fills an eighth of a piece, so that few of them fill a segment."""
    return row(number, registers=60)


def everyday(flash, model):
    """Appends of several sizes, deliveries, acknowledgements, and a restart between them."""
    archive = archive_on(flash)
    model.append(archive, [event(0)])
    model.append(archive, mixed(1, 4))
    model.read(archive)
    model.acknowledge(archive, 3)
    archive = archive_on(flash)
    model.append(archive, mixed(5, 3))
    model.read(archive)
    model.acknowledge(archive, 8)
    model.append(archive, [row(9)])


def weeks(flash, model):
    """Sixty sweeps with deliveries, late acknowledgements, restarts and a second schema."""
    archive = archive_on(flash)
    other = archive.keep_schema(encode_schema(schema_of(meters=5)))
    number = 0
    for sweep in range(60):
        model.append(archive, mixed(number, 1 + sweep % 3), other if sweep % 20 > 16 else SCHEMA_ID)
        number += 1 + sweep % 3
        if sweep % 3 == 2:
            model.read(archive)
            model.acknowledge(archive, number - sweep % 5)
        if sweep % 13 == 12:
            archive = archive_on(flash)
            archive.keep_schema(encode_schema(schema_of(meters=5)))
    assert flash.disk.steps >= STEPS_LEAST


def crowded(flash, model):
    """Every append begins a segment, so that few records fill the store; first unacknowledged."""
    model.limit_bytes = 4 * 6 * 1024
    archive = model.archive(flash)
    ids = [SCHEMA_ID, archive.keep_schema(encode_schema(schema_of(meters=5)))]
    for number in range(40):
        stamp = Stamp(START_S + number * RETENTION_S // 3, SYNCHRONISED)
        model.append(archive, [event(number, note="")], ids[number % 2], stamp)
        if number > 20 and number % 4 == 0:
            model.read(archive)
            model.acknowledge(archive, number - 1)
        if number == 36:
            archive.expire(stamp)
    assert "segment-00000001" not in flash.names() and flash.disk.steps >= STEPS_LEAST


def failing(flash, model):
    """Flash refuses now and then, and what it refused is offered again."""
    archive = archive_on(flash)
    for sweep in range(72):
        records = mixed(3 * sweep, 1 + sweep % 2)
        if sweep % 9 == 8:
            flash.fail[flash.operations + 1 + sweep % 3] = 5 if sweep % 2 else 28
        try:
            model.append(archive, records)
        except ArchiveRefused:
            flash.fail.clear()
            model.append(archive, records)
        flash.fail.clear()
        if sweep % 6 == 5:
            model.read(archive)
            model.acknowledge(archive, archive.next_sequence - 2)
    assert flash.disk.steps >= STEPS_LEAST


def long_append(flash, model):
    """An append of several pieces, the last of which is short."""
    archive = archive_on(flash)
    model.append(archive, [wide(n) for n in range(35)])


def rolling(flash, model):
    """Enough to begin new segments and to give up acknowledged ones."""
    model.limit_bytes = 32 * 1024
    archive = model.archive(flash)
    for start in range(0, 150, 30):
        model.append(archive, [wide(n) for n in range(start, start + 30)])
        model.acknowledge(archive, start + 20)
    assert "segment-00000001" not in flash.names()


def overflowing(flash, model):
    """Nobody acknowledges, and the store fills up."""
    model.limit_bytes = 32 * 1024
    archive = model.archive(flash)
    for start in range(0, 150, 30):
        model.append(archive, [wide(n) for n in range(start, start + 30)])
    assert model.read(archive)[1], "nothing was given up"


# The lives of 200 steps and more, and whether they fill the store.
LIVES = ((weeks, False), (crowded, True), (failing, False))
