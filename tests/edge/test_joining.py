"""The concentrator's side of enrolment; the head-end's is played by the contract's functions."""

from tests.portable import raises
from tests.shared.enrolling import PlainAgreement, PlainSignatures
from tests.shared.quick_cipher import QuickCipher
from wum_edge.enrolment.joining import Claiming, Crypto, Identity, Opening, Trusted
from wum_shared import enrolment
from wum_shared.claim import secrets_of
from wum_shared.errors import NotGenuine

SIGNATURES, AGREEMENT, CIPHER = PlainSignatures(), PlainAgreement(), QuickCipher()
CRYPTO = Crypto(CIPHER, SIGNATURES, SIGNATURES, AGREEMENT)
IDENTITY = Identity(b"d" * 32, SIGNATURES.public(b"d" * 32))
CODE, NONCE = b"c" * 16, b"n" * 16
ROOT_SEED = b"r" * 32
ROOT = SIGNATURES.public(ROOT_SEED)


def trust(number, secret, seed=ROOT_SEED, names=None):
    root = SIGNATURES.public(seed)
    return enrolment.sign_trust(SIGNATURES, seed, root, enrolment.Trust(
        number, AGREEMENT.public(secret), (SIGNATURES.public(b"o" * 32),), names or root, (), 0))


def grant(message, document, root=ROOT, nonce=None):
    """What a head-end answers that knows the code."""
    secrets = secrets_of(CODE)
    request = enrolment.open_request(SIGNATURES, secrets.name, secrets.enrol, message)
    assert request.concentrator == IDENTITY.concentrator
    return enrolment.seal_grant(CIPHER, secrets.name, secrets.grant, 5, enrolment.Grant(
        nonce or request.nonce, root, document, "utility", "a password of the broker", b""))


def answer(message, document, secret, newer=None, epoch=None, password=None):
    """What a head-end answers that has the uplink key."""
    opening = enrolment.open_opening(SIGNATURES, IDENTITY.key, message)
    keys = enrolment.epoch_keys(AGREEMENT, secret, opening.ephemeral_key, document,
                                opening.concentrator, opening.epoch)
    return keys, enrolment.seal_opened(
        CIPHER, keys[1], opening.concentrator, epoch or opening.epoch, "utility", 9,
        enrolment.Opened(newer or [], password))


def claiming():
    return Claiming(CRYPTO, IDENTITY, CODE, NONCE)


def test_a_code_and_an_answered_opening_give_keys_that_both_sides_have():
    first = trust(1, b"u" * 32)
    trusted, password, _ = claiming().granted(grant(claiming().request(), first))
    assert tuple(trusted) == (ROOT, first, "utility") and password == "a password of the broker"
    opening = Opening(CRYPTO, IDENTITY, trusted, 1, b"s" * 32)
    theirs, sealed = answer(opening.message(), first, b"u" * 32)
    after, keys, password = opening.opened(sealed)
    assert password is None and (keys.uplink, keys.downlink) == theirs
    assert (keys.concentrator, keys.epoch, keys.tenant) == (IDENTITY.concentrator, 1, "utility")
    assert after == trusted


def test_a_newer_trust_document_comes_with_the_answer_and_is_used_the_next_time():
    first, second = trust(1, b"u" * 32), trust(2, b"v" * 32)
    opening = Opening(CRYPTO, IDENTITY, Trusted(ROOT, first, "utility"), 1, b"s" * 32)
    _, sealed = answer(opening.message(), first, b"u" * 32, [second],
                       password="another password of it")
    renewed = opening.opened(sealed)
    after = renewed.trusted
    assert after.document == second and renewed.broker_password == "another password of it"
    assert "another" not in repr(renewed)
    opening = Opening(CRYPTO, IDENTITY, after, 2, b"t" * 32)
    theirs, sealed = answer(opening.message(), second, b"v" * 32)
    assert opening.opened(sealed).keys.uplink == theirs[0]


def test_whoever_was_away_for_long_is_led_to_the_newest_document_and_root():
    first = trust(1, b"u" * 32)
    following = SIGNATURES.public(b"x" * 32)
    chain = [trust(2, b"v" * 32, names=following), trust(5, b"w" * 32, b"x" * 32)]
    opening = Opening(CRYPTO, IDENTITY, Trusted(ROOT, first, "utility"), 1, b"s" * 32)
    after, keys, password = opening.opened(enrolment.encode_chain(chain))
    assert keys is None and password is None, "it brings no keys: the next opening does"
    assert tuple(after) == (following, chain[1], "utility")
    opening = Opening(CRYPTO, IDENTITY, after, 2, b"t" * 32)
    _, sealed = answer(opening.message(), chain[1], b"w" * 32)
    assert opening.opened(sealed).keys.epoch == 2
    for wrong in (chain, [first], [trust(6, b"v" * 32)]):
        raises(NotGenuine, lambda opening=opening, wrong=wrong: opening.opened(
            enrolment.encode_chain(wrong)))


def test_an_older_trust_document_or_one_of_another_root_is_no_answer():
    first, second = trust(1, b"u" * 32), trust(2, b"v" * 32)
    for newest in (first, trust(3, b"v" * 32, b"x" * 32)):
        opening = Opening(CRYPTO, IDENTITY, Trusted(ROOT, second, "utility"), 1, b"s" * 32)
        _, sealed = answer(opening.message(), second, b"v" * 32, [newest])
        raises(NotGenuine, lambda opening=opening, sealed=sealed: opening.opened(sealed))


def test_a_head_end_without_the_uplink_key_cannot_answer():
    first = trust(1, b"u" * 32)
    opening = Opening(CRYPTO, IDENTITY, Trusted(ROOT, first, "utility"), 1, b"s" * 32)
    _, sealed = answer(opening.message(), first, b"w" * 32)
    raises(NotGenuine, lambda: opening.opened(sealed))
    _, sealed = answer(opening.message(), first, b"u" * 32, epoch=2)
    raises(NotGenuine, lambda: opening.opened(sealed))


def test_a_grant_for_another_request_or_with_anothers_trust_document_is_none():
    first = trust(1, b"u" * 32)
    message = claiming().request()
    raises(NotGenuine, lambda: claiming().granted(grant(message, first, nonce=b"m" * 16)))
    raises(NotGenuine, lambda: claiming().granted(grant(message, first, root=IDENTITY.key)))
    raises(NotGenuine, lambda: Opening(
        CRYPTO, IDENTITY, Trusted(IDENTITY.key, first, "utility"), 1, b"s" * 32))


def test_nothing_that_is_printed_shows_the_seed():
    assert "100" not in repr(IDENTITY) and "d" * 8 not in repr(IDENTITY)
