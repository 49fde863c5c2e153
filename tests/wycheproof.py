"""Project Wycheproof's vectors against whoever seals, signs, agrees and derives for us.

They hold what is right, and what implementations took that they should not have: changed tags,
signatures of other forms, points that leave no secret. Imports nothing of a room: each hands its
own objects in.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "vectors" / "wycheproof" / "vectors.jsonl"


@cache
def vectors(kind: str) -> list[dict[str, Any]]:
    """Those of a kind: seal, sign, agree or derive; bytes as such."""
    found = [json.loads(line) for line in _FILE.read_text().splitlines()]
    return [{name: bytes.fromhex(value) if isinstance(value, str) and name not in (
        "kind", "result") else value for name, value in one.items()}
            for one in found if one["kind"] == kind]


def sealing(cipher: Any) -> list[int]:
    """Numbers of those that a cipher takes otherwise than it should."""
    assert len(vectors("seal")) == 316
    wrong = []
    for v in vectors("seal"):
        opened = cipher.decrypt(v["key"], v["nonce"], v["sealed"], v["aad"])
        made = cipher.encrypt(v["key"], v["nonce"], v["plain"], v["aad"])
        if (opened == v["plain"]) is not v["holds"] or (made == v["sealed"]) is not v["holds"]:
            wrong.append(v["id"])
        if not v["holds"] and opened is not None:
            wrong.append(v["id"])
    return wrong


def signing(verifier: Any) -> list[int]:
    """Numbers of those that a verifier takes otherwise than it should."""
    assert len(vectors("sign")) == 151
    return [v["id"] for v in vectors("sign")
            if verifier.verify(v["key"], v["said"], v["signature"]) is not v["holds"]]


def agreeing(agreement: Any) -> list[int]:
    """Numbers of those that an agreement takes otherwise than it should. One that may be taken or
    refused is taken right, or refused; one that leaves no secret is refused."""
    assert len(vectors("agree")) == 518
    wrong = []
    for v in vectors("agree"):
        shared = agreement.shared(v["secret"], v["key"])
        must_refuse = v["shared"] == bytes(32)
        is_right = shared == v["shared"] and not must_refuse
        may_refuse = v["result"] == "acceptable" and shared is None
        if not is_right and not may_refuse:
            wrong.append(v["id"])
    return wrong


def deriving(extract: Callable[[bytes, bytes], bytes],
             expand: Callable[[bytes, bytes, int], bytes]) -> list[int]:
    """Numbers of those that are derived otherwise; more than HKDF can give is refused."""
    assert len(vectors("derive")) == 86
    wrong = []
    for v in vectors("derive"):
        try:
            made = expand(extract(v["salt"], v["ikm"]), v["info"], v["size"])
        except (AssertionError, ValueError):
            made = b""
        if (made == v["okm"] and made != b"") is not v["holds"]:
            wrong.append(v["id"])
    return wrong
