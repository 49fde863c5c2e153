"""Orders on the concentrator: carried out once at most, in their time, and answered truly."""

from tests.edge.order_bench import (
    CIPHER,
    NOW_S,
    ORDER_SEED,
    OWN,
    SIGNATURES,
    YEARS_10_S,
    World,
    first,
    order,
    sealed,
)
from tests.portable import ON_MICROPYTHON
from wum_edge.orders.caps import Cap
from wum_edge.orders.journal import ENTRIES_MAX
from wum_edge.uplink.keys import Keys
from wum_shared import orders
from wum_shared.messages import DirectionKey
from wum_shared.orders import AGAIN, DISCONNECT, DONE, RECEIVED, REFUSED, RESTART, UNKNOWN
from wum_shared.status import NEVER_SET
from wum_simulator.flash import TEARS, PowerCut, SimulatedFlash


def begun():
    return first(World(SimulatedFlash()).start())


def test_an_order_is_carried_out_and_answered_and_its_copy_only_answered():
    world = begun()
    receipt = world.tell(sealed(order(3, arguments=b"x")))
    assert [one.state for one in world.receipts[-2:]] == [RECEIVED, DONE]
    assert (receipt.id, receipt.content, receipt.note) == (b"act 0003", b"x", "it is done")
    for _ in range(3):
        again = world.tell(sealed(order(3, arguments=b"x"), counter=9))
        assert again.state == DONE and again.content == b"x" and again.digest == receipt.digest
    assert world.acted == [b"act 0003"]


def test_a_restart_forgets_neither_order_nor_answer():
    world = begun()
    world.tell(sealed(order(3)))
    world.start()
    assert world.tell(sealed(order(3))).state == DONE
    assert world.acted == [b"act 0003"]


def test_what_is_not_the_head_ends_or_not_for_us_is_not_even_answered():
    world = begun()
    said = len(world.receipts)
    other = DirectionKey(b"q" * 32, b"Q" * 12)
    for forged in (sealed(order(3), seed=b"x" * 32), sealed(order(3), key=other),
                   sealed(order(3, to=b"another1")), b"", b"noise", sealed(order(3))[:-1]):
        world.tell(forged)
    assert not world.acted and len(world.receipts) == said
    assert len(world.log.warned) == 6


def test_one_act_under_two_numbers_and_two_acts_under_one_number_happen_once():
    world = begun()
    world.tell(sealed(order(3)))
    assert world.tell(sealed(order(4, b"act 0003"))).state == DONE
    other = world.tell(sealed(order(3, b"another ")))
    assert (other.state, other.reason) == (REFUSED, orders.ALREADY_USED)
    assert world.acted == [b"act 0003"]


def test_orders_that_come_out_of_their_order_are_carried_out_and_old_ones_are_not():
    world = begun()
    for number in (9, 5, 7):
        assert world.tell(sealed(order(number))).state == DONE
    for number in range(100, 100 + ENTRIES_MAX):
        world.tell(sealed(order(number)))
    assert len(world.acted) == 3 + ENTRIES_MAX
    for number in (5, 6, 7, 9):              # Forgotten: nobody knows whether it happened.
        receipt = world.tell(sealed(order(number)))
        assert (receipt.state, receipt.reason) == (UNKNOWN, orders.FORGOTTEN)
    assert len(world.acted) == 3 + ENTRIES_MAX
    assert len([name for name in world.flash.names() if name.startswith("order-")]) == ENTRIES_MAX


def test_an_act_that_was_forgotten_is_not_done_again_under_a_new_number():
    world = begun()
    act = (3).to_bytes(8, "big")             # An act has the number of its first order as its id.
    assert world.tell(sealed(order(3, act))).state == DONE
    for number in range(100, 100 + ENTRIES_MAX):
        world.tell(sealed(order(number, number.to_bytes(8, "big"))))
    assert world.acted.count(act) == 1
    for _ in range(2):
        receipt = world.tell(sealed(order(500, act)))
        assert (receipt.state, receipt.reason) == (UNKNOWN, orders.FORGOTTEN)
        world.start()
    assert world.acted.count(act) == 1
    assert world.tell(sealed(order(502, (502).to_bytes(8, "big")))).state == DONE


def test_acts_of_before_the_first_order_that_a_new_journal_takes_are_done():
    world = World(SimulatedFlash()).start()
    acts = [number.to_bytes(8, "big") for number in (1, 2, 3)]
    for number, act in ((4, acts[1]), (5, acts[0]), (6, acts[2])):
        assert world.tell(sealed(order(number, act))).state == AGAIN if not world.acted else True
        world.tell(sealed(order(10 + number, act, fresh=world.receipts[-1].challenge)))
        assert world.receipts[-1].state == DONE
    assert world.acted == [acts[1], acts[0], acts[2]]
    assert world.tell(sealed(order(5, acts[0]))).state == DONE        # Of before, and on record.
    assert len(world.acted) == 3


def test_an_order_is_refused_for_ever_once_its_time_is_over():
    world = begun()
    world.passes(700)
    late = world.tell(sealed(order(3)))
    assert (late.state, late.reason) == (REFUSED, orders.EXPIRED)
    world.clock.error_s = -650                # Somebody corrects a clock that was ahead.
    world.start()
    assert world.tell(sealed(order(3))).state == REFUSED and not world.acted


def test_an_order_waits_for_its_time_by_a_clock_that_nobody_sets():
    world = begun()
    assert world.tell(sealed(order(3, wait_s=3600))).state == RECEIVED
    world.clock.error_s = YEARS_10_S
    world.passes(3599)
    assert not world.acted
    world.passes(1)
    assert world.acted == [b"act 0003"]
    world.clock.error_s = 0
    world.tell(sealed(order(4, issued_s=NOW_S + 3600, wait_s=60)))
    world.start()                            # What waited for its time was not begun.
    world.passes(3600)
    assert world.tell(sealed(order(4, issued_s=NOW_S + 3600, wait_s=60))).state == REFUSED
    assert world.receipts[-1].reason == orders.CUT_BEFORE and len(world.acted) == 1


def test_a_process_that_stood_still_past_the_end_of_the_time_begins_nothing():
    world = begun()
    world.tell(sealed(order(3, wait_s=60, window_s=60)))
    world.passes(120)
    assert (world.receipts[-1].state, world.receipts[-1].reason) == (REFUSED, orders.EXPIRED)
    assert not world.acted


def test_a_clock_ten_years_off_carries_out_nothing_old_and_takes_what_proves_itself():
    for error_s in (-YEARS_10_S, YEARS_10_S):
        for is_restarted in (False, True):
            world = begun()
            world.tell(sealed(order(3)))
            kept_back = sealed(order(4))     # Somebody keeps one back for ten years.
            now_s = NOW_S + YEARS_10_S
            world.clock.true_ms, world.newest_s = 1000 * now_s, now_s - 60
            world.clock.error_s = error_s
            if is_restarted:
                world.start()
            assert world.tell(kept_back).state in (REFUSED, AGAIN)
            assert world.acted == [b"act 0003"]
            present = sealed(order(5, issued_s=now_s, fresh=world.receipts[-1].challenge))
            assert world.tell(present).state == DONE
            for _ in range(3):
                assert world.tell(kept_back).state in (REFUSED, AGAIN)
                assert world.tell(present).state == DONE
            assert world.acted == [b"act 0003", b"act 0005"]
            assert world.tell(sealed(order(7, issued_s=now_s))).state == DONE    # Time goes on.


def test_a_clock_that_leaps_while_the_gateway_runs_proves_nothing():
    for error_s in (-YEARS_10_S, -86400, 86400, YEARS_10_S):
        world = begun()
        world.start()
        world.clock.error_s = error_s
        moment_s = NOW_S + error_s
        asked = world.tell(sealed(order(3, issued_s=moment_s)))
        assert (asked.state, asked.reason) == (AGAIN, orders.PROVE_FRESH)
        assert world.tell(sealed(order(4, fresh=asked.challenge))).state == DONE
        assert world.acted == [b"act 0004"]


def test_a_clock_that_goes_back_brings_no_order_back():
    world = begun()
    world.passes(86400)
    assert world.tell(sealed(order(3, issued_s=NOW_S + 86400))).state == DONE
    world.clock.error_s = -86400             # As on the day before, when number 4 was kept back.
    asked = world.tell(sealed(order(4)))
    assert (asked.state, asked.reason) == (AGAIN, orders.PROVE_FRESH)
    world.start()
    assert world.tell(sealed(order(4))).state == AGAIN
    assert world.acted == [b"act 0003"]


def test_without_a_clock_only_the_challenge_counts_once_and_for_a_while():
    world = begun()
    world.clock.is_set = NEVER_SET
    world.start()
    challenge = world.tell(sealed(order(3))).challenge
    assert world.tell(sealed(order(4, fresh=b"whatever"))).state == AGAIN
    world.passes(900)
    assert world.tell(sealed(order(5, fresh=challenge))).state == AGAIN
    challenge = world.receipts[-1].challenge
    assert world.tell(sealed(order(6, fresh=challenge))).state == DONE
    world.start()
    assert world.tell(sealed(order(7, fresh=challenge))).state == AGAIN
    challenge = world.receipts[-1].challenge
    world.start()
    assert world.tell(sealed(order(8, fresh=challenge))).state == AGAIN
    assert world.acted == [b"act 0006"]


def test_a_head_end_whose_clock_was_ahead_is_heard_again():
    world = begun()
    ahead_s = NOW_S + YEARS_10_S
    challenge = world.tell(sealed(order(3, issued_s=ahead_s))).challenge
    assert world.tell(sealed(order(4, issued_s=ahead_s, fresh=challenge))).state == DONE
    asked = world.tell(sealed(order(5)))     # It has been put right: that has to be proven.
    assert asked.state == AGAIN
    assert world.tell(sealed(order(6, fresh=asked.challenge))).state == DONE
    assert world.tell(sealed(order(7))).state == DONE


def test_an_emptied_card_takes_nothing_that_was_recorded():
    world = begun()
    recorded = [sealed(order(number)) for number in range(3, 9)]
    for one in recorded:
        world.tell(one)
    world.flash = SimulatedFlash()
    world.start()
    before = list(world.acted)
    for one in recorded:
        assert world.tell(one).state == AGAIN
    assert world.acted == before


def test_what_cannot_be_done_is_refused_by_name_and_stays_refused():
    world = begun()
    assert world.tell(sealed(order(3, kind=200))).reason == orders.KIND_UNKNOWN
    refused = world.tell(sealed(order(4, arguments=b"no")))
    assert (refused.reason, refused.note) == (orders.ARGUMENTS, "no is no argument")
    assert not world.acted


def test_disconnects_are_scattered_and_capped_whatever_is_signed():
    cap = Cap(per_hour=10, delay_ms=60_000)
    world = World(SimulatedFlash(), cap)
    first(world.start())
    states = [world.tell(sealed(order(10 + n, kind=DISCONNECT))).state for n in range(50)]
    assert states.count(RECEIVED) == 10 and states.count(REFUSED) == 40
    assert not world.acted                    # Each waits for a moment of its own.
    world.passes(30)
    assert len(world.acted) == 10
    world.cap = Cap(per_hour=10, delay_ms=0)
    world.start()                            # A restart gives no new ten.
    assert world.tell(sealed(order(70, kind=DISCONNECT))).reason == orders.CAPPED
    world.passes(3600)
    assert world.tell(sealed(order(71, kind=DISCONNECT, issued_s=NOW_S + 3630))).state == DONE


def test_what_ends_the_process_in_the_middle_leaves_it_unknown_and_never_done_again():
    world = begun()
    world.answers = False
    world.tell(sealed(order(3)))
    assert world.acted == [b"act 0003"] and world.receipts[-1].state == RECEIVED
    world.answers = True
    world.start()
    world.passes(0)
    assert (world.receipts[-1].state, world.receipts[-1].reason) == (UNKNOWN, orders.CUT_WITHIN)
    assert world.tell(sealed(order(3))).state == UNKNOWN and world.acted == [b"act 0003"]


def test_a_restart_that_was_ordered_is_done_when_the_gateway_is_back():
    world = begun()
    world.answers = False
    world.tell(sealed(order(3, kind=RESTART)))
    world.start()
    world.passes(0)
    assert world.receipts[-1].state == DONE and world.acted == [b"act 0003"]


def test_a_receipt_waits_for_the_connection():
    world = begun()
    world.connected = False
    world.tell(sealed(order(3)))
    said = len(world.receipts)
    world.connected = True
    world.passes(1)
    assert [one.state for one in world.receipts[said:]] == [RECEIVED, DONE]


def test_flash_that_refuses_keeps_an_order_from_being_carried_out():
    world = begun()
    world.flash.read_only = True
    refused = world.tell(sealed(order(3)))
    assert (refused.state, refused.reason) == (AGAIN, orders.FLASH_REFUSES) and not world.acted


def _life(flash, clock=None):
    """A few orders, each heard twice; (what was done, what was said) until power went."""
    world = World(flash, Cap(delay_ms=0))
    if clock is not None:
        world.clock = clock
    was_cut = False
    try:
        world.start()
        asked = world.tell(sealed(order(1)))
        fresh = asked.challenge if asked.state == AGAIN else None
        for number in (2, 3, 5, 4):
            kind = DISCONNECT if number == 3 else orders.READ
            one = sealed(order(number, fresh=fresh, kind=kind))
            fresh = None
            world.tell(one)
            world.tell(one)
    except PowerCut:
        was_cut = True
    return world, was_cut


def test_no_order_happens_twice_wherever_the_power_goes_and_no_answer_lies():
    cuts, tears = 0, TEARS[-2:] if ON_MICROPYTHON else TEARS
    for tear in tears:
        for at in range(1, 40):
            flash = SimulatedFlash(cut_at=at)
            world, was_cut = _life(flash)
            if not was_cut:
                break
            cuts += 1
            after, _ = _life(flash.after_cut(tear, at * 7), world.clock)
            happened = world.acted + after.acted
            assert len(happened) == len(set(happened)), (tear, at, happened)
            _tells_the_truth(world, after, happened)
    assert cuts > 12 * len(tears)


def _tells_the_truth(before, after, happened):
    """By the last words of both lives: done is what happened, refused what did not."""
    for receipt in before.receipts + after.receipts:
        if receipt.state == DONE:
            assert receipt.id in happened, receipt
        elif receipt.state == REFUSED:
            assert receipt.id not in happened, receipt


def test_damage_to_any_file_of_the_journal_repeats_no_act():
    world = begun()
    recorded = [sealed(order(number)) for number in range(3, 9)]
    for one in recorded:
        world.tell(one)
    for name in [name for name in world.flash.names() if name.startswith("order")]:
        for at in range(0, world.flash.size(name), 7):
            other = World(world.flash.after_kill())
            other.clock = world.clock
            other.flash.damage(name, at)
            other.start()
            for one in recorded:
                other.tell(one)
            assert not other.acted, (name, at)


def _sealed_with(keys, one):
    signed = orders.sign_order(SIGNATURES, ORDER_SEED, SIGNATURES.public(ORDER_SEED), one)
    return orders.seal_order(CIPHER, keys.downlink, keys.key_id, 7, keys.tenant, signed)


def test_while_keys_change_orders_of_both_epochs_are_taken_and_no_older_one():
    world = begun()
    ordering = (SIGNATURES.public(ORDER_SEED),)
    epochs = [OWN] + [Keys(OWN.concentrator, OWN.tenant, epoch, OWN.uplink,
                           DirectionKey(bytes([epoch]) * 32, b"s" * 12)) for epoch in (2, 3)]
    world.desk.trusted.rekey(epochs[1], ordering)
    for sequence, keys in ((3, epochs[0]), (4, epochs[1])):
        assert world.tell(_sealed_with(keys, order(sequence))).state == DONE
    world.desk.trusted.rekey(epochs[2], ordering)
    for sequence, keys in ((5, epochs[0]), (6, epochs[1]), (7, epochs[2])):
        world.tell(_sealed_with(keys, order(sequence)))
    assert world.acted == [b"act 0003", b"act 0004", b"act 0006", b"act 0007"]


def test_whom_a_newer_trust_document_no_longer_names_orders_nothing():
    world = begun()
    world.desk.trusted.rekey(OWN, (SIGNATURES.public(b"n" * 32),))
    world.tell(sealed(order(3)))
    assert not world.acted
