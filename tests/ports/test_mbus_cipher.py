"""Encrypted M-Bus answers, by AES as a gateway has it: the example of OMS volume 2, and others."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wum_edge.errors import MeterError
from wum_edge.meters.mbus.answer import Answer, decode_answer
from wum_edge.meters.mbus.errors import Broken, Encrypted, WrongKey
from wum_edge.meters.mbus.frame import Frame
from wum_edge.ports.linux import aes_cbc
from wum_shared import status

KEY = bytes.fromhex("0102030405060708090a0b0c0d0e0f11")
HEADER = bytes.fromhex("78563412 9315 33 03 2a 00 2025")
SEALED = bytes.fromhex("5923c95aaa26d1b2e7493b013ec4a6f6d3529b520edff0ea6defc99d6d69ebf3")


@pytest.fixture(autouse=True)
def cipher() -> None:
    aes_cbc.install()


def answer(data: bytes, key: bytes = KEY) -> Answer:
    return decode_answer(Frame(8, 1, 0x72, data), key)


def sealed(plain: bytes, header: bytes = HEADER) -> bytes:
    vector = header[4:6] + header[:4] + header[6:8] + header[8:9] * 8
    closing = Cipher(algorithms.AES(KEY), modes.CBC(vector)).encryptor()
    return header + closing.update(plain) + closing.finalize()


def test_the_example_of_the_standard_is_opened() -> None:
    found = answer(HEADER + SEALED)
    assert [(one.quantity, one.value, one.power) for one in found.records[:1]] == [
        ("volume", 2850427, -2)]
    assert found.records[1].text == "2008-05-31T23:50"
    assert found.identity is not None and found.identity.text().startswith("12345678")


def test_what_follows_the_encrypted_blocks_is_read_too() -> None:
    assert answer(HEADER + SEALED + bytes.fromhex("0413e8030000")).records[-1].value == 1000


def test_without_a_key_it_says_what_to_set_and_with_another_that_it_is_wrong() -> None:
    with pytest.raises(Encrypted, match="set key in its access, 32 hexadecimal digits"):
        answer(HEADER + SEALED, b"")
    with pytest.raises(WrongKey, match="is the key right") as caught:
        answer(HEADER + SEALED, bytes(16))
    assert caught.value.outcome == status.NOT_GENUINE


def test_other_modes_and_pieces_are_refused_by_name() -> None:
    with pytest.raises(Encrypted, match=r"mode 7\): only mode 5 with a long header"):
        answer(HEADER[:-1] + b"\x27" + SEALED)
    with pytest.raises(Broken, match="32 encrypted bytes are announced, there are 31"):
        answer(HEADER + SEALED[:-1])
    with pytest.raises(Encrypted, match="only mode 5 with a long header"):
        decode_answer(Frame(8, 1, 0x7A, HEADER[8:] + SEALED), KEY)


def test_an_answer_in_plain_is_read_whether_there_is_a_key_or_not() -> None:
    plain = HEADER[:10] + bytes(2) + bytes.fromhex("0413e8030000")
    assert answer(plain).records == answer(plain, b"").records != ()


def test_every_part_of_the_header_is_in_the_vector() -> None:
    data = sealed(bytes.fromhex("2f2f0413e80300000413d0070000" + "2f2f"),
                  HEADER[:10] + b"\x10\x25")
    assert [one.value for one in answer(data).records] == [1000, 2000]
    for place in range(9):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            records = answer(bytes(changed)).records
        except MeterError:
            continue
        assert records != answer(data).records, place
