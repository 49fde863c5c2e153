"""Release keys that change while a machine is out there: old ones stop, over every start."""

from hashlib import sha256

from tests.edge.test_update_orders import Ordered
from tests.edge.update_site import KEYS, NOW_S, SIGNER, VENDOR, Site, content
from tests.edge.updates import GOOD
from tests.portable import raises
from tests.shared.test_release_trust import AB, CLASS, ROOTS, signed, trust
from wum_edge.update import trusted
from wum_edge.update.boot import A, B, read_boot
from wum_edge.update.offer import OfferRefused
from wum_edge.update.trusted import rules_of
from wum_shared import bundle, cose, suit, updates
from wum_shared import updates as wire
from wum_shared.orders import DONE, REFUSED
from wum_shared.release_trust import key_id
from wum_simulator.flash import SimulatedFlash

ADA, GRACE, LIN = KEYS[b"one"], KEYS[b"two"], KEYS[b"three"]
FIRST = trust(signers=(("ada", ADA), ("grace", GRACE)))
SECOND = signed(trust(2, signers=(("grace", GRACE), ("lin", LIN))), *AB)
THIRD = signed(trust(3, signers=(("lin", LIN),)), *AB)


def envelope(sequence, data, seed):
    """Signed by the key of this seed."""
    index = bundle.index_of(data)
    digests = [sha256(part).digest() for part in (data, index)]
    release = suit.Release(sequence, VENDOR, CLASS, digests[0], len(data), digests[1], len(index),
                           index)
    return suit.encode(release, (cose.sign_detached(
        SIGNER, seed, key_id(seed), suit.digest_of(release)),))


def site():
    """A machine that came with the first document and runs release 5, signed by ada."""
    made = Site(SimulatedFlash(), rules=rules_of(VENDOR, FIRST))
    data = content(5)
    made.update(5, data, signed=envelope(5, data, ADA))
    assert made.head_end.refused == [] and read_boot(made.flash).home == A
    return made


def words(updater, sequence, seed, number=9):
    """Why an assignment is refused; empty where it is not."""
    data = content(sequence)
    assignment = wire.Assignment(0, NOW_S, NOW_S + 10**6, False, envelope(sequence, data, seed))
    try:
        updater.check(number, assignment)
    except OfferRefused as refused:
        return str(refused)
    return ""


def test_old_keys_stop_and_new_ones_sign():
    one = site()
    updater = one.wake(A)
    assert words(updater, 7, ADA) == words(updater, 7, GRACE) == ""
    assert "got 0" in words(updater, 7, LIN)
    assert updater.standing().trust == 1
    assert updater.succeeded((SECOND,)) == 2
    assert "wanted 1 signers that are trusted, got 0" in words(updater, 7, ADA)
    assert words(updater, 7, GRACE) == words(updater, 7, LIN) == ""
    assert updater.standing().trust == 2
    data = content(7)
    one.head_end.assign(7, data, signed=envelope(7, data, LIN))
    assert one.settle() == (B, 7)


def test_it_holds_over_every_start_and_the_home_that_an_old_key_signed_goes_on():
    one = site()
    one.wake(A).succeeded((SECOND, THIRD))
    for _ in range(3):
        assert one.start() == (A, GOOD, 5)
        updater = one.wake(A)
        assert updater.standing().trust == 3
        assert "got 0" in words(updater, 7, GRACE) and words(updater, 7, LIN) == ""


def test_what_follows_nothing_is_refused_and_changes_nothing():
    one = site()
    updater = one.wake(A)
    for documents, why in (
            ((THIRD,), "wanted document 2 next, got 3"),
            ((signed(trust(2), AB[0]),), "wanted 2 root keys of document 1, got 1"),
            ((SECOND[:-1],), "release keys stay what they are: cbor")):
        assert why in raises(OfferRefused, lambda documents=documents: updater.succeeded(
            documents))
        assert updater.standing().trust == 1 and trusted.NAME not in one.flash.names()
    bare = Site(SimulatedFlash())
    assert "came without a release trust" in raises(
        OfferRefused, lambda: bare.wake(A).check_succession((SECOND,)))
    assert bare.updater.standing().trust == 0


def test_the_same_again_writes_nothing():
    one = site()
    updater = one.wake(A)
    updater.succeeded((SECOND,))
    kept = one.flash.read(trusted.NAME, 0, 9999)
    one.flash.remove(trusted.NAME)
    assert updater.succeeded((SECOND,)) == 2
    assert trusted.NAME not in one.flash.names() and kept == SECOND


def test_what_an_old_key_signed_is_neither_begun_nor_confirmed():
    for is_trial in (False, True):
        one = site()
        data = content(7)
        one.head_end.assign(7, data, signed=envelope(7, data, ADA))
        updater = one.wake(A)
        while updater.state != wire.STAGED:
            one.tick(updater)
        if is_trial:
            while not one.tick(updater):
                pass
            assert one.start() == (B, GOOD, 7)
            updater = one.wake(B)
            assert updater.state == wire.TRIAL
        assert updater.succeeded((SECOND,)) == 2
        assert updater.restart == is_trial
        assert one.settle() == (A, 5)
        assert one.updater.standing().note == (
            "release 7: who signed it is not trusted any more")


def test_what_a_new_key_signed_too_goes_on():
    one = site()
    data = content(7)
    one.head_end.assign(7, data, signed=envelope(7, data, GRACE))
    updater = one.wake(A)
    while updater.state != wire.STAGED:
        one.tick(updater)
    updater.succeeded((SECOND,))
    assert one.settle() == (B, 7)


def test_a_kept_document_that_lost_a_byte_brings_no_old_key_back():
    one = site()
    one.wake(A).succeeded((SECOND,))
    for place in range(0, len(SECOND), 7):
        changed = bytearray(SECOND)
        changed[place] ^= 0x10
        one.flash.replace(trusted.NAME, bytes(changed))
        updater = one.wake(A)
        for seed in (ADA, GRACE, LIN):
            assert "got 0" in words(updater, 7, seed)
        assert updater.standing().trust == 1               # So the head-end sends what follows.
        assert any("came anew" in said for said in one.log.said)
    assert updater.succeeded((SECOND,)) == 2
    assert words(updater, 7, LIN) == "" and one.wake(A).standing().trust == 2


def test_a_newer_file_that_came_by_hand_counts_more_than_an_older_document():
    one = site()
    one.wake(A).succeeded((SECOND,))
    one.rules = rules_of(VENDOR, trust(5, signers=(("ada", ADA),), roots=ROOTS))
    updater = one.wake(A)
    assert updater.standing().trust == 5 and words(updater, 7, ADA) == ""


def test_a_succession_comes_by_order_and_the_receipt_says_what_holds():
    ordered = Ordered()
    receipt = ordered.order(10, updates.Succession((SECOND,)))
    assert receipt.state == REFUSED and "came without a release trust" in receipt.note
    ordered.rules = rules_of(VENDOR, FIRST)
    ordered.wake()
    receipt = ordered.order(11, updates.Succession((SECOND,)))
    assert (receipt.state, receipt.note) == (DONE, "release keys of document 2")
    receipt = ordered.order(12, updates.Succession((signed(trust(3), AB[0]),)))
    assert receipt.state == REFUSED and "wanted 2 root keys" in receipt.note
