"""Runs on the virtual board: the whole gateway, and its heap before and after every turn.

What a turn leaves is collected before the next, so what stands there is in use; what comes on top
within a turn is counted whole, because this interpreter collects nothing within one.
"""

import asyncio
import gc
import json

import _steps
import machine

EVERY_MS = 500
_BEFORE = ("binascii", "cryptolib", "hashlib", "json", "network", "os", "socket", "struct", "time")


async def loaded(names):
    """(heap of the interpreter, heap that the gateway's code takes)."""
    for name in _BEFORE:
        __import__(name)
    for _ in range(3):
        gc.collect()
        await asyncio.sleep_ms(0)
    before = gc.mem_alloc()
    for name in names:
        __import__(name)
        gc.collect()
        await asyncio.sleep_ms(0)
    for _ in range(3):
        gc.collect()
        await asyncio.sleep_ms(0)
    return before, gc.mem_alloc() - before


async def run(names):
    """For ever; says twice a second how much heap there was."""
    own, code = await loaded(names)
    from wum_edge.agent import Agent
    from wum_edge.ports.micropython import main
    from wum_edge.ports.micropython.console import Printed
    found = {"own": own, "code": code, "standing": 0, "turn": 0, "peak": 0}
    turn = _steps._turn

    def measured(task):
        before = gc.mem_alloc()
        turn(task)
        after = gc.mem_alloc()
        found["standing"] = max(found["standing"], before - own)
        found["turn"] = max(found["turn"], after - before)
        found["peak"] = max(found["peak"], after - own)
        gc.collect()
    agents = []
    tick = Agent.tick

    def ticked(agent):
        agents[:] = [agent]
        tick(agent)
    Agent.tick = ticked
    _steps._turn = measured

    async def tell():
        while True:
            await asyncio.sleep_ms(EVERY_MS)
            if agents:
                # Not its summary, which reads the archive: that is heap of who measures.
                archive = agents[0]._archive
                found["archived"] = archive.next_sequence - 1
                found["backlog"] = archive.backlog
                print("HEAP " + json.dumps(found))
    asyncio.create_task(tell())
    await main._guarded(machine.WDT(timeout=600000), Printed())
