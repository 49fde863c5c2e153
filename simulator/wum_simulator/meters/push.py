"""Meters that talk by themselves: each says a telegram every few seconds, asked or not.

Holds when they talk and who they are; what stands in a telegram is p1_telegram.py's and
sml_file.py's. A line carries one such meter, or several that talk over one another.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from wum_simulator.meters.p1_telegram import telegram
from wum_simulator.meters.server import Push, Refusal, Request, Said, Server
from wum_simulator.meters.sml_file import ESCAPE, crc, file_of
from wum_simulator.town import Meter

SIGN_ON = b"/?!\r\n"
REQUEST_MAX = 1000           # Bytes of a question that is none yet.


class PushServer(Server):
    """The meters of one line that push. They are deaf; a refusal is a telegram that is not said."""

    period_ms = 10000            # Where the entry of the catalogue does not say.

    def __init__(
            self, meters: list[Meter], now_s: Callable[[], int], refusal: Refusal,
            said: Said) -> None:
        self._meters = meters
        self._now_s = now_s
        self._refusal = refusal
        self._said = said

    def hear(self, data: bytes) -> None:
        """Nobody listens."""

    def forget(self) -> None:
        """There is nothing to forget."""

    def pushes(self) -> list[Push]:
        """Every meter that is not to be asked, at its own period."""
        return [Push(int(_telegram(meter).get("period_ms", self.period_ms)) / 1000,
                     partial(self._push, meter))
                for meter in self._meters if not _telegram(meter).get("request")]

    @abstractmethod
    def message(self, meter: Meter, at_s: int) -> bytes:
        """What a meter says at that second."""

    def _push(self, meter: Meter) -> None:
        request = Request(meter.address, 0, 0, 0, self._now_s(), "push")
        if self._refusal(request) is None:
            self._said(self.message(meter, request.at_s), meter.address, request)


class P1Server(PushServer):
    """P1 ports and mode D."""

    protocols = ("p1",)

    def spoilt(self, answer: bytes) -> bytes:
        """The last digit of its CRC is another; without CRC a character that no telegram has."""
        if answer.endswith(b"!\r\n"):
            return answer[:-4] + b"\x7f" + answer[-3:]
        return answer[:-3] + (b"0" if answer[-3:-2] != b"0" else b"1") + answer[-2:]

    def message(self, meter: Meter, at_s: int) -> bytes:
        """See PushServer.message."""
        return telegram(meter, at_s)


class SmlServer(PushServer):
    """SML on a serial line, of meters that talk by themselves and of those that are to be asked."""

    protocols = ("sml",)
    period_ms = 4000

    def __init__(
            self, meters: list[Meter], now_s: Callable[[], int], refusal: Refusal,
            said: Said) -> None:
        super().__init__(meters, now_s, refusal, said)
        self._heard = bytearray()

    def hear(self, data: bytes) -> None:
        """A sign-on, or any request file of SML: its end is known, what it asks for is not."""
        self._heard += data
        way = ""
        if self._heard.endswith(SIGN_ON):
            way = "sign-on"
        elif self._heard.startswith(ESCAPE) and self._heard[-8:-3] == ESCAPE + b"\x1a":
            way = "sml" if crc(bytes(self._heard[:-2])) == self._heard[-2:] else ""
        for meter in self._meters:
            if way and _telegram(meter).get("request") == way:
                self._push(meter)
        if way or len(self._heard) > REQUEST_MAX:
            self._heard.clear()

    def forget(self) -> None:
        """What was heard is no part of what comes next."""
        self._heard.clear()

    def message(self, meter: Meter, at_s: int) -> bytes:
        """See PushServer.message."""
        return file_of(meter, at_s)


def _telegram(meter: Meter) -> dict[str, Any]:
    return dict(meter.kind.own.get("telegram", {}))
