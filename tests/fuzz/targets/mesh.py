"""Frames of the mesh: whatever bytes come, to the decoders and, sealed by a member, to a relay.

The first bytes choose kind, destination, aux and rate of each frame; then come its length and body.
"""

from wum_edge.mesh import downframes, frames, joining, spreadframes
from wum_edge.mesh.airtime import modulation
from wum_edge.mesh.custody import ITEMS_MAX
from wum_edge.mesh.downward import HELD_MAX
from wum_edge.mesh.frames import Malformed
from wum_edge.mesh.guard import Guard, Seal
from wum_edge.mesh.holders import HOLDERS_MAX
from wum_edge.mesh.page import PAGE_SIZE
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting

WAYS = [modulation(7, 250_000), modulation(5, 250_000, preamble=12)]
_DECODERS = (
    frames.decode_beacon, frames.decode_ask, frames.decode_poll, frames.decode_data,
    downframes.decode_down, downframes.decode_ripple, downframes.decode_echo,
    downframes.decode_want, downframes.decode_confirm, joining.decode_request,
    frames.decode_taken, spreadframes.decode_lack, spreadframes.decode_symbol)


class Open(Seal):
    """No seal at all: what a member says is genuine."""

    def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        return plain + bytes(4)

    def open(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        return sealed[:-4]


def run(data: bytes) -> None:
    """Decode it as everything, and let a relay and a gateway hear it."""
    for decode in _DECODERS:
        try:
            decode(data[:255])
        except Malformed:
            continue             # The one way in which it may refuse.
    for is_gateway in (False, True):
        _hear(data, is_gateway)


def _hear(data: bytes, is_gateway: bool) -> None:
    relay = Relay(Setting(1, is_gateway, WAYS, 1000), Guard(Open(), 7, 1, 1), 0, 1, 0)
    relay.on_rx(0, data, -80, 40, 0)
    relay.take_up(0, data[:4], 3 * PAGE_SIZE, bytes(16 * 24), data[4] & 6 if len(data) > 4 else 0)
    relay.take_up(0, data[5:9], PAGE_SIZE // 2, b"", len(data) >> 1 & 1, bytes(32))
    member = Guard(Open(), 7, 1, 2)
    t_us = at = 0
    while at + 5 <= len(data) and at < 2_000:
        kind, to, aux, rate, size = data[at:at + 5]
        body = data[at + 5:at + 5 + min(size, frames.BODY_MAX)]
        at += 5 + len(body)
        t_us += 200_000
        if member.must_reserve():
            member.reserve()
        relay.on_rx(t_us, member.seal(kind & 15, kind >> 6, (1, 0xFFFF, 9, 0xFE01)[to & 3], aux,
                                      body), -80, 40, rate & 1)
        _act(relay, t_us)
        relay.on_tick(t_us + 100_000)
        _act(relay, t_us + 100_000)
    assert relay.custody.size <= ITEMS_MAX and relay.downward.size <= HELD_MAX
    for image in relay.spread.images:
        assert len(image.holders) <= HOLDERS_MAX and len(image.owed) <= image.pages


def _act(relay: Relay, t_us: int) -> None:
    for action in relay.actions():
        if action[0] == "tx":
            assert isinstance(action[1], int)
            relay.on_tx_done(t_us + 40_000, action[1], 40_000)
        elif action[0] == "read page":
            assert isinstance(action[1], bytes) and isinstance(action[2], int)
            relay.give_page(t_us + 40_000, action[1], action[2], bytes(PAGE_SIZE))
