"""Enrolment's messages: each is taken from whom it should be, for what it should be, or refused."""

from binascii import hexlify

from tests.portable import raises
from tests.shared.enrolling import PlainAgreement, PlainSignatures
from tests.shared.quick_cipher import QuickCipher
from wum_shared import cbor, cose
from wum_shared import enrolment as e
from wum_shared.claim import secrets_of
from wum_shared.errors import Malformed, NotGenuine, Unsupported, WireError
from wum_shared.ids import concentrator_id
from wum_shared.kdf import sha256

SIGNATURES, AGREEMENT, CIPHER = PlainSignatures(), PlainAgreement(), QuickCipher()
SEED, ROOT_SEED, UPLINK, EPHEMERAL = b"d" * 32, b"r" * 32, b"u" * 32, b"e" * 32
IDENTITY, ROOT = SIGNATURES.public(SEED), SIGNATURES.public(ROOT_SEED)
ID = concentrator_id(IDENTITY)
SECRETS, OTHERS = secrets_of(bytes(16)), secrets_of(b"o" * 16)
NONCE = b"n" * 16
ORDERS = (SIGNATURES.public(b"o" * 32), SIGNATURES.public(b"p" * 32))
TRUST = e.sign_trust(SIGNATURES, ROOT_SEED, ROOT, e.Trust(
    3, AGREEMENT.public(UPLINK), ORDERS, ROOT, (), 0))
GRANT = e.Grant(NONCE, ROOT, TRUST, "utility", "a password of the broker", b"")


def request():
    return e.make_request(SIGNATURES, SEED, IDENTITY, SECRETS, NONCE)


def is_refused(action):
    """Whether it raises an error of the wire, whichever."""
    try:
        action()
    except WireError:
        return True
    return False


def every_slip(message, read):
    """Read the message with each of its bytes changed; nothing may be taken."""
    for at in range(len(message)):
        wrong = message[:at] + bytes([message[at] ^ 1]) + message[at + 1:]
        assert is_refused(lambda wrong=wrong: read(wrong)), at


def test_a_request_says_who_asks_and_every_flipped_bit_is_noticed():
    def read(message):
        return e.open_request(SIGNATURES, SECRETS.name, SECRETS.enrol, message)
    assert tuple(read(request())) == (ID, IDENTITY, NONCE)
    every_slip(request(), read)


def test_a_request_without_the_code_is_refused_before_its_signature_is_looked_at():
    class Never(PlainSignatures):
        def verify(self, public_key, message, signature):
            raise AssertionError("a signature was computed for somebody without the code")
    raises(NotGenuine, lambda: e.open_request(Never(), OTHERS.name, OTHERS.enrol, request()))


def test_a_request_of_another_claim_or_signed_by_another_identity_is_refused():
    raises(NotGenuine, lambda: e.open_request(SIGNATURES, OTHERS.name, SECRETS.enrol, request()))
    forged = e.make_request(SIGNATURES, b"x" * 32, IDENTITY, SECRETS, NONCE)
    raises(NotGenuine, lambda: e.open_request(SIGNATURES, SECRETS.name, SECRETS.enrol, forged))


def test_a_grant_is_opened_by_the_code_and_answers_one_request():
    sealed = e.seal_grant(CIPHER, SECRETS.name, SECRETS.grant, 2**61, GRANT)
    assert e.open_grant(CIPHER, SECRETS, NONCE, sealed) == GRANT
    assert b"a password" not in sealed and b"a password" not in repr(GRANT).encode()
    raises(NotGenuine, lambda: e.open_grant(CIPHER, OTHERS, NONCE, sealed))
    raises(NotGenuine, lambda: e.open_grant(CIPHER, SECRETS, b"m" * 16, sealed))
    every_slip(sealed, lambda wrong: e.open_grant(CIPHER, SECRETS, NONCE, wrong))


def test_a_grant_may_hold_the_order_of_a_first_configuration():
    """Only then it is another version: who never heard of orders is let in as ever."""
    with_order = e.Grant(*(tuple(GRANT)[:-1] + (b"signed" * 2000,)))
    for grant, version in ((GRANT, 0), (with_order, 1)):
        sealed = e.seal_grant(CIPHER, SECRETS.name, SECRETS.grant, 2**61, grant)
        assert e.open_grant(CIPHER, SECRETS, NONCE, sealed) == grant
        said = cose.unseal(CIPHER, SECRETS.grant, sealed, "down", "unclaimed", "enrol")
        assert cbor.decode(said)[0] == version
    said = cbor.decode(said)
    for bad in (b"", "text", None, bytes(e.FIRST_ORDER_MAX + 1)):
        sealed = cose.seal(CIPHER, SECRETS.grant, cose.key_id(SECRETS.name, 0), 1,
                           cbor.encode(said[:6] + [bad]), "down", "unclaimed", "enrol")
        raises(Malformed, lambda sealed=sealed: e.open_grant(CIPHER, SECRETS, NONCE, sealed))
    sealed = cose.seal(CIPHER, SECRETS.grant, cose.key_id(SECRETS.name, 0), 1,
                       cbor.encode([2] + said[1:]), "down", "unclaimed", "enrol")
    raises(Unsupported, lambda: e.open_grant(CIPHER, SECRETS, NONCE, sealed))



def test_a_trust_document_is_the_roots_and_its_number_only_rises():
    trust = e.open_trust(SIGNATURES, ROOT, TRUST, 3)
    assert (trust.number, trust.uplink_key) == (3, AGREEMENT.public(UPLINK))
    assert trust.order_keys == (SIGNATURES.public(b"o" * 32), SIGNATURES.public(b"p" * 32))
    assert "only rises" in raises(NotGenuine, lambda: e.open_trust(SIGNATURES, ROOT, TRUST, 4))
    raises(NotGenuine, lambda: e.open_trust(SIGNATURES, IDENTITY, TRUST, 1))
    every_slip(TRUST, lambda wrong: e.open_trust(SIGNATURES, ROOT, wrong, 1))


def test_a_trust_document_of_before_names_nobody_who_may_give_orders():
    def signed(parts):
        return cose.sign(SIGNATURES, ROOT_SEED, concentrator_id(ROOT), cbor.encode(parts))
    old = e.open_trust(SIGNATURES, ROOT, signed([0, 7, UPLINK]), 1)
    assert tuple(old) == (7, UPLINK, (), ROOT, (), 0), "and its signer is the root for ever"
    for orders in ([], [IDENTITY] * 2, [b"short"], [b"1" * 32, b"2" * 32, b"3" * 32]):
        raises(Malformed, lambda orders=orders: e.open_trust(
            SIGNATURES, ROOT, signed([1, 7, UPLINK, orders, ROOT]), 1))
    for parts in ([1, 7, UPLINK], [1, 7, UPLINK, [IDENTITY]], [1, 7, UPLINK, [IDENTITY], b"x"]):
        raises(Malformed, lambda parts=parts: e.open_trust(SIGNATURES, ROOT, signed(parts), 1))
    raises(Unsupported, lambda: e.open_trust(SIGNATURES, ROOT, signed([2, 7, UPLINK]), 1))
    raises(Unsupported, lambda: e.open_trust(SIGNATURES, ROOT, signed([3, 7, UPLINK]), 1))


def test_a_trust_document_names_who_signs_above_the_cap_and_how_many_of_them():
    keys = [bytes([n]) * 32 for n in range(7)]

    def signed(*last):
        return cose.sign(SIGNATURES, ROOT_SEED, concentrator_id(ROOT), cbor.encode(
            [2, 7, UPLINK, [IDENTITY], ROOT] + list(last)))
    found = e.open_trust(SIGNATURES, ROOT, signed(keys[:3], 2), 1)
    assert (found.approvers, found.consents) == (tuple(keys[:3]), 2)
    assert e.sign_trust(SIGNATURES, ROOT_SEED, ROOT, found) == signed(keys[:3], 2)
    for last in ((keys, 1), ([], 1), (keys[:1] * 2, 1), (keys[:3], 0), (keys[:1], 2),
                 (keys[:6], 4), ([b"short"], 1)):
        raises(Malformed, lambda last=last: e.open_trust(SIGNATURES, ROOT, signed(*last), 1))
    for last in ((keys[:1],), (keys[:1], 1, 1)):
        raises(Unsupported, lambda last=last: e.open_trust(SIGNATURES, ROOT, signed(*last), 1))
    chain = [e.sign_trust(SIGNATURES, ROOT_SEED, ROOT, e.Trust(
        n, UPLINK, ORDERS, ROOT, tuple(keys[:e.APPROVERS_MAX]), 3)) for n in range(e.CHAIN_MAX)]
    assert sum(len(one) + 3 for one in chain) + 200 < e.OPENED_BYTES_MAX, "in one answer"


def opening(epoch=1, seed=SEED, identity=IDENTITY):
    return e.make_opening(SIGNATURES, seed, concentrator_id(identity), epoch, TRUST,
                          AGREEMENT.public(EPHEMERAL))


def test_both_sides_of_an_opening_get_the_same_keys_and_no_other_epoch_has_them():
    said = e.open_opening(SIGNATURES, IDENTITY, opening())
    ours = e.epoch_keys(AGREEMENT, EPHEMERAL, AGREEMENT.public(UPLINK), TRUST, ID, 1)
    theirs = e.epoch_keys(AGREEMENT, UPLINK, said.ephemeral_key, TRUST, said.concentrator,
                          said.epoch)
    assert ours == theirs and ours[0] != ours[1]
    assert len(ours[0].key) == 32 and len(ours[0].context_iv) == 12
    seen = [ours]
    for secret, trust, concentrator, epoch in (
            (b"f" * 32, TRUST, ID, 1), (EPHEMERAL, TRUST + b"x", ID, 1),
            (EPHEMERAL, TRUST, b"other id", 1), (EPHEMERAL, TRUST, ID, 2)):
        keys = e.epoch_keys(
            AGREEMENT, secret, AGREEMENT.public(UPLINK), trust, concentrator, epoch)
        assert keys not in seen
        seen.append(keys)


def test_what_was_once_said_is_said_the_same_way_for_ever():
    """A concentrator that was let in speaks like this, and comes to these keys: who changes it has
    to go on understanding it."""
    keys = e.epoch_keys(AGREEMENT, EPHEMERAL, AGREEMENT.public(UPLINK), TRUST, ID, 1)
    assert [hexlify(sha256(said)) for said in (
        request(), opening(), b"".join([part.key + part.context_iv for part in keys]))] == [
        b"882ad8eb459cba473bfc98956e0345821c104f4cce169ad727bcd8644636b67f",
        b"cfddd39f89d2c4c04fee048914d9c0035dd6501f42b43c0cf090d6c6665e8b3e",
        b"c984dca758678bd44984a0cc26a321ca5ca1218aec0664882c73f2d576d92a26"]


def test_an_opening_of_somebody_else_or_changed_on_the_way_is_refused():
    other = SIGNATURES.public(b"x" * 32)
    raises(NotGenuine, lambda: e.open_opening(SIGNATURES, other, opening()))
    every_slip(opening(), lambda wrong: e.open_opening(SIGNATURES, IDENTITY, wrong))
    forged = e.make_opening(SIGNATURES, b"x" * 32, ID, 1, TRUST, AGREEMENT.public(EPHEMERAL))
    assert "another concentrator" in raises(
        NotGenuine, lambda: e.open_opening(SIGNATURES, other, forged))


def test_the_answer_to_an_opening_shows_that_the_head_end_has_the_keys():
    up, down = e.epoch_keys(AGREEMENT, EPHEMERAL, AGREEMENT.public(UPLINK), TRUST, ID, 7)
    said = e.Opened([TRUST], "another password of it")
    sealed = e.seal_opened(CIPHER, down, ID, 7, "utility", 2**52, said)
    assert e.check_opened(CIPHER, down, ID, 7, "utility", sealed) == said
    assert b"another" not in sealed and "another" not in repr(said)
    for key, concentrator, epoch, tenant in (
            (up, ID, 7, "utility"), (down, b"other id", 7, "utility"), (down, ID, 8, "utility"),
            (down, ID, 7, "another")):
        raises(NotGenuine, lambda key=key, who=concentrator, epoch=epoch, tenant=tenant:
               e.check_opened(CIPHER, key, who, epoch, tenant, sealed))
    every_slip(sealed, lambda wrong: e.check_opened(CIPHER, down, ID, 7, "utility", wrong))


NEXT_SEED = b"x" * 32
NEXT = SIGNATURES.public(NEXT_SEED)


def signed(number, by=ROOT_SEED, names=ROOT):
    return e.sign_trust(SIGNATURES, by, SIGNATURES.public(by), e.Trust(
        number, AGREEMENT.public(UPLINK), ORDERS, names, (), 0))


def test_a_chain_of_trust_documents_is_followed_from_root_to_root_and_never_back():
    handover, after = signed(4, names=NEXT), signed(6, NEXT_SEED, NEXT)
    assert e.follow(SIGNATURES, ROOT, TRUST, []) == (ROOT, TRUST)
    assert e.follow(SIGNATURES, ROOT, TRUST, [handover, after]) == (NEXT, after)
    assert e.follow(SIGNATURES, NEXT, handover, [after]) == (NEXT, after)
    assert e.named_root(handover, ROOT) == NEXT and e.named_root(after, ROOT) == NEXT
    for chain in ([after], [handover, signed(5)], [TRUST], [signed(2)], [handover, handover],
                  [signed(4, NEXT_SEED, NEXT)], [b""]):
        assert is_refused(lambda chain=chain: e.follow(SIGNATURES, ROOT, TRUST, chain)), chain
    raises(NotGenuine, lambda: e.follow(SIGNATURES, NEXT, TRUST, []))


def test_a_chain_goes_in_the_clear_and_is_bounded():
    chain = [signed(4), signed(5)]
    assert e.decode_chain(e.encode_chain(chain)) == chain
    assert e.is_chain(e.encode_chain(chain)) and not e.is_chain(TRUST) and not e.is_chain(b"")
    raises(AssertionError, lambda: e.encode_chain([TRUST] * (e.CHAIN_MAX + 1)))
    for wrong in ([0, [TRUST] * (e.CHAIN_MAX + 1)], [0, [5]], [0, TRUST], [0], [0, []]):
        raises(Malformed, lambda wrong=wrong: e.decode_chain(cbor.encode(wrong)))
    raises(Unsupported, lambda: e.decode_chain(cbor.encode([1, chain])))
    raises(Malformed, lambda: e.decode_chain(bytes(e.OPENED_BYTES_MAX + 1)))


def test_a_request_and_an_opening_are_told_apart():
    assert e.is_request(request()) and not e.is_request(opening()) and not e.is_request(b"")


def test_a_suite_that_is_not_known_is_refused_by_name():
    parts = [0, 2, ID, 1, bytes(32), bytes(32)]
    signed = cose.sign(SIGNATURES, SEED, ID, cbor.encode(parts))
    assert "suite" in raises(Unsupported, lambda: e.open_opening(SIGNATURES, IDENTITY, signed))


def test_a_key_that_agrees_with_everybody_to_the_same_is_refused():
    raises(NotGenuine, lambda: e.epoch_keys(AGREEMENT, UPLINK, bytes(32), TRUST, ID, 1))

    class Zeros(PlainAgreement):
        def shared(self, secret, public_key):
            return bytes(32)
    raises(NotGenuine, lambda: e.epoch_keys(Zeros(), UPLINK, IDENTITY, TRUST, ID, 1))


def test_an_epoch_is_none_that_provisioning_gives():
    raises(AssertionError, lambda: opening(epoch=0))
    raises(AssertionError, lambda: opening(epoch=65536))


def test_what_is_too_long_is_not_even_decoded():
    raises(Malformed, lambda: e.open_request(
        SIGNATURES, SECRETS.name, SECRETS.enrol, bytes(e.REQUEST_BYTES_MAX + 1)))
    raises(Malformed, lambda: e.open_grant(CIPHER, SECRETS, NONCE, bytes(e.GRANT_BYTES_MAX + 1)))
    raises(Malformed, lambda: e.open_trust(SIGNATURES, ROOT, bytes(e.TRUST_BYTES_MAX + 1), 1))
