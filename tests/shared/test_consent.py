"""A second person's signature under an act: of whom, for what, and what counts for nothing."""

from tests.portable import raises
from tests.shared.enrolling import PlainSignatures
from wum_shared import cbor, cose, orders
from wum_shared.consent import (
    Consent,
    consent_of,
    consenting,
    decode_consent,
    open_consent,
    sign_consent,
)
from wum_shared.errors import Malformed, NotGenuine
from wum_shared.ids import concentrator_id
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DISCONNECT, RECONNECT, Order

SIGNATURES = PlainSignatures()
SEEDS = (b"a" * 32, b"b" * 32, b"c" * 32)
APPROVERS = tuple([SIGNATURES.public(seed) for seed in SEEDS[:2]])
HERE = b"here 001"
ARGUMENTS = encode_arguments(DISCONNECT, ["M-1"])
GROUP = b"group 01"


def order(**more):
    parts = {"to": HERE, "kind": DISCONNECT, "arguments": ARGUMENTS, "begins_s": 1000,
             "expires_s": 2000}
    parts.update(more)
    return Order(parts["to"], b"act 0001", 7, 900, parts["begins_s"], parts["expires_s"],
                 parts["kind"], parts["arguments"], None)


def signed(seed=SEEDS[0], to=HERE, kind=DISCONNECT, arguments=ARGUMENTS, begins_s=1000,
           expires_s=2000):
    return sign_consent(SIGNATURES, seed, SIGNATURES.public(seed), consent_of(
        to, kind, arguments, begins_s, expires_s))


def count(*consents, of=None):
    return consenting(SIGNATURES, APPROVERS, HERE, of or order(), list(consents))


def test_each_approver_counts_once_and_nobody_else():
    assert count() == 0
    assert count(signed()) == 1
    assert count(signed(), signed()) == 1
    assert count(signed(), signed(begins_s=999)) == 1, "the same one twice"
    assert count(signed(), signed(SEEDS[1])) == 2
    assert count(signed(SEEDS[2])) == 0, "a key that the document does not name"
    assert count(b"noise", b"", signed()[:-1], signed()) == 1


def test_it_is_good_for_this_act_here_and_now_and_for_no_other():
    other = encode_arguments(DISCONNECT, ["M-2"])
    for wrong in ({"to": b"there 01"}, {"kind": RECONNECT}, {"arguments": other},
                  {"begins_s": 1001}, {"expires_s": 1999}):
        assert count(signed(**wrong)) == 0, wrong
    assert count(signed(begins_s=990, expires_s=2010)) == 1, "a longer time holds it"
    assert count(signed(), of=order(begins_s=1500)) == 1, "given again, later"
    for wrong in ({"kind": RECONNECT}, {"arguments": other}, {"begins_s": 999},
                  {"expires_s": 2001}):
        assert count(signed(), of=order(**wrong)) == 0, wrong


def test_of_a_group_it_names_the_group_in_its_version():
    first, second = (encode_arguments(DISCONNECT, [GROUP + bytes([0, n])]) for n in (1, 2))
    assert consent_of(HERE, DISCONNECT, first, 1000, 2000).to == GROUP
    assert count(signed(arguments=first), of=order(to=GROUP, arguments=first)) == 1
    assert count(signed(arguments=first), of=order(arguments=first)) == 1, "given to one alone"
    assert count(signed(arguments=first), of=order(to=GROUP, arguments=second)) == 0


def test_every_flipped_bit_makes_it_nobodys():
    good = signed()
    for at in range(len(good)):
        for bit in range(8):
            wrong = good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1:]
            assert count(wrong) == 0


def test_what_is_none_is_refused_by_its_words():
    raises(Malformed, lambda: open_consent(SIGNATURES, APPROVERS, bytes(321)))
    raises(NotGenuine, lambda: open_consent(SIGNATURES, APPROVERS, signed(SEEDS[2])))
    good = [0, "consent", HERE, DISCONNECT, ARGUMENTS, 1000, 2000]
    assert decode_consent(cbor.encode(good)) == Consent(*good[2:])
    for place, value in ((1, "order"), (2, b"short"), (3, 0), (3, 256), (4, bytes(129)),
                         (5, -1), (6, 1000), (6, 1000 + 7 * 86400 + 1)):
        wrong = good[:place] + [value] + good[place + 1:]
        raises(NotGenuine if place == 1 else Malformed,
               lambda wrong=wrong: decode_consent(cbor.encode(wrong)))
    piece = cose.sign(SIGNATURES, SEEDS[0], concentrator_id(APPROVERS[0]),
                      orders.encode_order(order()))
    assert count(piece) == 0, "an approver's signature under something else"


def test_an_order_has_at_most_three_and_is_the_same_order_with_them():
    key = SIGNATURES.public(b"o" * 32)
    with_them = orders.sign_order(SIGNATURES, b"o" * 32, key, order(), (signed(), b"x"))
    assert orders.open_order(SIGNATURES, (key,), with_them) == order()
    assert orders.consents_of(with_them) == [signed(), b"x"]
    assert orders.consents_of(orders.sign_order(SIGNATURES, b"o" * 32, key, order())) == []
    plain = cbor.decode(orders.encode_order(order()))
    for last in ([], [b"x"] * 4, [bytes(321)], ["x"], b"x"):
        wrong = cbor.encode([1] + plain[1:] + [last])
        raises(Malformed, lambda wrong=wrong: orders.decode_order(wrong))
    longest = encode_arguments(DISCONNECT, ["M" * 64])
    assert len(signed(arguments=longest)) <= orders.CONSENT_BYTES_MAX
