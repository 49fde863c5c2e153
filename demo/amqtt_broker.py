"""The broker for machines without mosquitto: amqtt, with the same accounts and rights.

python -m demo.amqtt_broker FOLDER PORT
"""

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker


async def serve(folder: str, port: int) -> None:
    """Serve on loopback until TERM."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "demo.amqtt_rules.Passwords": {"folder": folder},
                "demo.amqtt_rules.Rights": {"folder": folder},
            },
        }
    )
    await broker.start()
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
