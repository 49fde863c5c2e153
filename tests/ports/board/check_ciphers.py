"""The board's ciphers against the standards' vectors, and against what the host sealed."""

import json
from binascii import unhexlify

from change import change

from wum_edge.ports.micropython import aes, chacha_plain, cipher, ghash_plain

CIPHER = "wum_edge.ports.micropython.cipher"
SUNSCREEN = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
             b"future, sunscreen would be it.")


def check_chacha20_poly1305_is_that_of_rfc_8439_2_8_2():
    key = bytes(range(0x80, 0xA0))
    nonce = unhexlify("070000004041424344454647")
    aad = unhexlify("50515253c0c1c2c3c4c5c6c7")
    sealed = cipher.Cipher().encrypt(key, nonce, SUNSCREEN, aad)
    assert sealed[:16] == unhexlify("d31a8d34648e60db7b86afbc53ef7ec2")
    assert sealed[-16:] == unhexlify("1ae10b594f09e26a7e902ecbd0600691")
    assert cipher.Cipher().decrypt(key, nonce, sealed, aad) == SUNSCREEN
    for at in (0, 50, len(sealed) - 1):
        wrong = bytearray(sealed)
        wrong[at] ^= 1
        assert cipher.Cipher().decrypt(key, nonce, bytes(wrong), aad) is None
    assert cipher.Cipher().decrypt(key, nonce, sealed, aad[1:]) is None
    assert cipher.Cipher().decrypt(key, nonce, b"short", aad) is None


def check_gcm_seals_and_cbc_opens_what_the_host_did():
    with open("/vectors.json") as file:
        vectors = json.load(file)
    assert len(vectors["gcm"]) > 10
    for key, nonce, plain, aad, sealed in vectors["gcm"]:
        given = [unhexlify(text) for text in (key, nonce, plain, aad)]
        assert aes.AesGcm().seal(*given) == unhexlify(sealed), (key, plain)
    for key, vector, plain, sealed in vectors["cbc"]:
        assert aes.AesCbc().open(unhexlify(key), unhexlify(vector), unhexlify(sealed)) == (
            unhexlify(plain))
    for key, nonce, plain, aad, sealed in vectors["chacha"]:
        given = [unhexlify(text) for text in (key, nonce, plain, aad)]
        assert cipher.Cipher().encrypt(*given) == unhexlify(sealed), len(plain)


def check_plain_python_gives_the_same_key_stream_as_native_code():
    assert cipher.IS_NATIVE and cipher.xor is not chacha_plain.xor, "it is compared with itself"
    for size in (0, 1, 63, 64, 65, 300):
        for counter in (b"\x01\x00\x00\x00", b"\xfd\xff\xff\x7f"):
            state = b"expand 32-byte k" + bytes(range(100, 132)) + counter + bytes(range(12))
            native, plain = bytearray(size), bytearray(size)
            cipher.xor(bytearray(state), native)
            chacha_plain.xor(bytearray(state), plain)
            assert native == plain, (size, counter)


def check_plain_python_hashes_as_native_code_does():
    assert aes.ghash is not ghash_plain.ghash, "it is compared with itself"
    for size in (0, 1, 15, 16, 17, 33):
        h, data = bytes(range(200, 216)), bytes(range(size))
        assert bytes(aes.ghash(h, data, b"sealed")) == ghash_plain.ghash(h, data, b"sealed"), size
        native, plain = bytearray(data), bytearray(data)
        aes.mix(native, bytes(range(50, 100)), 16)
        ghash_plain.mix(plain, bytes(range(50, 100)), 16)
        assert native == plain, size


def check_a_board_without_native_code_refuses_to_seal_slowly():
    cipher.check("esp32")
    change(CIPHER, IS_NATIVE=False)
    cipher.check("webassembly")
    try:
        cipher.check("esp32")
    except cipher.TooSlow as error:
        assert "viper" in str(error)
    else:
        raise AssertionError("an ESP32 would seal for seconds")
    change(CIPHER, IS_NATIVE=True)
