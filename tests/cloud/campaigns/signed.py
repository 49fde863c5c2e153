"""Signed releases for tests, made of the contract alone."""

import json
import secrets
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from wum_cloud.registry.cipher import SodiumSigner
from wum_shared import bundle, cbor, cose, suit

VENDOR = uuid5(NAMESPACE_DNS, "wum")


class Workbench:
    """Release keys of `names`, `threshold` of which have to sign."""

    def __init__(self, *names: str, threshold: int = 1, target: str = "linux") -> None:
        self.seeds = {name: secrets.token_bytes(32) for name in names or ("ada",)}
        self.threshold, self.target = threshold, target

    def trust(self, path: Path) -> Path:
        """As `wum-firmware trust` writes it."""
        path.write_text(json.dumps({
            "target": self.target, "threshold": self.threshold,
            "signers": {name: SodiumSigner.public(seed).hex()
                        for name, seed in self.seeds.items()}}))
        return path

    def parts(self, sequence: int = 4, *signers: str, size: int = 3000, target: str = "",
              ) -> tuple[bytes, bytes]:
        """(envelope, content) of a release."""
        about = {"version": "1.%d" % sequence, "commit": "c0ffee",
                 "target": target or self.target}
        content = bundle.content_of([
            ("release.json", json.dumps(about).encode(), bundle.PLAIN),
            ("wum_edge/agent.py", (b"# %d\n" % sequence) * (size // 4), bundle.PLAIN)])
        index = bundle.index_of(content)
        release = suit.Release(
            sequence, VENDOR.bytes, uuid5(VENDOR, self.target).bytes, sha256(content).digest(),
            len(content), sha256(index).digest(), len(index),
            index if len(index) <= suit.INTEGRATED_INDEX_MAX else None)
        signed = [cose.sign_detached(
            SodiumSigner(), self.seeds[name], _kid(self.seeds[name]), suit.digest_of(release))
            for name in signers or list(self.seeds)]
        return suit.encode(release, tuple(signed)), content

    def handed(self, *arguments: object, **more: object) -> bytes:
        """What `wum-firmware release` sends."""
        envelope, content = self.parts(*arguments, **more)   # type: ignore[arg-type]
        return cbor.encode([envelope, content, b'{"bomFormat": "CycloneDX"}'])


def _kid(seed: bytes) -> bytes:
    return sha256(SodiumSigner.public(seed)).digest()[:8]
