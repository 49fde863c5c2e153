"""Verify a WUM release with nothing of WUM: python verify_release.py FOLDER SIGNER.pub ...

Needs cbor2 and cryptography. Follows docs/update-envelope.md, step by step; all that are given
must have signed. Ends with what was verified, or with the first thing that is wrong.
"""

import hashlib
import json
import sys
from pathlib import Path

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SHA256, ED25519 = -16, -19


def strict(data):
    """Deterministic CBOR alone: two readers must not see two things in the same bytes."""
    value = cbor2.loads(data)
    if cbor2.dumps(value, canonical=True) != data:
        sys.exit("not deterministic CBOR")
    return value


def verify(folder, keys):
    """Sequence, device class and digest of a release that every one of `keys` signed."""
    envelope = strict((folder / "envelope.suit").read_bytes())
    if envelope.tag != 107 or set(envelope.value) - {2, 3, "#idx"}:
        sys.exit("not an envelope of this kind")
    digest, *signatures = strict(envelope.value[2])
    wrapped = cbor2.dumps(envelope.value[3])          # The manifest with its byte string's head.
    if strict(digest) != [SHA256, hashlib.sha256(wrapped).digest()]:
        sys.exit("the digest is not that of the manifest")
    missing = {hashlib.sha256(key).digest()[:8]: key for key in keys}
    for protected, unprotected, payload, signature in [strict(one).value for one in signatures]:
        header = strict(protected)
        if set(header) != {1, 4} or header[1] != ED25519 or unprotected or payload is not None:
            sys.exit("a signature of another kind")
        if header[4] in missing:
            signed = cbor2.dumps(["Signature1", protected, b"", digest])
            Ed25519PublicKey.from_public_bytes(missing.pop(header[4])).verify(signature, signed)
    if missing:
        sys.exit(f"not signed by {[kid.hex() for kid in missing]}")
    manifest = strict(envelope.value[3])
    app = strict(strict(manifest[3])[4])[3]
    content = (folder / "content.bin").read_bytes()
    if strict(app[3]) != [SHA256, hashlib.sha256(content).digest()] or app[14] != len(content):
        sys.exit("the content is not the one that the manifest names")
    return manifest[2], app[2].hex(), hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    try:
        print(*verify(Path(sys.argv[1]), [bytes.fromhex(json.loads(Path(name).read_text())[
            "public"]) for name in sys.argv[2:]]))
    except InvalidSignature:
        sys.exit("a signature does not hold")
