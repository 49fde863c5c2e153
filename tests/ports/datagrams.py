"""A server on loopback that answers each datagram in a thread of its own, until its block ends."""

import socket
import threading


class DatagramServer:
    """`replies` says what is answered, to `asker`; `port` is where it listens."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.asker = ("", 0)
        self._is_over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def replies(self, asked: bytes) -> list[bytes]:
        raise NotImplementedError

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._is_over:
            asked, self.asker = self._socket.recvfrom(512)
            for said in self.replies(asked) if asked else ():
                self._socket.sendto(said, self.asker)
