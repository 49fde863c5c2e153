"""One ingest worker without a broker: `python -m kit.ingest_worker DATABASE_URL KEY_FILE MESSAGES`.

The head-end's own Worker and PostgresStore, several transactions at once as in `wum-cloud ingest`,
over messages that were sealed beforehand. Says "ready", waits for a line, works, and says as JSON
how long it took, where the time went, and which answers it would have published.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from wum_cloud.broker import Delivery
from wum_cloud.database import open_pool
from wum_cloud.ingest import accept
from wum_cloud.ingest.inbox import GATHERED_BYTES_MAX, GATHERED_MESSAGES_MAX
from wum_cloud.ingest.process import TASKS
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.cipher import SodiumCipher
from wum_cloud.registry.keys import open_vault

AHEAD_S = 300


def write_messages(path: Path, messages: list[tuple[str, bytes]]) -> None:
    """What a worker is to do, as a file: topics and sealed payloads."""
    path.write_text("".join(f"{topic} {payload.hex()}\n" for topic, payload in messages))


def read_messages(path: Path) -> list[Delivery]:
    """The messages that `write_messages` wrote."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return [Delivery(topic, bytes.fromhex(payload), 0, number, 1)
            for number, (topic, payload) in enumerate(lines)]


class Stages:
    """Seconds of this process in each stage; `store` is waiting for the database as well."""

    def __init__(self) -> None:
        self.seconds = {"open": 0.0, "decode": 0.0, "store": 0.0}

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, counted."""
        def counted(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return work(*arguments)
            finally:
                self.seconds[stage] += time.perf_counter() - start
        return counted

    def awaited(
            self, stage: str, work: Callable[..., Coroutine[Any, Any, Any]],
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        """The coroutine function `work`, counted."""
        async def counted(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return await work(*arguments)
            finally:
                self.seconds[stage] += time.perf_counter() - start
        return counted


def gathered(deliveries: list[Delivery]) -> list[list[Delivery]]:
    """As the inbox hands them out when many wait: a transaction each."""
    transactions: list[list[Delivery]] = []
    size = 0
    for delivery in deliveries:
        if not transactions or size >= GATHERED_BYTES_MAX or (
                len(transactions[-1]) >= GATHERED_MESSAGES_MAX):
            transactions.append([])
            size = 0
        transactions[-1].append(delivery)
        size += len(delivery.payload)
    return transactions


async def work(worker: Worker, transactions: list[list[Delivery]]) -> list[tuple[str, bytes]]:
    """Settle all of them, TASKS at a time; the answers."""
    waiting = transactions[::-1]
    answers: list[tuple[str, bytes]] = []

    async def one_after_the_other() -> None:
        while waiting:
            await worker.settle(
                waiting.pop(), lambda topic, message: answers.append((topic, message)),
                lambda delivery: None)
    await asyncio.gather(*[one_after_the_other() for _ in range(TASKS)])
    return answers


async def main(url: str, key_file: str, messages: str) -> None:
    """See above."""
    stages = Stages()
    accept.unseal = stages.timed("open", accept.unseal)
    accept.read_opened = stages.timed("decode", accept.read_opened)
    accept.accept = stages.timed("decode", accept.accept)
    transactions = gathered(read_messages(Path(messages)))
    async with open_pool(url) as pool:
        await pool.wait()
        store = PostgresStore(pool)
        store.commit = stages.awaited("store", store.commit)  # type: ignore[method-assign]
        worker = Worker(store, open_vault(Path(key_file)), SodiumCipher(), ahead_s=AHEAD_S)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        start, cpu = time.perf_counter(), time.process_time()
        answers = await work(worker, transactions)
        print(json.dumps({
            "took_s": time.perf_counter() - start, "cpu_s": time.process_time() - cpu,
            "stages": stages.seconds,
            "answers": [(topic, message.hex()) for topic, message in answers]}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
