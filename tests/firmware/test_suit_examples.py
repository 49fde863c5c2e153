"""The draft's six examples: digest and signature hold, the product refuses them. On one made alike:
the check notices every change.
"""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.firmware import suit_examples
from wum_shared import cbor
from wum_shared.errors import WireError

MANIFEST = cbor.encode({1: 1, 2: 0, 3: cbor.encode({2: [[b"\x00"]]}), 9: cbor.encode([23, 2])})


VECTORS = Path(__file__).parent.parent / "vectors" / "suit" / "examples.json"


@pytest.mark.parametrize("name", [f"example{n}" for n in range(6)])
def test_digest_and_signature_of_the_draft_s_examples_hold_and_the_product_refuses_them(
        name: str) -> None:
    found = json.loads(VECTORS.read_text())
    key = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), bytes.fromhex(found["public"]))
    raw = bytearray.fromhex(found["envelopes"][name])
    suit_examples.check(bytes(raw), key)
    assert suit_examples.refusal(bytes(raw)).startswith("update ")
    manifest = cbor.decode(bytes(raw), tags=(107,)).value[3]      # type: ignore[union-attr]
    raw[raw.index(manifest) + len(manifest) // 2] ^= 1
    with pytest.raises((suit_examples.Wrong, WireError)):
        suit_examples.check(bytes(raw), key)


def envelope(key: ec.EllipticCurvePrivateKey) -> bytes:
    digest = cbor.encode([-16, sha256(cbor.encode(MANIFEST)).digest()])
    protected = cbor.encode({1: -7})
    r, s = decode_dss_signature(key.sign(
        cbor.encode(["Signature1", protected, b"", digest]), ec.ECDSA(SHA256())))
    signature = cbor.encode(cbor.Tag(18, [
        protected, {}, None, r.to_bytes(32, "big") + s.to_bytes(32, "big")]))
    return cbor.encode(cbor.Tag(107, {2: cbor.encode([digest, signature]), 3: MANIFEST}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "private_key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    text = envelope(key).hex()
    lines = "\n".join([text[at:at + 60] for at in range(0, len(text), 60)])
    (tmp_path / "example0.txt").write_text(
        f"Envelope:\n\n~~~\nd86b\n~~~\n\nEnvelope with COSE authentication object:\n\n~~~\n{lines}"
        "\n~~~\n")
    return tmp_path


def test_an_example_holds_and_is_refused_by_the_product(
        folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suit_examples.main(folder) == 0
    assert "refused: update manifest: key" in capsys.readouterr().out


def test_a_changed_example_does_not(folder: Path) -> None:
    page = folder / "example0.txt"
    raw = bytearray(suit_examples.envelope_of(page.read_text()))
    raw[-1] ^= 1                         # Within the manifest.
    with pytest.raises(suit_examples.Wrong, match="digest is not"):
        suit_examples.check(bytes(raw), suit_examples.public_key(folder))


def test_another_key(folder: Path) -> None:
    raw = suit_examples.envelope_of((folder / "example0.txt").read_text())
    with pytest.raises(suit_examples.Wrong, match="signature does not hold"):
        suit_examples.check(raw, ec.generate_private_key(ec.SECP256R1()).public_key())


def test_a_folder_without_examples(folder: Path) -> None:
    (folder / "example0.txt").unlink()
    assert suit_examples.main(folder) == 1
