"""A name server on loopback that does as it is told: answers, is silent, refuses, or forges."""

import socket
import struct
from collections.abc import Callable

from tests.ports.datagrams import DatagramServer

Reply = Callable[[bytes], list[bytes]]


def address(text: str, ttl_s: int = 300) -> Reply:
    """It says this."""
    def reply(asked: bytes) -> list[bytes]:
        return [asked[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + asked[12:] + b"\xc0\x0c"
                + struct.pack(">HHIH", 1, 1, ttl_s, 4) + socket.inet_aton(text)]
    return reply


def code(number: int) -> Reply:
    """It refuses."""
    return lambda asked: [asked[:2] + bytes([0x81, 0x80 | number]) + asked[4:6] + bytes(6)
                          + asked[12:]]


def forged(text: str, then: Reply) -> Reply:
    """Somebody guesses the number of the question, and is quicker."""
    def reply(asked: bytes) -> list[bytes]:
        (false,) = address(text)(bytes([asked[0] ^ 1, asked[1]]) + asked[2:])
        return [false, *then(asked)]
    return reply


def silent(asked: bytes) -> list[bytes]:
    """It says nothing."""
    return []


class NameServer(DatagramServer):
    """Counts what it was asked."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply, self.asked = reply, 0

    def replies(self, asked: bytes) -> list[bytes]:
        if len(asked) <= 12:
            return []
        self.asked += 1
        return self.reply(asked)
