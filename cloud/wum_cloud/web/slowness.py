"""Whoever is too slow loses the connection: a request's head, its body and its answer have a time.

uvicorn ends connections that are quiet after an answer, and waits for ever for a head that does not
end, which is what Slowloris lives on. Left out: how many requests there may be (pace.py).
"""

import asyncio
from typing import Any

from starlette.types import Message, Receive, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0           # From the first byte, or from the connection, to the end of the head.
PIECE_S = 30.0          # For the next piece of a body, and for an answer's piece to be taken.
CONNECTIONS_MAX = 2000  # Of one process; more are answered with 503 at once.


class TooSlow(Exception):
    """The other side neither sends nor takes."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 by h11, as uvicorn speaks it, with an end to its patience."""

    _hurry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None      # Quiet now is keep-alive's affair; the next byte starts anew.

    def connection_lost(self, exc: Exception | None) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Give the head its time while no request is under way; take it back when one is."""
        is_under_way = self.cycle is not None and not self.cycle.response_complete
        if is_under_way and self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None
        elif not is_under_way and self._hurry is None:
            self._hurry = self.loop.call_later(HEAD_S, self._end)

    def _end(self) -> None:
        self._hurry = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def patient(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """The same, each call with its time. Raises TooSlow."""

    has_body = True

    async def receive_in_time() -> Message:
        nonlocal has_body
        if not has_body:        # What comes now is that the other side went, whenever it does.
            return await receive()
        try:
            async with asyncio.timeout(PIECE_S):
                message = await receive()
        except TimeoutError as error:
            raise TooSlow("nothing came for %d s" % PIECE_S) from error
        has_body = message["type"] == "http.request" and bool(message.get("more_body"))
        return message

    async def send_in_time(message: Message) -> None:
        try:
            async with asyncio.timeout(PIECE_S):
                await send(message)
        except TimeoutError as error:
            raise TooSlow("nothing was taken for %d s" % PIECE_S) from error

    return receive_in_time, send_in_time
