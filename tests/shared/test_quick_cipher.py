"""The tests' quick cipher keeps what an AEAD promises."""

from tests.shared.quick_cipher import QuickCipher

KEY, NONCE = bytes(range(32)), bytes(range(12))


def test_what_was_encrypted_comes_back():
    for size in (0, 1, 31, 32, 33, 1000):
        plain = bytes([at * 7 % 256 for at in range(size)])
        sealed = QuickCipher().encrypt(KEY, NONCE, plain, b"outside")
        assert len(sealed) == size + 16 and (size < 16 or plain not in sealed)
        assert QuickCipher().decrypt(KEY, NONCE, sealed, b"outside") == plain


def test_every_changed_byte_and_another_key_nonce_or_outside_is_noticed():
    sealed = QuickCipher().encrypt(KEY, NONCE, b"forty-two watt-hours, and a tag", b"outside")
    decrypt = QuickCipher().decrypt
    for at in range(len(sealed)):
        damaged = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1:]
        assert decrypt(KEY, NONCE, damaged, b"outside") is None
    assert decrypt(bytes(32), NONCE, sealed, b"outside") is None
    assert decrypt(KEY, bytes(12), sealed, b"outside") is None
    assert decrypt(KEY, NONCE, sealed, b"inside") is None
    assert decrypt(KEY, NONCE, sealed[:15], b"outside") is None


def test_no_stream_is_used_twice():
    zeros = bytes(64)
    streams = [QuickCipher().encrypt(key, nonce, zeros, b"")[:64]
               for key in (KEY, bytes(32)) for nonce in (NONCE, bytes(12))]
    assert len(set(streams)) == 4 and all(one[:32] != one[32:] for one in streams)
