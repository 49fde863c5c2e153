"""New keys while batches are in flight: both are heard, one is sealed with, nothing is lost."""

from tests.edge.headend import KEYS, NEXT, Sentences
from tests.edge.records import mixed
from tests.edge.test_delivery import World
from tests.shared.quick_cipher import QuickCipher
from wum_edge.uplink import delivery as rules
from wum_edge.uplink.counter import Counter
from wum_edge.uplink.keys import Keys
from wum_edge.uplink.opening import Opening
from wum_shared import cose
from wum_shared.cose import key_id
from wum_shared.messages import DirectionKey


def rekeyed():
    """A world with a batch in flight under the first epoch, and keys of the next."""
    world = World(records=5)
    world.wait(rules.LINGER_MS)
    world.delivery.rekey(NEXT, Counter(world.flash, NEXT.key_id, 0))
    return world, world.head_end.batches()[0]


def test_an_answer_in_the_epoch_of_its_batch_still_counts_after_keys_have_changed():
    world, batch = rekeyed()
    world.hear(world.head_end.store(batch))
    assert world.archive.cursor == 5 and not world.refused()


def test_what_goes_out_later_and_what_is_sent_again_has_the_new_keys():
    world, _ = rekeyed()
    world.append(mixed(5, 5))
    world.wait(rules.LINGER_MS)
    world.wait(3 * rules.ANSWER_MS)
    epochs = [cose.peek(one.sealed)[1] for one in world.head_end.arrivals]
    assert epochs[0] == 0 and epochs[-2:] == [1, 1] and sorted(epochs) == epochs
    for batch in world.head_end.batches():
        world.hear(world.head_end.acknowledgement(
            batch, key=NEXT.downlink, kid=NEXT.key_id))
    assert world.archive.cursor == 10


def test_a_counter_that_both_epochs_use_is_no_replay_and_one_of_them_twice_is():
    world, batch = rekeyed()
    world.hear(world.head_end.acknowledgement(batch, counter=7))
    world.append(mixed(5, 5))
    world.wait(rules.LINGER_MS)
    sealed = world.head_end.acknowledgement(
        world.head_end.batches()[-1], counter=7, key=NEXT.downlink, kid=NEXT.key_id)
    world.hear(sealed)
    assert world.archive.cursor == 10 and not world.refused()
    world.hear(sealed)
    assert world.delivery.progress().refused["heard before"] == 1


def test_keys_of_two_epochs_ago_and_of_none_move_nothing():
    world, batch = rekeyed()
    third = Keys(NEXT.concentrator, NEXT.tenant, 2, NEXT.uplink,
                 DirectionKey(b"f" * 32, b"F" * 12))
    world.delivery.rekey(third, Counter(world.flash, third.key_id, 0))
    world.hear(world.head_end.acknowledgement(batch))
    world.hear(world.head_end.acknowledgement(batch, kid=key_id(KEYS.concentrator, 9)))
    assert world.archive.cursor == 0
    assert world.delivery.progress().refused["of another concentrator or archive"] == 2


def test_other_streams_are_heard_in_both_epochs_and_each_counter_once_in_each():
    opening = Opening(QuickCipher(), KEYS, Sentences())

    def said(keys, counter):
        return cose.seal(QuickCipher(), keys.downlink, keys.key_id, counter, b"said", "down",
                         keys.tenant, "ripple")
    assert opening.open("ripple", said(NEXT, 1)) is None, "nobody has these keys yet"
    opening.rekey(NEXT)
    for keys in (KEYS, NEXT):
        assert opening.open("ripple", said(keys, 7)) == b"said"
        assert opening.open("ripple", said(keys, 7)) is None
    opening.rekey(Keys(NEXT.concentrator, NEXT.tenant, 2, NEXT.uplink, NEXT.downlink))
    assert opening.open("ripple", said(KEYS, 8)) is None
    assert opening.open("ripple", said(NEXT, 8)) == b"said"
