"""Above its cap a concentrator asks for signatures of those whom the root has named."""

from tests.edge.order_bench import OWN, SIGNATURES, World, first, order, sealed
from wum_edge.orders.caps import Cap
from wum_shared import orders
from wum_shared.consent import consent_of, sign_consent
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DISCONNECT, DONE, REFUSED
from wum_simulator.flash import SimulatedFlash


def test_above_the_cap_approvers_have_to_sign_whom_the_root_has_named():
    seeds = (b"a" * 32, b"b" * 32, b"c" * 32)
    keys = tuple([SIGNATURES.public(seed) for seed in seeds])
    numbers = iter(range(10, 100))

    def tell(world, *by, serial="M-1", said="M-1"):
        one = order(next(numbers), kind=DISCONNECT, arguments=encode_arguments(
            DISCONNECT, [serial]))
        return world.tell(sealed(one, consents=tuple([sign_consent(
            SIGNATURES, seed, SIGNATURES.public(seed), consent_of(
                OWN.concentrator, DISCONNECT, encode_arguments(DISCONNECT, [said]), one.begins_s,
                one.expires_s)) for seed in by])))

    world = World(SimulatedFlash(), Cap(per_hour=1, delay_ms=0))
    first(world.start())
    assert tell(world, *seeds).state == DONE, "below the cap nobody asks"
    refused = tell(world, *seeds)
    assert (refused.state, refused.reason, refused.note) == (
        REFUSED, orders.CAPPED, "1 in an hour"), "no document names an approver"
    world.desk.trusted.rekey(OWN, world.desk.trusted.order_keys, keys[:2], 2)
    for by, more, given in (((), {}, 0), ((seeds[0],), {}, 1), ((seeds[0],) * 2, {}, 1),
                            ((seeds[0], seeds[2]), {}, 1), (seeds[:2], {"said": "M-2"}, 0)):
        refused = tell(world, *by, **more)
        assert (refused.state, refused.reason) == (REFUSED, orders.CAPPED)
        assert refused.note == "1 in an hour; above it 2 approvers have to sign, %d did" % given
    acted = len(world.acted)
    assert tell(world, *seeds[:2]).state == DONE and len(world.acted) == acted + 1
    assert tell(world).reason == orders.CAPPED, "what was consented to counts as well"
    world.desk.trusted.rekey(OWN, world.desk.trusted.order_keys)
    assert tell(world, *seeds[:2]).note == "1 in an hour", "a document that names none any more"
