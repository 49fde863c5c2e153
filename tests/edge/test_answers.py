"""Acknowledgements that are forged, foreign, torn or heard before: none moves the cursor."""

from tests.edge.headend import CONCENTRATOR, KEYS, OTHER_KEY
from tests.edge.records import OTHER_INCARNATION, archive_on, mixed
from tests.edge.test_delivery import World
from wum_edge.uplink import delivery as rules
from wum_shared.cose import key_id
from wum_shared.status import EVENT_ACK_REFUSED


def waiting():
    """A world with one batch in flight that the head-end has stored, and that batch."""
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    return world, world.head_end.batches()[0]


def is_refused(reason, **wrong):
    """One wrong acknowledgement moves nothing, is counted, and told; then the right one works."""
    world, batch = waiting()
    world.hear(world.head_end.acknowledgement(batch, **wrong))
    assert world.archive.cursor == 0 and archive_on(world.flash).cursor == 0
    assert world.delivery.progress().refused[reason] == 1 == world.refused()
    assert [kind for kind, _ in world.delivery.events] == [EVENT_ACK_REFUSED]
    world.hear(world.head_end.acknowledgement(batch))
    assert world.archive.cursor == 5


def test_the_right_one_moves_it():
    world, batch = waiting()
    world.hear(world.head_end.acknowledgement(batch))
    assert world.archive.cursor == 5 and not world.refused() and not world.delivery.events


def test_a_forged_one_moves_nothing():
    is_refused("not genuine", key=OTHER_KEY)


def test_one_sealed_with_the_uplink_key_moves_nothing():
    is_refused("not genuine", key=KEYS.uplink)


def test_one_of_another_stream_direction_or_tenant_moves_nothing():
    is_refused("not genuine", stream="batch")
    is_refused("not genuine", direction="up")
    is_refused("not genuine", tenant="other")


def test_one_of_another_concentrators_key_or_epoch_moves_nothing():
    is_refused("of another concentrator or archive", kid=key_id(b"neighbor", 0))
    is_refused("of another concentrator or archive", kid=key_id(CONCENTRATOR, 1))


def test_one_that_names_another_concentrator_inside_moves_nothing():
    is_refused("of another concentrator or archive", concentrator=b"neighbor")


def test_one_of_another_incarnation_moves_nothing():
    is_refused("of another concentrator or archive", incarnation=OTHER_INCARNATION)


def test_one_with_another_digest_moves_nothing():
    is_refused("of another batch with these numbers", digest=b"?" * 16)


def test_one_of_other_numbers_moves_nothing():
    for first, last in ((1, 4), (2, 5), (1, 6), (6, 9), (1, 2**53 - 1)):
        world, batch = waiting()
        world.hear(world.head_end.acknowledgement(batch, first=first, last=last))
        assert world.archive.cursor == 0
        assert world.delivery.progress().refused["of no batch in flight"] == 1


def test_a_replayed_one_moves_nothing_and_is_told():
    world, batch = waiting()
    sealed = world.head_end.acknowledgement(batch)
    world.hear(sealed)
    world.append(mixed(5, 5))
    world.wait(rules.LINGER_MS)
    for _ in range(3):
        world.hear(sealed)
    assert world.archive.cursor == 5
    assert world.delivery.progress().refused["heard before"] == 3
    assert [kind for kind, _ in world.delivery.events] == [EVENT_ACK_REFUSED]


def test_every_torn_one_moves_nothing():
    world, batch = waiting()
    sealed = world.head_end.acknowledgement(batch)
    for size in range(0, len(sealed), 5):
        world.hear(sealed[:size])
    world.hear(sealed + b"\x00")
    assert world.archive.cursor == 0
    world.hear(sealed)
    assert world.archive.cursor == 5


def test_every_single_wrong_byte_moves_nothing():
    world, batch = waiting()
    sealed = world.head_end.acknowledgement(batch)
    for at in range(0, len(sealed), 3):
        wrong = bytearray(sealed)
        wrong[at] ^= 1 << (at % 8)
        world.hear(bytes(wrong))
    assert world.archive.cursor == 0


def test_a_flood_of_refusals_makes_one_event_in_ten_minutes():
    world, batch = waiting()
    for _ in range(500):
        world.hear(b"junk")
    world.now_ms += rules.EVENT_SPACING_MS
    world.hear(b"junk")
    assert world.refused() == 501
    assert len(world.delivery.events) == 2
    assert world.delivery.events[1][1].startswith("499 more before; now acknowledgement refused")
