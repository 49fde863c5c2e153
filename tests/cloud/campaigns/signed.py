"""Signed releases for tests, made of the contract alone."""

import json
import secrets
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_DNS, UUID, uuid5

from wum_cloud.registry.cipher import SodiumSigner
from wum_shared import bundle, cbor, cose, release_trust, suit
from wum_shared.release_trust import ReleaseTrust

VENDOR = uuid5(NAMESPACE_DNS, "wum")


class Workbench:
    """Release keys of `names`, `threshold` of which have to sign."""

    def __init__(self, *names: str, threshold: int = 1, target: str = "linux") -> None:
        self.seeds = {name: secrets.token_bytes(32) for name in names or ("ada",)}
        self.threshold, self.target = threshold, target
        self.roots: list[bytes] = []

    def trust(self, path: Path, *signers: str) -> Path:
        """As `wum-firmware trust` writes it."""
        table: dict[str, object] = {
            "target": self.target, "threshold": self.threshold,
            "signers": {name: SodiumSigner.public(self.seeds[name]).hex()
                        for name in signers or self.seeds}}
        if self.roots:
            table["root"] = {"threshold": len(self.roots), "keys": {
                "root-%d" % n: SodiumSigner.public(seed).hex()
                for n, seed in enumerate(self.roots)}}
        path.write_text(json.dumps(table))
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


class Roots(Workbench):
    """One with two root keys, both of which have to sign; three may sign releases, one at a time.
    """

    def __init__(self) -> None:
        super().__init__("ada", "grace", "lin")
        self.roots = [secrets.token_bytes(32), secrets.token_bytes(32)]

    def document(self, number: int, *signers: str, seeds: list[bytes] | None = None,
                 device_class: UUID | None = None) -> bytes:
        """The next one, by which these sign releases."""
        payload = release_trust.payload_of(ReleaseTrust(
            number, (device_class or uuid5(VENDOR, self.target)).bytes, len(self.roots),
            tuple(("root-%d" % n, SodiumSigner.public(seed))
                  for n, seed in enumerate(self.roots)), 1,
            tuple((name, SodiumSigner.public(self.seeds[name])) for name in sorted(signers))))
        return release_trust.encode(payload, tuple(
            cose.sign_detached(SodiumSigner(), seed, _kid(seed), payload)
            for seed in (self.roots if seeds is None else seeds)))


def _kid(seed: bytes) -> bytes:
    return sha256(SodiumSigner.public(seed)).digest()[:8]
