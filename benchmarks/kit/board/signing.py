"""Runs on the virtual board: what an order costs to take and to answer, one line of JSON."""

import gc
import json

import _board
import stages

from wum_edge.ports.micropython import sha512_plain
from wum_edge.ports.micropython.ed25519 import Signer, Verifier
from wum_edge.ports.micropython.x25519 import Agreement

SAID = bytes(200)                        # Of an order's size.


async def main(rounds):
    """Each at its best, in microseconds, and the bytes of heap that one takes and leaves behind."""
    signer, seed, other = Signer(), bytes(range(32)), bytes(range(1, 33))
    signature = signer.sign(seed, SAID)
    public = signer.public(seed)
    await stages.rest()
    point = Agreement().public(other)
    acts = {
        "sign": lambda: signer.sign(seed, SAID),
        "verify": lambda: Verifier().verify(public, SAID, signature),
        "agree": lambda: Agreement().shared(seed, point),
        "sha512": lambda: sha512_plain.sha512(bytes(100)),       # One block.
    }
    found = {"plain_us": await stages.plain_us(1000)}
    for name in ("sign", "verify", "agree", "sha512"):
        best, left = 1 << 30, 0
        for _ in range(rounds):
            await stages.rest()
            before, began_us = gc.mem_alloc(), _board.cpu_us()
            assert acts[name]()
            best = min(best, _board.cpu_us() - began_us)
            left = gc.mem_alloc() - before
        found[name + "_us"], found[name + "_bytes"] = best, left
    print(json.dumps(found))
