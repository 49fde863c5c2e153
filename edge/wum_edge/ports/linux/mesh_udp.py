"""Frames between neighbours by UDP: over Wi-Fi or a wire. One frame is one datagram.

Where a neighbour is, is learned from what it sends once the relay has found that genuine, and known
beforehand for peers that the configuration names. Left out: what a frame means (mesh/relay.py).
"""

import contextlib
import errno
import logging
import socket
import struct
import time

from wum_edge.mesh.frames import ALL, FRAME_MAX, HEADER_SIZE

Address = tuple[str, int]
LEARNED_MAX = 64             # As many as the relay has neighbours.
RECEIVE_MAX = 64             # Datagrams taken in one go: a flood of them must not stop the radio.
# After a datagram follows the time that it takes at 1 Mbit/s: a burst overruns no buffer of an
# access point. The relay speaks only when the one before is out.
PACE_US_PER_BYTE = 8
DATAGRAM_MAX = FRAME_MAX     # Below every link's MTU: nothing is ever fragmented.
COMPLAIN_S = 60.0
_HOPS = 1                    # A group's datagrams do not leave the link.
_log = logging.getLogger("wum_edge.mesh.udp")


class UdpPort:
    """One socket, its peers, and the neighbours that were heard through it."""

    def __init__(self, listen: Address, peers: list[Address], group: Address | None = None,
                 interface: str = "") -> None:
        """Raises OSError when the address is not ours or in use, or a peer's name unknown."""
        self.peers = [_resolved(peer) for peer in peers]
        self._group = group
        self._learned: dict[int, Address] = {}
        self.refused = self.failed = 0           # Too long to be a frame; not sent.
        self._told_s: float | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            if group is not None:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._join(group, interface)
            self._socket.bind(listen if group is None else ("", group[1]))
        except OSError:
            self._socket.close()
            raise
        self.address: Address = self._socket.getsockname()

    def _join(self, group: Address, interface: str) -> None:
        index = socket.if_nametoindex(interface) if interface else 0
        wish = struct.pack("=4s4si", socket.inet_aton(group[0]), bytes(4), index)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, wish)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, wish)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _HOPS)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, destination: int, frame: bytes) -> int:
        """Send to one neighbour or to all; how long to wait before the next frame, in us.

        What cannot be sent is lost, as on the air: the relay sends again what is not acknowledged.
        """
        assert len(frame) <= DATAGRAM_MAX
        if destination != ALL:
            known = self._learned.get(destination)
            targets = [known] if known is not None else []
        else:
            targets = list(dict.fromkeys([*self.peers, *self._learned.values()]))
            if self._group is not None:
                targets.append(self._group)
        for target in targets:
            self._send_to(target, frame)
        return PACE_US_PER_BYTE * len(frame) * max(len(targets), 1)

    def _send_to(self, target: Address, frame: bytes) -> None:
        failure = None
        try:
            self._socket.sendto(frame, target)
        except OSError as error:
            failure = error
        if failure is None:
            return
        self.failed += 1
        now_s = time.monotonic()
        if failure.errno not in (errno.EAGAIN, errno.ECONNREFUSED) and (
                self._told_s is None or now_s >= self._told_s + COMPLAIN_S):
            self._told_s = now_s
            _log.warning("udp %s:%d: a frame could not be sent: %s; it is sent again when the "
                         "neighbour is heard", target[0], target[1], failure.strerror)

    def receive(self) -> list[tuple[bytes, Address]]:
        """What has come, at most RECEIVE_MAX datagrams."""
        found: list[tuple[bytes, Address]] = []
        for _ in range(RECEIVE_MAX):
            try:
                frame, source = self._socket.recvfrom(DATAGRAM_MAX + 1)
            except BlockingIOError:
                break
            except OSError:          # A peer's ICMP refusal of an earlier datagram.
                continue
            if HEADER_SIZE < len(frame) <= DATAGRAM_MAX:
                found.append((frame, (source[0], source[1])))
            else:
                self.refused += 1
        return found

    def learn(self, station: int, source: Address) -> None:
        """A genuine and new frame of this station came from there."""
        if station in self._learned or len(self._learned) < LEARNED_MAX:
            if self._learned.get(station) != source:
                _log.info("station %d is at udp %s:%d", station, *source)
            self._learned[station] = source

    def place_of(self, station: int) -> str:
        """Where a station was heard, for people; empty for one that was not."""
        found = self._learned.get(station)
        return "%s:%d" % found if found else ""


def _resolved(peer: Address) -> Address:
    """A peer by number: a name that is not known yet is left as it is, and tried again to send."""
    with contextlib.suppress(OSError):
        return (socket.gethostbyname(peer[0]), peer[1])
    return peer
