"""The head-end of the chaos: its decisions are its own (commands/sending/turns.py), its database is
memory, and every state is judged as it is said. Left out: the run (commands.py).
"""

from dataclasses import dataclass, field

from tests.system.chaos.command_gateways import (
    GROUP,
    GROUP_KEY,
    ORDER_SEED,
    START_S,
    Concentrator,
    Parts,
)
from wum_cloud.commands import states
from wum_cloud.commands.sending.turns import heard
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner, SodiumVerifier
from wum_shared import cose, orders
from wum_shared.orders import Order
from wum_shared.topics import DOWN, ORDER, topic
from wum_simulator.chaos.gateway import Violation
from wum_simulator.chaos.network import Broker, Message
from wum_simulator.world import VirtualWorld


@dataclass(slots=True)
class Command:
    """A command as the head-end's database would have it."""

    target: "Concentrator"
    id: bytes
    kind: int
    begins_s: int
    expires_s: int
    state: str = states.APPROVED
    due_s: float = 0.0
    sent: int = 0
    is_again: bool = False
    is_of_group: bool = False
    signed: list[bytes] = field(default_factory=list)


class HeadEnd:
    """Its decisions, over commands in memory."""

    def __init__(self, world: VirtualWorld, broker: Broker, parts: "Parts",
                 gateways: list[Concentrator]) -> None:
        self.commands: list[Command] = []
        self._by_id: dict[tuple[bytes, bytes], Command] = {}
        self._of_groups: dict[bytes, bytes] = {}
        self._gateways = {one.keys.concentrator: one for one in gateways}
        self.recorded: list[tuple[Concentrator, bytes]] = []
        self._world, self._broker, self._parts = world, broker, parts
        self._challenges: dict[bytes, bytes] = {}
        self._sequence = self._counter = 0

    def ask(self, command: Command) -> None:
        """Somebody asks for it."""
        self.commands.append(command)
        self._by_id[command.target.keys.concentrator, command.id] = command

    def now_s(self) -> float:
        """The head-end's clock is right."""
        return START_S + self._world.elapsed_s()

    def tick(self) -> None:
        """Send what is due."""
        now_s = self.now_s()
        for one in [one for one in self.commands if one.due_s <= now_s
                    and one.state not in states.OVER]:
            taken = self._parts.turn(
                one.state, now_s - one.expires_s, one.sent, is_signed=bool(one.signed),
                is_again=one.is_again and len(one.signed) < 8)
            if taken.is_signed:
                self._sign(one, int(now_s))
            self._enter(one, taken.state)
            one.due_s = now_s + taken.again_s
            if taken.is_sent:
                one.sent += 1
                self._publish(one)

    def heard(self, message: Message) -> None:
        """A receipt."""
        self._broker.release(message.number)
        claimed, _, _ = cose.peek(message.payload)
        gateway, cipher = self._gateways[claimed], SodiumCipher()
        signed = orders.unseal_receipt(cipher, gateway.keys.uplink, "default", message.payload)
        self._told(gateway, orders.open_receipt(SodiumVerifier(), gateway.key, signed))

    def _told(self, gateway: Concentrator, receipt: orders.Receipt) -> None:
        one = self._by_id.get((receipt.concentrator, receipt.id))
        if one is not None:
            digests = [orders.order_digest(signed) for signed in one.signed]
            assert receipt.digest in digests
            said = heard(one.state, receipt, is_newest=receipt.digest == digests[-1],
                         is_in_time=self.now_s() < one.expires_s)
            self._enter(one, said.state)
            if said.is_challenge:
                self._challenges[gateway.keys.concentrator] = receipt.challenge
            if said.hurry_s is not None:
                one.due_s = self.now_s() + said.hurry_s
                one.is_again = one.is_again or said.is_again

    def _sign(self, one: Command, now_s: int) -> None:
        if one.is_of_group and not one.is_again:
            one.signed.append(self._of_groups.get(one.id) or self._flooded(one, now_s))
            return
        one.is_again = False
        one.signed.append(self._order(
            one, one.target.keys.concentrator, now_s,
            self._challenges.pop(one.target.keys.concentrator, None)))

    def _order(self, one: Command, to: bytes, now_s: int, fresh: bytes | None) -> bytes:
        self._sequence += 1
        return orders.sign_order(
            SodiumSigner(), ORDER_SEED, SodiumSigner.public(ORDER_SEED), Order(
                to, one.id, self._sequence, now_s, max(now_s, one.begins_s), one.expires_s,
                one.kind, b"", fresh))

    def _flooded(self, one: Command, now_s: int) -> bytes:
        """The one order of a group's act; it goes to all members at once, and later to each."""
        signed = self._of_groups[one.id] = self._order(one, GROUP, now_s, None)
        sealed = orders.seal_order(SodiumCipher(), GROUP_KEY, cose.key_id(GROUP, 1),
                                   self._sequence, "default", signed)
        for gateway in self._gateways.values():
            self.recorded.append((gateway, sealed))
            self._broker.publish_down(topic(gateway.keys.concentrator, DOWN, ORDER), sealed)
        return signed

    def _publish(self, one: Command) -> None:
        self._counter += 1
        keys = one.target.keys
        sealed = orders.seal_order(SodiumCipher(), keys.downlink, keys.key_id, self._counter,
                                   "default", one.signed[-1])
        self.recorded.append((one.target, sealed))
        self._broker.publish_down(topic(keys.concentrator, DOWN, ORDER), sealed)

    def _enter(self, one: Command, state: str) -> None:
        """Every state is judged as it is said."""
        one.state = state
        did = one.id in one.target.happened
        if state == states.DONE and not (did and one.id not in one.target.failed):
            raise Violation("command %r is called done" % one.id)
        if state == states.FAILED and did and one.id not in one.target.failed:
            raise Violation("command %r is called failed, and it happened" % one.id)
        if state == states.EXPIRED and did:
            raise Violation("command %r is called expired, and it happened" % one.id)
