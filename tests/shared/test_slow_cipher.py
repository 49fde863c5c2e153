"""The tests' own ChaCha20/Poly1305 against the vectors of RFC 8439."""

from binascii import unhexlify

from tests.shared.slow_cipher import SlowCipher, chacha20, poly1305

SUNSCREEN = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
             b"the future, sunscreen would be it.")


def test_chacha20_gives_the_ciphertext_of_section_2_4_2():
    key = bytes(range(32))
    nonce = unhexlify("000000000000004a00000000")
    assert chacha20(key, 1, nonce, SUNSCREEN) == unhexlify(
        "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b"
        "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8"
        "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736"
        "5af90bbf74a35be6b40b8eedf2785e42874d")


def test_poly1305_gives_the_tag_of_section_2_5_2():
    key = unhexlify("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
    assert poly1305(key, b"Cryptographic Forum Research Group") == unhexlify(
        "a8061dc1305136c6c22b8baf0c0127a9")


def test_the_aead_gives_ciphertext_and_tag_of_section_2_8_2_and_opens_them():
    key = bytes(range(0x80, 0xA0))
    nonce = unhexlify("070000004041424344454647")
    aad = unhexlify("50515253c0c1c2c3c4c5c6c7")
    sealed = SlowCipher().encrypt(key, nonce, SUNSCREEN, aad)
    assert sealed == unhexlify(
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
        "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
        "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
        "3ff4def08e4b7a9de576d26586cec64b6116"
        "1ae10b594f09e26a7e902ecbd0600691")
    assert SlowCipher().decrypt(key, nonce, sealed, aad) == SUNSCREEN
    assert SlowCipher().decrypt(key, nonce, sealed, aad + b"\x00") is None
    assert SlowCipher().decrypt(key, nonce, sealed[:15], aad) is None
