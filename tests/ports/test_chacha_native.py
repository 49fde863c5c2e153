"""The native ChaCha20 of the boards, counted as viper counts: words of 32 bits that go round.

No interpreter of the tests takes native code, so its text is run here with numbers that do what a
board's registers do. mpy-cross compiles it for every architecture (tests/run_micropython.py).
"""

import inspect
import os
import sys
import types
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import wum_edge
from wum_edge.ports.micropython import cipher

SOURCE = Path(wum_edge.__file__).parent / "ports" / "micropython" / "chacha_viper.py"


class Word(int):
    """Viper's int: 32 bits with a sign, in every operation."""

    def __new__(cls, value):
        value &= 0xFFFFFFFF
        return super().__new__(cls, value - (value >> 31 << 32))


for _name in ("add", "sub", "mul", "and", "or", "xor", "lshift", "rshift"):
    _act = getattr(int, f"__{_name}__")
    setattr(Word, f"__{_name}__", lambda one, other, act=_act: Word(act(one, other)))
    setattr(Word, f"__r{_name}__", lambda one, other, act=_act: Word(act(int(other), one)))


class Words:
    """Viper's ptr32: four bytes in the machine's order at each place."""

    def __init__(self, data):
        self._data = data

    def __getitem__(self, at):
        assert at >= 0 and 4 * at + 4 <= len(self._data), "beyond the end: a board would not tell"
        return Word(int.from_bytes(self._data[4 * at:4 * at + 4], "little"))

    def __setitem__(self, at, value):
        assert at >= 0 and 4 * at + 4 <= len(self._data), "beyond the end: a board would not tell"
        self._data[4 * at:4 * at + 4] = (int(value) & 0xFFFFFFFF).to_bytes(4, "little")


def viper(function):
    """The decorator: what comes in is what its annotation says."""
    kinds = [parameter.annotation for parameter in inspect.signature(function).parameters.values()]
    made = {"ptr32": Words, "ptr8": lambda data: data, "int": Word, int: Word}
    return lambda *given: function(*[
        made[kind](one) for kind, one in zip(kinds, given, strict=True)])


@pytest.fixture
def native(monkeypatch):
    board = types.ModuleType("micropython")
    board.viper = viper
    monkeypatch.setitem(sys.modules, "micropython", board)
    names = {"ptr32": "ptr32", "ptr8": "ptr8"}
    exec(compile(SOURCE.read_text(), SOURCE, "exec"), names)
    return names["xor"]


@pytest.mark.parametrize("counter", [0, 1, 0x7FFFFFFF, 0xFFFFFFFE])
def test_the_key_stream_is_that_of_the_library(native, counter):
    for size in (0, 1, 63, 64, 65, 127, 128, 200):
        key, nonce, data = os.urandom(32), os.urandom(12), os.urandom(size)
        starts = counter.to_bytes(4, "little")
        # The library counts on into the nonce; RFC 8439 has 32 bits, which go round.
        wanted = b"".join(
            Cipher(algorithms.ChaCha20(key, ((counter + at // 64) & 0xFFFFFFFF).to_bytes(
                4, "little") + nonce), None).encryptor().update(data[at:at + 64])
            for at in range(0, size, 64))
        mixed = bytearray(data)
        native(bytearray(b"expand 32-byte k" + key + starts + nonce), mixed)
        assert bytes(mixed) == wanted, size


def test_what_is_sealed_with_it_is_what_the_library_seals(native, monkeypatch):
    monkeypatch.setattr(cipher, "xor", native)
    for size in (0, 1, 16, 63, 64, 65, 300):
        key, nonce = os.urandom(32), os.urandom(12)
        plain, aad = os.urandom(size), os.urandom(size % 7)
        sealed = ChaCha20Poly1305(key).encrypt(nonce, plain, aad)
        assert cipher.Cipher().encrypt(key, nonce, plain, aad) == sealed
        assert cipher.Cipher().decrypt(key, nonce, sealed, aad) == plain
        wrong = sealed[:-1] + bytes([sealed[-1] ^ 1])
        assert cipher.Cipher().decrypt(key, nonce, wrong, aad) is None
