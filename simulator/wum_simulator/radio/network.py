"""A network of relays on the simulated air, and what became of every object given to it.

Left out: other people's protocols (benchmarks). An object is told by its first eight bytes, as a
batch is by its sequence number; what comes twice is counted, and stored once.
"""

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from wum_edge.mesh import joining
from wum_edge.mesh.airtime import WIRE, Modulation, modulation
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.joiner import Joiner
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_simulator.radio.air import Air
from wum_simulator.radio.field import Field, Terrain
from wum_simulator.radio.library import Library
from wum_simulator.radio.places import Site
from wum_simulator.radio.reception import CAPTURE_DB
from wum_simulator.radio.seal import FastCcm
from wum_simulator.radio.station import JITTER_US, Core, Station
from wum_simulator.radio.wifi import Wifi
from wum_simulator.world import Dice

SF7 = modulation(7, 250_000)
SF5 = modulation(5, 250_000, preamble=12)
FLOOR_DBM = -128.0           # 14 dB under the noise in 250 kHz: weaker ones harm nobody.
NOON_US = 1_700_000_000_000_000      # Network time when a run begins.
_FEED_AGAIN_US = 10_000_000  # What a full store refused is offered again, as an archive does.
_KEY = bytes(range(16))
_NET, _EPOCH = 0x57A1, 1
_FIRST_EUI = 0x70B3_D500_0000_0000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is built. `gateways`: numbers of sites."""

    sites: list[Site]
    terrain: Terrain
    gateways: tuple[int, ...]
    seed: int
    ways: tuple[Modulation, ...] = (SF7,)
    duty_permyriad: int = 1000
    capture_db: float = CAPTURE_DB
    jitter_us: int = JITTER_US
    start_spread_us: int = 30_000_000
    joins: bool = False          # Stations but gateways have no key yet, and ask for it.
    outlaws: tuple[int, ...] = ()    # Sites that no law holds: attackers'.


@dataclass(slots=True)
class Tally:
    """What became of the objects. Times are true microseconds."""

    born_us: dict[int, int] = field(default_factory=dict)
    came_us: dict[int, int] = field(default_factory=dict)
    from_site: Counter[int] = field(default_factory=Counter)
    bytes_by_site: Counter[int] = field(default_factory=Counter)
    twice: int = 0


Maker = Callable[[Plan, int, int, tuple[int, int]], Core]


def relay_of(plan: Plan, number: int, t_us: int, stored: tuple[int, int]) -> Core:
    """Our relay for a station that is switched on, with what its store holds."""
    guard = Guard(FastCcm(_KEY), _NET, _EPOCH, number + 1, stored[0])
    setting = Setting(number + 1, number in plan.gateways, list(plan.ways), plan.duty_permyriad)
    return Relay(setting, guard, t_us, dice_of(plan, number), stored[1])


class Office:
    """The head-end's part: who may join, with what key of its own."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.admitted: set[int] = set()
        self.nonces: Counter[int] = Counter()

    def joiner(self, number: int, t_us: int, stored: tuple[int, int]) -> Core | None:
        """What runs on a station that has no key yet."""
        plan = self._plan
        if (not plan.joins or number in self.admitted
                or number in plan.gateways + plan.outlaws):
            return None
        setting = Setting(number + 1, False, list(plan.ways), plan.duty_permyriad)
        return Joiner(setting, _device(number), _eui(number), self.nonces[number], t_us,
                      dice_of(plan, number), stored[1])

    def answer(self, content: bytes) -> tuple[int, bytes] | None:
        """(where to, sealed admission) for a request; None for who is not known."""
        wanted = joining.decode_request(content)
        number = int.from_bytes(wanted.eui, "big") - _FIRST_EUI
        if not 0 <= number < len(self._plan.sites):
            return None
        device = _device(number)
        if not joining.is_genuine(device, wanted):
            return None
        given = joining.Admission(number + 1, _EPOCH, _KEY)
        return wanted.answer_to, joining.admission(device, wanted, given)


def dice_of(plan: Plan, number: int) -> int:
    """What a station draws its waits from. Two with the same, or nearly, would speak together."""
    return int.from_bytes(sha256(b"dice %d of %d" % (number, plan.seed)).digest()[:4], "big")


def _eui(number: int) -> bytes:
    return (_FIRST_EUI + number).to_bytes(joining.EUI_SIZE, "big")


def _device(number: int) -> FastCcm:
    return FastCcm(sha256(b"device %d" % number).digest()[:16])


class Network:
    """Stations by their number in `plan.sites`; a station's address is its number plus one."""

    def __init__(self, plan: Plan, maker: "Maker | None" = None) -> None:
        self.plan, self.tally = plan, Tally()
        self._maker = maker or relay_of
        self._dice = Dice(plan.seed)
        self.field = Field(plan.sites, plan.terrain, FLOOR_DBM, self._dice)
        ways = [way for way in plan.ways if way != WIRE]
        self.air = Air(self.field, ways, self._dice, plan.capture_db,
                       [10_000 if at in plan.outlaws else plan.duty_permyriad
                        for at in range(len(plan.sites))])
        self.stations = [
            Station(self.air, at, self._dice.stream("host", at), plan.jitter_us)
            for at in range(len(plan.sites))]
        self._stored = [(0, 0)] * len(plan.sites)     # What each station's store holds.
        self._office = Office(plan)
        self._waiting: list[dict[int, tuple[int, bytes, int]]] = [{} for _ in plan.sites]
        self._back_log: list[list[tuple[bytes, int]]] = [[] for _ in plan.sites]
        self._is_fed_again = [False for _ in plan.sites]
        self._next_object = 0
        self.library: Library | None = None
        self.told: list[tuple[int, int, tuple[object, ...]]] = []    # When, whose, what.
        if len(ways) < len(plan.ways):       # Blocks have Wi-Fi.
            wifi = Wifi(self.air, [site.block for site in plan.sites], len(ways),
                        self._dice.stream("wifi"))
            for station in self.stations:
                station.wifi = wifi
                wifi.join(station.number, station.heard_by_wire)
        start = self._dice.stream("start")
        for station in self.stations:
            station.other = self._other
            self.air.after(start.randrange(plan.start_spread_us), self.boot, station.number)

    def boot(self, number: int) -> None:
        """Switch a station on, with nothing but what its store holds."""
        station = self.stations[number]
        t_us = station.local_us(self.air.now_us)
        core = self._office.joiner(number, t_us, self._stored[number])
        station.start(core or self._maker(self.plan, number, t_us, self._stored[number]))
        relay = self.relay(number)
        if relay is not None and number in self.plan.gateways:
            relay.set_time(t_us, NOON_US + self.air.now_us)
        if relay is not None and self.library is not None:
            self.library.offer(relay, number)
        again = list(self._waiting[number].values())
        self._waiting[number].clear()
        self._back_log[number] = [(content, priority) for _, content, priority in again
                                  ] + self._back_log[number]
        self.feed(number)

    def spread(self, library: Library) -> None:
        """From now on this image is spread among its members."""
        self.library = library
        for station in self.stations:
            def offer(core: Core, t_us: int, number: int = station.number) -> None:
                core.on_tick(t_us)
                if isinstance(core, Relay):
                    library.offer(core, number)

            station.act(offer)

    def relay(self, number: int) -> Relay | None:
        core = self.stations[number].core
        return core if isinstance(core, Relay) else None

    def give(self, number: int, size: int, priority: int = 2) -> int:
        """A new object of `size` bytes at a station; its number in the tally."""
        identity = self._next_object
        self._next_object += 1
        self.tally.born_us[identity] = self.air.now_us
        content = struct.pack(">II", identity, number) + bytes(size - 8)
        queue = self._back_log[number]
        at = len(queue)
        while at and queue[at - 1][1] > priority:        # The archive gives what is urgent first.
            at -= 1
        queue.insert(at, (content, priority))
        self.feed(number)
        return identity

    def feed(self, number: int) -> None:
        """Submit what waits at a station, as far as its relay has room."""
        station, waiting = self.stations[number], self._back_log[number]
        while waiting and station.core is not None:
            content, priority = waiting[0]
            taken: list[int] = []

            def submit(core: Core, t_us: int, content: bytes = content,
                       priority: int = priority, taken: list[int] = taken) -> None:
                given = core.submit(t_us, content, priority)
                if given is not None:
                    taken.append(given)
                    self._waiting[number][given] = (self.air.now_us, content, priority)

            station.act(submit)
            if not taken:
                if not self._is_fed_again[number]:
                    self._is_fed_again[number] = True
                    self.air.after(_FEED_AGAIN_US, self._feed_again, number)
                return
            waiting.pop(0)

    def _feed_again(self, number: int) -> None:
        self._is_fed_again[number] = False
        self.feed(number)

    def has_backlog(self, number: int) -> bool:
        """Whether a station has objects for which its relay had no room yet."""
        return bool(self._back_log[number])

    def undelivered(self) -> list[int]:
        return [identity for identity in self.tally.born_us if identity not in self.tally.came_us]

    def _other(self, station: Station, action: tuple[object, ...]) -> None:
        number = station.number
        relay = self.relay(number)
        if self.library is not None and relay is not None and self.library.tell(
                relay, number, action, self.air.now_us):
            return
        if action[0] == "deliver":
            content = action[3]
            assert isinstance(content, bytes)
            self._deliver(content)
        elif action[0] == "done":
            self._waiting[number].pop(action[1], None)       # type: ignore[call-overload]
        elif action[0] == "again":
            found = self._waiting[number].pop(action[1], None)   # type: ignore[call-overload]
            if found is not None:
                self._back_log[number].append((found[1], found[2]))
                self.air.after(0, self.feed, number)
        elif action[0] == "want":
            found = self._waiting[number].get(action[1])     # type: ignore[call-overload]
            relay = self.relay(number)
            if found is not None and relay is not None:
                relay.resubmit(relay.now, action[1], found[1],       # type: ignore[arg-type]
                               action[2], found[2])                  # type: ignore[arg-type]
        elif action[0] in ("join", "joined", "nonce"):
            self._joins(station, action)
        elif action[0] == "reserve":
            assert isinstance(action[1], int) and isinstance(action[2], int)
            self._stored[number] = (action[1], action[2])
        else:
            self.told.append((self.air.now_us, number, action))

    def _joins(self, station: Station, action: tuple[object, ...]) -> None:
        number = station.number
        if action[0] == "join":
            relay = self.relay(number)
            answer = self._office.answer(action[2])          # type: ignore[arg-type]
            if answer is not None and relay is not None:
                relay.admit(relay.now, action[1], *answer)   # type: ignore[arg-type]
        elif action[0] == "nonce":
            self._office.nonces[number] = action[1]          # type: ignore[assignment]
        else:
            assert isinstance(station.core, Joiner)
            spent_us = station.core.ledger.spent_us(station.core.now)
            self._stored[number] = (self._stored[number][0], spent_us)
            self._office.admitted.add(number)
            self.told.append((self.air.now_us, number, action))
            self.air.after(0, self.boot, number)

    def _deliver(self, content: bytes) -> None:
        identity, origin = struct.unpack(">II", content[:8])
        if identity in self.tally.came_us:
            self.tally.twice += 1
            return
        self.tally.came_us[identity] = self.air.now_us
        self.tally.from_site[origin] += 1
        self.tally.bytes_by_site[origin] += len(content)
