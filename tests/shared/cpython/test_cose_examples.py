"""Examples of the COSE working group: our structures give their bytes, our profile refuses them.

The examples carry what the contract does not have: an IV in the unprotected header, the key id
there as well, algorithm -8. The harness takes them apart with our CBOR, builds what is sealed or
signed with our functions, and hands it to the cipher; the product itself refuses each by name.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.shared.cpython.sodium import Sodium
from tests.shared.slow_cipher import SlowCipher
from wum_shared import cbor, cose
from wum_shared.errors import Malformed, Unsupported, WireError

EXAMPLES = Path(__file__).parents[2] / "vectors" / "cose"


def example(name: str) -> dict[str, Any]:
    return json.loads((EXAMPLES / name).read_text())


def message(made: dict[str, Any]) -> bytes:
    return bytes.fromhex(made["output"]["cbor"])


def parts_of(data: bytes, tag: int) -> list[Any]:
    return cbor.decode(data, tags=(tag,)).value


@pytest.mark.parametrize("cipher", [Sodium(), SlowCipher()], ids=["libsodium", "slow"])
def test_the_chacha_poly_example_opens_and_is_sealed_again_to_the_same_bytes(cipher):
    made = example("chacha-poly-examples/chacha-poly-enc-01.json")
    protected, unprotected, ciphertext = parts_of(message(made), 16)
    text = made["input"]["encrypted"]["recipients"][0]["key"]["k"]
    key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    aad = cose.encryption_structure(protected, b"")
    assert key.hex().upper() == made["intermediates"]["CEK_hex"]
    # The example's own AAD_hex says "Encrypt1", from a draft; its output is of the standard.
    assert aad.hex().upper() == made["intermediates"]["AAD_hex"].replace("3144", "3044")
    assert cbor.decode(protected) == {1: 24}
    plaintext = cipher.decrypt(key, unprotected[5], ciphertext, aad)
    assert plaintext == made["input"]["plaintext"].encode()
    again = cbor.Tag(16, [
        protected, unprotected, cipher.encrypt(key, unprotected[5], plaintext, aad)])
    assert cbor.encode(again) == message(made)


def test_the_eddsa_example_verifies_and_is_signed_again_to_the_same_bytes():
    made = example("eddsa-examples/eddsa-sig-01.json")
    protected, unprotected, payload, signature = parts_of(message(made), 18)
    key = made["input"]["sign0"]["key"]
    signed = cose.signature_structure(protected, payload)
    assert signed.hex().upper() == made["intermediates"]["ToBeSign_hex"]
    assert Sodium().verify(bytes.fromhex(key["x_hex"]), signed, signature)
    assert Sodium().sign(bytes.fromhex(key["d_hex"]), signed) == signature
    again = cbor.Tag(18, [protected, unprotected, payload, signature])
    assert cbor.encode(again) == message(made)


def test_a_flipped_bit_of_either_example_is_noticed():
    made = example("eddsa-examples/eddsa-sig-01.json")
    protected, _, payload, signature = parts_of(message(made), 18)
    public_key = bytes.fromhex(made["input"]["sign0"]["key"]["x_hex"])
    for bit in range(512):
        damaged = bytearray(signature)
        damaged[bit // 8] ^= 1 << bit % 8
        signed = cose.signature_structure(protected, payload)
        assert not Sodium().verify(public_key, signed, bytes(damaged))


@pytest.mark.parametrize(("name", "refusal"), [
    ("chacha-poly-examples/chacha-poly-enc-01.json", r"IV \(5\) in the unprotected header"),
    ("encrypted-tests/enc-pass-01.json", r"alg \(1\) in the unprotected header"),
    ("encrypted-tests/enc-pass-02.json", r"IV \(5\) in the unprotected header"),
])
def test_a_genuine_encrypted_example_is_refused_for_what_our_profile_lacks(name, refusal):
    with pytest.raises(Unsupported, match=refusal):
        cose.peek(message(example(name)))


@pytest.mark.parametrize("name", ["enc-pass-01.json", "enc-pass-02.json", "enc-pass-03.json"])
def test_what_a_seal_is_bound_to_is_the_structure_of_every_encrypted_example(name):
    made = example("encrypted-tests/" + name)
    data = message(made)
    parts = cbor.decode(data) if name.endswith("03.json") else parts_of(data, 16)
    # An empty map as the protected header counts as an empty string (RFC 9052, 5.3).
    protected = b"" if parts[0] == b"\xa0" else parts[0]
    external_aad = bytes.fromhex(made["input"]["encrypted"].get("external", ""))
    aad = cose.encryption_structure(protected, external_aad)
    assert aad.hex().upper() == made["intermediates"]["AAD_hex"]


def test_an_example_without_a_tag_is_refused():
    with pytest.raises(Malformed, match="wanted tag 16"):
        cose.peek(message(example("encrypted-tests/enc-pass-03.json")))


@pytest.mark.parametrize(("name", "refusal"), [
    ("eddsa-examples/eddsa-sig-01.json", r"kid \(4\) in the unprotected header"),
    ("sign1-tests/sign-pass-01.json", r"alg \(1\) in the unprotected header"),
    ("sign1-tests/sign-pass-02.json", r"kid \(4\) in the unprotected header"),
])
def test_a_genuine_signed_example_is_refused_for_what_our_profile_lacks(name, refusal):
    with pytest.raises(Unsupported, match=refusal):
        cose.peek_signed(message(example(name)))


def test_algorithm_minus_8_is_refused_by_name_even_with_everything_else_in_its_place():
    made = example("eddsa-examples/eddsa-sig-01.json")
    _, _, payload, _ = parts_of(message(made), 18)
    key = made["input"]["sign0"]["key"]
    protected = cbor.encode({1: -8, 4: b"11"})
    signature = Sodium().sign(
        bytes.fromhex(key["d_hex"]), cose.signature_structure(protected, payload))
    signed = cbor.encode(cbor.Tag(18, [protected, {}, payload, signature]))
    with pytest.raises(Unsupported, match="wanted algorithm -19, got -8"):
        cose.verify(Sodium(), bytes.fromhex(key["x_hex"]), signed)


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.json")), ids=lambda path: path.stem)
def test_no_example_at_all_passes_for_a_message_of_ours(path):
    data = message(json.loads(path.read_text()))
    for peek in (cose.peek, cose.peek_signed):
        with pytest.raises(WireError):
            peek(data)
