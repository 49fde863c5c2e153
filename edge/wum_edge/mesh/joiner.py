"""A station that has no network yet: it listens, chooses a neighbour, and asks through it.

The same calls as a relay's (relay.py), so that a port runs either. Actions besides `tx`:
("joined", address, epoch, network_key). Left out: what is in the frames (joining.py).
"""

from wum_edge.mesh import frames, joining
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.duty import Ledger
from wum_edge.mesh.frames import (
    ALL,
    BEACON,
    FRAME_MAX,
    HEADER_SIZE,
    POLL,
    WELCOME,
    Header,
    Malformed,
)
from wum_edge.mesh.guard import Seal
from wum_edge.mesh.setting import Setting
from wum_edge.mesh.timing import ASKS_US, GATEWAYS, HOST_US, NEAR_Q4, THRESHOLD_Q4

KNOWN_MAX = 16
_LISTEN_US = 6_000_000       # Before the first word: somebody may be heard.
_AGAIN_US = 12_000_000       # Patience for an answer; it doubles.
_DOUBLINGS, _DOUBLINGS_KNOWN = 4, 2
_SILENCES_MAX = 8            # Who is heard by nobody that answers must ask itself one day.
_BUSY_US = 400_000           # A channel that is busy is tried again within this; it doubles.
WAIT_MAX_S = 90              # What a proxy says is heeded for so long, and half of it again.
_DIRECT_Q4 = 1_000           # A gateway that is heard well: nobody has to carry what it is asked.
_CHOICES = 4                 # Who is heard less well than so many others is not asked.
_ASKED_MAX = 8               # An answer may take longer than our patience.


class Joiner:
    """`setting.address` is any: until it is admitted a station answers to a chance number.
    `nonce` was never used before by this station: its store counts them.
    """

    def __init__(self, setting: Setting, device: Seal, eui: bytes, nonce: int, t_us: int,
                 seed: int, spent_us: int | None = None) -> None:
        assert len(eui) == joining.EUI_SIZE
        self.setting, self._device, self._eui, self._nonce = setting, device, eui, nonce
        self._chance = (seed ^ int.from_bytes(eui, "big")) & 0x7FFFFFFF | 1
        self.ledger = Ledger(setting.duty_permyriad, t_us, spent_us=spent_us)
        self.now = t_us
        self._known: dict[int, int] = {}     # By station: quarter dB.
        self._tried: set[int] = set()
        self._asked: list[int] = []          # Nonces of our last requests, the newest first.
        self._me = 0xC000 | self._draw() & 0x1FFF
        self._tries = self._silences = self._refusals = 0
        self._has_waited = False
        self._at_us = t_us + _LISTEN_US + self._draw() % _LISTEN_US
        self._busy, self._token = False, 0
        self._actions: list[tuple[object, ...]] = []
        self.is_admitted = False

    def on_rx(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        """A whole frame: somebody's who is in a network, or an answer to us."""
        self.now = max(self.now, t_us)
        try:
            header = frames.decode_header(frame)
        except Malformed:
            return
        if header.net != joining.NO_NETWORK and header.kind in (BEACON, POLL):
            self._heard_of(header, snr_q4)
            if header.kind == POLL:
                self._keep_silent(header)
        elif joining.is_solicitation(header):
            self._heard_asking()
        elif header.kind == WELCOME and header.destination == self._me and not self.is_admitted:
            self._welcomed(header.source, frame[HEADER_SIZE:])

    def _heard_of(self, header: Header, snr_q4: int) -> None:
        """Somebody who is in a network. The first one ends all patience with nobody."""
        source = header.source
        way = self.setting.ways[0]
        if header.priority == GATEWAYS and (
                snr_q4 - THRESHOLD_Q4[way.spreading_factor] >= NEAR_Q4):
            snr_q4 += _DIRECT_Q4
        if not self._known and not self._busy:
            self._tries = 0
            self._at_us = min(self._at_us, self.now + self._draw() % _LISTEN_US)
        if source not in self._known and len(self._known) >= KNOWN_MAX:
            known = self._known
            weakest = min(known, key=lambda one: (known[one], one))
            if known[weakest] >= snr_q4:
                return
            del known[weakest]
        self._known[source] = snr_q4

    def _heard_asking(self) -> None:
        """Another asks who is there: the answer is for all who hear it, so our question waits."""
        if not self._known and not self._busy and self._silences < _SILENCES_MAX:
            self._silences += 1
            self._at_us = max(self._at_us, self.now + _LISTEN_US // 2 + self._draw() % _LISTEN_US)

    def _keep_silent(self, header: Header) -> None:
        """A burst follows: whoever is in it hears nobody else. Whose header it is, nobody knows:
        so it counts for one burst, and a request that has waited is not made to wait again.
        """
        grant, rate = frames.decode_poll_aux(header.aux)
        ways = self.setting.ways
        frame_us = airtime_us(ways[rate if rate < len(ways) else 0], FRAME_MAX)
        end_us = self.now + HOST_US + grant * (frame_us + HOST_US // 2)
        if grant and self.now + HOST_US < self._at_us < end_us and not self._has_waited:
            self._has_waited = True
            self._at_us = end_us + self._draw() % ASKS_US

    def _told_to_wait(self, proxy: int, seconds: int, is_on_its_way: bool) -> None:
        """Nobody has sealed that: it counts for one request, and for 135 s at most."""
        wait_us = min(seconds, WAIT_MAX_S) * 1_000_000
        if not is_on_its_way:
            self._tried.discard(proxy)
        self._at_us = self.now + wait_us + self._draw() % (wait_us // 2 + 1)

    def _welcomed(self, proxy: int, sealed: bytes) -> None:
        word = joining.decode_wait(self._nonce, sealed)
        if word is not None:
            self._told_to_wait(proxy, *word)
            return
        for nonce in self._asked:
            given = joining.decode_admission(self._device, self._eui, nonce, sealed)
            if given is not None:
                self.is_admitted = True
                self._actions.append(("joined",) + tuple(given))
                return

    def on_tx_done(self, t_us: int, token: int, airtime_us: int) -> None:
        self.now = max(self.now, t_us)
        self._busy = False
        if airtime_us:
            self._refusals = 0
        else:                                # The channel was busy: soon again.
            self._tries = max(self._tries - 1, 0)
            self._at_us = self.now + self._draw() % (_BUSY_US << min(self._refusals, _DOUBLINGS))
            self._refusals += 1

    def on_tick(self, t_us: int) -> None:
        self.now = max(self.now, t_us)
        if self.now < self._at_us or self._busy or self.is_admitted:
            return
        proxy = self._choose()
        doublings = _DOUBLINGS if proxy == ALL else _DOUBLINGS_KNOWN
        patience_us = _AGAIN_US << min(self._tries // 2, doublings)
        self._at_us = self.now + patience_us // 2 + self._draw() % patience_us
        self._tries += 1
        self._silences, self._has_waited = 0, False
        self._nonce = self._nonce + 1 & 0xFFFFFFFF
        content = b""
        if proxy != ALL:
            content = joining.request(self._device, self._eui, self._nonce, self._me)
            self._asked = [self._nonce] + self._asked[:_ASKED_MAX - 1]
        self._send(joining.join_frame(self._me, proxy, content))

    def _choose(self) -> int:
        """The neighbour that is heard best, of the few best ones that were not asked yet; ALL when
        none is known.
        """
        known = self._known
        best = sorted([(-known[one], one) for one in known])[:_CHOICES]    # No ties: addresses.
        for _, source in best:
            if source not in self._tried:
                self._tried.add(source)
                return source
        self._tried.clear()
        if not best:
            return ALL
        self._tried.add(best[0][1])
        return best[0][1]

    def _send(self, frame: bytes) -> None:
        cost_us = airtime_us(self.setting.ways[0], len(frame))
        if self.ledger.take(self.now, cost_us, is_urgent=True):
            self._busy = True
            self._token += 1
            self._actions.append(("nonce", self._nonce))
            self._actions.append(("tx", self._token, frame, 0, 0, True))

    def next_deadline(self) -> int | None:
        return None if self.is_admitted or self._busy else self._at_us

    def submit(self, t_us: int, content: bytes, priority: int) -> int | None:
        """Nothing is taken before we are in a network."""
        return None

    def actions(self) -> list[tuple[object, ...]]:
        taken, self._actions = self._actions, []
        return taken

    @property
    def is_busy(self) -> bool:
        """Whether a frame is out of which nobody has told that it was sent."""
        return self._busy

    def _draw(self) -> int:
        state = self._chance
        state ^= state << 13 & 0x7FFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0x7FFFFFFF
        self._chance = state
        return state
