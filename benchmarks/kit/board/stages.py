"""Runs on the virtual board: hours of hour.py, with what each stage takes in processor time."""

import asyncio
import gc
import json

import _board
import hour
from change import change, held
from utime import ticks_ms

from wum_edge.ports.micropython import chacha_plain, cipher
from wum_edge.ports.micropython.flash import BoardFlash


async def rest():
    """Garbage is collected between two turns only."""
    gc.collect()
    await asyncio.sleep_ms(0)


async def plain_us(size):
    """What the plain cipher takes for `size` bytes at its best: the yardstick of a board."""
    place = "wum_edge.ports.micropython.cipher"
    native = held(place, "xor")
    change(place, xor=chacha_plain.xor)
    best = 1 << 30
    for _ in range(8):
        await rest()
        began_us = _board.cpu_us()
        cipher.Cipher().encrypt(bytes(32), bytes(12), bytes(size), b"")
        best = min(best, _board.cpu_us() - began_us)
    change(place, xor=native)
    return best


async def main(hours):
    """Print one line of JSON."""
    with open("/hour.json") as file:
        document, entry = json.load(file)
    yardstick_us = await plain_us(1000)
    bench = hour.Bench(document, entry, BoardFlash("/flash/archive"), cipher.Cipher(),
                       _board.cpu_us, ticks_ms)
    for _ in range(hours):
        for _ in bench.hour():
            await rest()
    print(json.dumps({"costs_us": bench.costs, "rows": bench.rows, "hours": hours,
                      "sealed_bytes": bench.sealed_bytes, "plain_us": yardstick_us}))
