"""A network's key as it is handed out: it comes back, and what is no such thing is refused."""

from tests.portable import raises
from wum_shared import cbor
from wum_shared.errors import Malformed, Unsupported
from wum_shared.network_key import (
    SHUT_OUT_MAX,
    NetworkKey,
    decode_network_key,
    encode_network_key,
)
from wum_shared.orders import ARGUMENTS_MAX

GIVEN = NetworkKey(0x1A2B, 29_000_000, bytes(range(16)), False, ())
ALONE = NetworkKey(1, 0xFFFFFFFF, b"k" * 16, True, (b"a thief.", b"another."))


def test_it_comes_back_and_every_cut_is_refused():
    for given in (GIVEN, ALONE):
        whole = encode_network_key(given)
        assert decode_network_key(whole) == given
        for size in range(len(whole)):
            raises(Malformed, lambda cut=whole[:size]: decode_network_key(cut))
        parts = cbor.decode(whole)
        raises(Unsupported, lambda parts=parts: decode_network_key(cbor.encode([1] + parts[1:])))


def test_what_is_no_key_is_refused():
    parts = cbor.decode(encode_network_key(ALONE))
    for place, wrong in ((1, 0), (1, 0x10000), (2, 0), (2, 1 << 32), (3, b"k" * 15), (4, 1),
                         (5, [b"a thief."] * 2), (5, [b"short"]), (5, b"")):
        changed = list(parts)
        changed[place] = wrong
        raises(Malformed, lambda changed=changed: decode_network_key(cbor.encode(changed)))


def test_the_most_that_are_shut_out_fit_into_an_order():
    many = tuple([number.to_bytes(8, "big") for number in range(SHUT_OUT_MAX)])
    whole = encode_network_key(NetworkKey(1, 1, bytes(16), True, many))
    assert len(whole) + 128 < ARGUMENTS_MAX
    raises(Malformed, lambda: encode_network_key(
        NetworkKey(1, 1, bytes(16), True, many + (b"one more",))))
