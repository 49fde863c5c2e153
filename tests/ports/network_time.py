"""A server of network time on loopback that says nothing until it is told to."""

import threading
import time

from tests.ports.datagrams import DatagramServer
from wum_edge.ports.micropython import sntp


class NetworkTime(DatagramServer):
    """Answers with this machine's time, once `answers` was called."""

    def __init__(self) -> None:
        super().__init__()
        self._may = threading.Event()

    def answers(self) -> None:
        self._may.set()

    def replies(self, asked: bytes) -> list[bytes]:
        if not self._may.is_set() or len(asked) != 48:
            return []
        return [sntp.served(asked, int(time.time() * 1000))]
