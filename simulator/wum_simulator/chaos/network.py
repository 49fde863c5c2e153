"""A network and a broker in virtual time that lose, repeat, delay and forget, as told.

Left out: when the weather changes (faults.py), who is at either end. Payloads are never altered:
what is altered on the way is not genuine, and tests of the seal are elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wum_simulator.world import Stream, VirtualWorld

HELD_MAX = 2000         # Messages that the broker keeps for the head-end; past it, it drops.


@dataclass(slots=True)
class Weather:
    """What the network does to messages: chances in thousandths, the longest delay in ms."""

    lose: int = 0
    repeat: int = 0
    delay_ms: int = 20


class Network:
    """Carries messages: each may come never, twice, late, and so out of order."""

    def __init__(self, world: VirtualWorld, chance: Stream) -> None:
        self.weather = Weather()
        self.lost = self.repeated = 0
        self._world = world
        self._chance = chance

    def carry(self, arrive: Callable[[], None]) -> None:
        """Let `arrive` happen: usually once, after a while."""
        if self._chance.randrange(1000) < self.weather.lose:
            self.lost += 1
            return
        self._later(arrive)
        if self._chance.randrange(1000) < self.weather.repeat:
            self.repeated += 1
            self._later(arrive)

    def _later(self, arrive: Callable[[], None]) -> None:
        delay_s = (1 + self._chance.randrange(self.weather.delay_ms)) / 1000
        self._world.at(self._world.elapsed_s() + delay_s, arrive, plain=True)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the broker hands it to the head-end."""

    number: int
    topic: str
    payload: bytes


class Broker:
    """An MQTT broker with QoS 1 towards the head-end, and nothing durable.

    A message counts as acknowledged (PUBACK) as soon as `publish_up` has taken it; whether it
    then reaches anybody is another matter.
    """

    def __init__(self, network: Network) -> None:
        self.is_up = True
        self.life = 1                    # Of the broker: a restart ends every connection.
        self.remembers = False           # Whether a restart keeps what was held.
        self.taken = self.forgotten = 0
        self._numbers = 0
        self._network = network
        self._held: dict[int, Message] = {}
        self._head_end: Callable[[Message], None] | None = None
        self._gateways: dict[str, Callable[[bytes], None]] = {}

    def publish_up(self, topic: str, payload: bytes) -> bool:
        """From a gateway. Whether it was taken."""
        if not self.is_up:
            return False
        self.taken += 1
        self._network.carry(lambda: self._arrived(topic, payload))
        return True

    def publish_down(self, topic: str, payload: bytes) -> bool:
        """From the head-end: to the gateway that listens now, or to nobody."""
        if not self.is_up:
            return False
        self._network.carry(lambda: self._pass_down(topic, payload))
        return True

    def subscribe(self, head_end: Callable[[Message], None] | None) -> None:
        """The head-end connects, or with None goes; what it did not release comes again."""
        self._head_end = head_end
        for message in list(self._held.values()):
            self._pass_up(message)

    def listen(self, topic: str, gateway: Callable[[bytes], None] | None) -> None:
        """A gateway hears its topic from now on; with None it does no longer."""
        if gateway is None:
            self._gateways.pop(topic, None)
        else:
            self._gateways[topic] = gateway

    def release(self, number: int) -> None:
        """The head-end's PUBACK."""
        self._held.pop(number, None)

    def stop(self) -> None:
        """The broker goes down."""
        self.is_up = False
        self.life += 1
        self._head_end = None
        self._gateways.clear()
        if not self.remembers:
            self.forget()

    def start(self) -> None:
        """It comes back; everybody has to connect anew."""
        self.is_up = True

    def forget(self) -> None:
        """Lose every message that it has acknowledged and not passed on."""
        self.forgotten += len(self._held)
        self._held.clear()

    def _arrived(self, topic: str, payload: bytes) -> None:
        if not self.is_up or len(self._held) >= HELD_MAX:
            return
        self._numbers += 1
        message = Message(self._numbers, topic, payload)
        self._held[message.number] = message
        self._pass_up(message)

    def _pass_up(self, message: Message) -> None:
        def arrive() -> None:
            if self._head_end is not None:
                self._head_end(message)
        if self._head_end is not None:
            self._network.carry(arrive)

    def _pass_down(self, topic: str, payload: bytes) -> None:
        gateway = self._gateways.get(topic)
        if gateway is not None:
            gateway(payload)
