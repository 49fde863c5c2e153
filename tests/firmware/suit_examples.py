"""The examples of the SUIT draft under our eyes: python -m tests.firmware.suit_examples FOLDER

FOLDER is `examples` of draft-ietf-suit-manifest's own repository, of whatever version: example0.txt
to example5.txt, and the key that they are signed with. Digest and ES256 signature of each are
verified, with algorithms that only this file knows, and the product has to refuse each of them:
they are outside of its subset. Envelopes of the version that we follow are tests/vectors/suit.
"""

import re
import sys
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from wum_shared import cbor, suit
from wum_shared.errors import WireError

_SIGNED = re.compile(r"^Envelope with COSE authentication object:\s+~~~\s+([0-9a-f\s]+)~~~",
                     re.MULTILINE)
_ES256 = -7


class Wrong(Exception):
    """An example does not hold: the text says what of it."""


def public_key(folder: Path) -> ec.EllipticCurvePublicKey:
    """Whose signatures the examples carry."""
    found = load_pem_private_key((folder / "private_key.pem").read_bytes(), None)
    assert isinstance(found, ec.EllipticCurvePrivateKey)
    return found.public_key()


def envelope_of(text: str) -> bytes:
    """The signed envelope that an example's page ends with."""
    found = _SIGNED.search(text)
    if found is None:
        raise Wrong("no signed envelope in it")
    return bytes.fromhex("".join(found[1].split()))


def check(envelope: bytes, key: ec.EllipticCurvePublicKey) -> None:
    """Digest over the wrapped manifest, signature over the digest. Raises Wrong."""
    value = cbor.decode(envelope, tags=(107,))
    assert isinstance(value, cbor.Tag) and isinstance(value.value, dict)
    blocks = cbor.decode(value.value[2])
    assert isinstance(blocks, list)
    digest, signature = blocks
    if cbor.decode(digest) != [-16, sha256(cbor.encode(value.value[3])).digest()]:
        raise Wrong("the digest is not that of the manifest")
    tagged = cbor.decode(signature, tags=(18,))
    assert isinstance(tagged, cbor.Tag) and isinstance(tagged.value, list)
    protected, _, payload, raw = tagged.value
    if cbor.decode(protected) != {1: _ES256} or payload is not None:
        raise Wrong("not a detached signature by ES256")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        key.verify(der, cbor.encode(["Signature1", protected, b"", digest]),
                   ec.ECDSA(SHA256()))
    except InvalidSignature as wrong:
        raise Wrong("the signature does not hold") from wrong


def refusal(envelope: bytes) -> str:
    """What the product says of it. Raises Wrong where it takes it."""
    try:
        suit.decode(envelope)
    except WireError as refused:
        return str(refused)
    raise Wrong("the product takes it, although it is outside of its subset")


def main(folder: Path) -> int:
    """Check every example of a folder; returns the exit code."""
    key = public_key(folder)
    pages = sorted(folder.glob("example*.txt"))
    failed = 0
    for page in pages:
        try:
            envelope = envelope_of(page.read_text(encoding="utf-8"))
            check(envelope, key)
            print(f"{page.name}: digest and signature hold; refused: {refusal(envelope)}")
        except (Wrong, WireError) as wrong:
            failed += 1
            print(f"{page.name}: {wrong}")
    if not pages:
        print(f"{folder} holds no example*.txt")
    return int(bool(failed) or not pages)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
