"""HMAC and HKDF against the numbers of their standards."""

from binascii import hexlify, unhexlify

from wum_shared.kdf import expand, extract, hmac_sha256, is_same


def hexed(data):
    return hexlify(data).decode()


def test_hmac_gives_the_numbers_of_rfc_4231():
    for key, message, code in (
            (b"\x0b" * 20, b"Hi There",
             "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?",
             "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
             "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")):
        assert hexed(hmac_sha256(key, message)) == code


def test_hkdf_gives_the_numbers_of_rfc_5869():
    prk = extract(unhexlify("000102030405060708090a0b0c"), b"\x0b" * 22)
    assert hexed(prk) == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    assert hexed(expand(prk, unhexlify("f0f1f2f3f4f5f6f7f8f9"), 42)) == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
    prk = extract(b"", b"\x0b" * 22)
    assert hexed(prk) == "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"
    assert hexed(expand(prk, b"", 42)) == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")


def test_what_is_expanded_for_two_purposes_has_nothing_in_common():
    prk = extract(b"salt", b"secret")
    one, other = expand(prk, b"one", 32), expand(prk, b"other", 32)
    assert one != other
    assert expand(prk, b"one", 5) == one[:5]


def test_secrets_are_the_same_in_every_byte_or_not_at_all():
    assert is_same(b"", b"") and is_same(b"abc", b"abc")
    for other in (b"abd", b"bbc", b"ab", b"abcd", b""):
        assert not is_same(b"abc", other)
