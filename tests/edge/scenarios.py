"""Short lives of an archive, to be cut anywhere."""

from tests.edge.records import archive_on, event, mixed, row


def wide(number):
    """A row that fills an eighth of a piece, so that few of them fill a segment."""
    return row(number, registers=120)


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


def long_append(flash, model):
    """An append of several pieces, the last of which is short."""
    archive = archive_on(flash)
    model.append(archive, [wide(n) for n in range(35)])


def rolling(flash, model):
    """Enough to begin new segments and to give up acknowledged ones."""
    archive = archive_on(flash, limit_bytes=32 * 1024)
    for start in range(0, 150, 30):
        model.append(archive, [wide(n) for n in range(start, start + 30)])
        model.acknowledge(archive, start + 20)
    assert "segment-00000001" not in flash.names()


def overflowing(flash, model):
    """Nobody acknowledges, and the store fills up."""
    archive = archive_on(flash, limit_bytes=32 * 1024)
    for start in range(0, 150, 30):
        model.append(archive, [wide(n) for n in range(start, start + 30)])
    assert model.read(archive)[1], "nothing was given up"
