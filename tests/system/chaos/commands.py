"""Commands through the chaos: real desks and journals on flash that loses power, a network that
loses, repeats and reorders, clocks that are years off; the head-end's decisions are its own
(commands/sending/turns.py), its database is memory.

Judged all the time: no act twice, none past its time; a state that says done, failed or expired is
true. Afterwards everything that ever went down is played again, to clocks that are right and to
clocks ten years off: nothing happens.
"""

from dataclasses import dataclass

from tests.system.chaos.command_gateways import START_S, Concentrator
from tests.system.chaos.command_gateways import Parts as Parts
from tests.system.chaos.command_headend import Command, HeadEnd
from wum_cloud.commands import states
from wum_shared.orders import DISCONNECT, READ
from wum_shared.topics import DOWN, ORDER, topic
from wum_simulator.chaos.gateway import Violation
from wum_simulator.chaos.network import Broker, Network, Weather
from wum_simulator.world import VirtualWorld

GATEWAYS, FAULTY_S, CALM_S = 10, 2400, 2400
WITHIN_S = 900
YEARS_10_S = 315_576_000
ERRORS_S = (0, 0, 0, -YEARS_10_S, YEARS_10_S, -86400, 86400)
SEND_S = 5
GROUP_EVERY = 5              # One in so many of the commands is one of a group's.


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: what broke, commands by state, cuts of power, downlinks played again."""

    broken: str
    states: dict[str, int]
    cuts: int
    replayed: int
    acts: int


def run(seed: int, parts: Parts | None = None, commands: int = 500) -> Outcome:
    """One run; it depends on the seed alone."""
    world = VirtualWorld(seed, START_S)
    try:
        return _Run(world, parts or Parts(), commands).outcome()
    finally:
        world.close()


class _Run:
    def __init__(self, world: VirtualWorld, parts: Parts, commands: int) -> None:
        self._world = world
        self._chance = world.dice.stream("commands")
        self._network = Network(world, world.dice.stream("network"))
        self._broker = Broker(self._network)
        self._gateways = [Concentrator(n, world, self._broker, parts) for n in range(GATEWAYS)]
        self._head_end = HeadEnd(world, self._broker, parts, self._gateways)
        for number in range(commands):
            is_of_group = number % GROUP_EVERY == 0
            if number % (GROUP_EVERY * GATEWAYS) == 0 or not is_of_group:
                at_s = self._chance.randrange(FAULTY_S - 600)
                world.at(at_s, lambda number=number, is_of_group=is_of_group: self._ask(  # type: ignore[misc]
                    number, is_of_group), plain=True)

    def outcome(self) -> Outcome:
        """Run, judge, replay."""
        broken, acts, replayed = "", 0, 0
        try:
            self._broker.subscribe(self._head_end.heard)
            for gateway in self._gateways:
                gateway.start()
            self._pass(FAULTY_S, faulty=True)
            self._calm()
            self._pass(FAULTY_S + CALM_S, faulty=False)
            self._settled()
            acts = sum(len(gateway.happened) for gateway in self._gateways)
            replayed = self._replay()
        except Violation as violation:
            broken = str(violation)
        found = [one.state for one in self._head_end.commands]
        return Outcome(broken, {state: found.count(state) for state in sorted(set(found))},
                       sum(gateway.cuts for gateway in self._gateways), replayed, acts)

    def _ask(self, number: int, is_of_group: bool) -> None:
        """One command, or one for each member of the group."""
        now_s = int(self._head_end.now_s())
        kind = self._chance.choice((READ, DISCONNECT))
        for gateway in self._gateways if is_of_group else [self._chance.choice(self._gateways)]:
            self._head_end.ask(Command(
                gateway, b"act %04d" % number, kind, now_s, now_s + WITHIN_S, due_s=now_s,
                is_of_group=is_of_group))

    def _pass(self, until_s: float, *, faulty: bool) -> None:
        while self._world.elapsed_s() < until_s:
            if faulty:
                self._fault()
            self._world.let_pass(self._world.elapsed_s() + SEND_S)
            self._head_end.tick()

    def _fault(self) -> None:
        chance = self._chance
        gateway = chance.choice(self._gateways)
        fault = chance.randrange(12)
        if fault == 0 and gateway.desk is not None:
            gateway.cut()
        elif fault in (1, 2):
            gateway.flash.cut_at = gateway.flash.operations + chance.randrange(1, 8)
        elif fault == 3:
            gateway.clock.jump(chance.choice(ERRORS_S))
        elif fault == 4:
            self._network.weather = Weather(
                chance.choice((0, 300, 800)), chance.choice((0, 400)),
                chance.choice((20, 20_000, 300_000)))
        elif fault == 5:
            self._broker.stop()
            self._broker.start()
            self._broker.subscribe(self._head_end.heard)
            for one in [one for one in self._gateways if one.desk is not None]:
                self._broker.listen(topic(one.keys.concentrator, DOWN, ORDER), one.hear)

    def _calm(self) -> None:
        self._network.weather = Weather()
        for gateway in self._gateways:
            gateway.flash.cut_at = 0
            gateway.clock.jump(0)

    def _settled(self) -> None:
        """With the faults over, nothing is still on its way; what is unknown stays so honestly."""
        for one in self._head_end.commands:
            if one.state not in (*states.OVER, states.UNKNOWN):
                raise Violation("command %r is %s for ever" % (one.id, one.state))

    def _replay(self) -> int:
        """Everything that ever went down, to each clock."""
        for error_s in (0, -YEARS_10_S, YEARS_10_S):
            for gateway in self._gateways:
                gateway.is_replay = True
                gateway.clock.jump(error_s)
                if error_s:
                    gateway.cut()
            self._world.let_pass(self._world.elapsed_s() + 200)
            for gateway, sealed in self._head_end.recorded:
                gateway.hear(sealed)
            self._world.let_pass(self._world.elapsed_s() + 200)
        return 3 * len(self._head_end.recorded)

