"""Boot records and what starts: the trial with its tries, home, what was before, the factory."""

from hashlib import sha256

from tests.edge import updates
from tests.edge.updates import CRASH, GOOD, Machine, content, flash_after, install
from tests.portable import raises
from wum_edge.update import boot, slots
from wum_edge.update.boot import DAMAGED, FACTORY, NAMES, NEW, A, B, keep_boot, read_boot
from wum_edge.update.start import begin
from wum_simulator.flash import SimulatedFlash


def test_a_machine_without_records_starts_what_came_from_the_factory():
    flash = SimulatedFlash()
    assert read_boot(flash) == NEW and begin(flash) == FACTORY and flash.names() == []


def test_what_was_kept_is_what_is_read_and_every_field_of_it():
    flash = SimulatedFlash()
    full = boot.Boot(1, B, A, 2, 7, 9, 4, ((9, b"x" * 32), (7, b"y" * 32)), boot.NO_METER, 8,
                     boot.HUNG)
    assert keep_boot(flash, full) == full == read_boot(flash)


def test_records_are_written_in_turn():
    flash = SimulatedFlash()
    for number in range(1, 6):
        kept = keep_boot(flash, read_boot(flash))
        assert kept.number == number
        assert flash.names() == list(NAMES)[:min(number, 2)]


def test_damage_of_one_record_costs_one_write_and_of_both_the_memory_only():
    for at in range(len(flash_after([(5, GOOD)]).content("boot-a"))):
        flash = flash_after([(5, GOOD)])
        newest = read_boot(flash)
        names = [name for name in NAMES if boot._decoded(flash.content(name)) == newest]
        flash.damage(names[0], at)
        assert read_boot(flash).number == newest.number - 1
        assert begin(flash) == A
    for name in NAMES:
        flash.damage(name, 9)
    assert read_boot(flash) == NEW and begin(flash) == FACTORY


def test_a_record_of_another_format_or_length_is_none():
    raw = boot._encoded(NEW)
    assert boot._decoded(raw) == NEW
    for other in (b"", raw[:-1], raw + b"\0", b"X" + raw[1:]):
        assert boot._decoded(other) is None
    body = raw[:4] + b"\x01" + raw[5:-4]
    crc = boot.crc32(body)
    assert boot._decoded(body + crc.to_bytes(4, "little")) is None


def test_a_trial_has_three_starts_and_then_home_runs_again():
    flash = flash_after([(5, GOOD)])
    install(flash, 6, content(6, CRASH), 6)
    assert [begin(flash) for _ in range(5)] == [B, B, B, A, A]
    kept = read_boot(flash)
    assert (kept.trial, kept.failed, kept.failed_why, kept.floor) == (None, 6, boot.UNTOLD, 0)
    assert kept.slots[B] == (0, bytes(32))


def test_the_reason_that_a_trial_left_is_kept_when_it_is_given_up():
    flash = flash_after([(5, GOOD)])
    install(flash, 6, content(6), 6)
    for _ in range(3):
        assert begin(flash) == B
    keep_boot(flash, read_boot(flash).lacking(boot.NO_METER))
    assert begin(flash) == A and read_boot(flash).failed_why == boot.NO_METER


def test_a_try_that_cannot_be_counted_is_not_made():
    flash = flash_after([(5, GOOD)])
    install(flash, 6, content(6, CRASH), 6)
    flash.read_only = True
    assert [begin(flash) for _ in range(9)] == [A] * 9
    flash.read_only = False
    assert begin(flash) == B


def test_every_flipped_byte_of_a_slot_is_noticed_before_it_starts():
    wanted = flash_after([(5, GOOD), (6, GOOD)])
    names = [slots.table_name(B)] + slots.names_of(wanted, B)
    assert len(names) == 4 and begin(wanted) == B
    for name in names:
        for at in range(len(wanted.content(name))):
            flash = flash_after([(5, GOOD), (6, GOOD)])
            flash.damage(name, at, 1 << at % 8)
            assert begin(flash) == A, "%s may be another at byte %d" % (name, at)


def test_a_file_too_many_one_too_few_and_one_longer_are_noticed():
    flash = flash_after([(5, GOOD)])
    digest = read_boot(flash).slots[A][1]
    assert slots.is_whole(flash, A, digest) and not slots.is_whole(flash, A, bytes(32))
    flash.replace("a/lib/more", b"")
    assert not slots.is_whole(flash, A, digest) and begin(flash) == FACTORY
    flash.remove("a/lib/more")
    assert begin(flash) == A
    flash.append("a/run", b"!")
    assert begin(flash) == FACTORY
    flash.remove("a/run")
    assert begin(flash) == FACTORY


def test_a_medium_that_does_not_give_a_slot_back_starts_the_other():
    flash = flash_after([(5, GOOD), (6, GOOD)])
    flash.unreadable = ["b/run"]
    assert begin(flash) == A
    flash.unreadable = ["b/run", "a/run"]
    assert begin(flash) == FACTORY


def test_a_trial_that_is_damaged_is_given_up_without_a_start():
    flash = flash_after([(5, GOOD)])
    install(flash, 6, content(6), 6)
    flash.damage("b/run", 0)
    assert begin(flash) == A
    assert (read_boot(flash).failed, read_boot(flash).failed_why) == (6, DAMAGED)


def test_who_ends_at_once_too_often_is_passed_over_for_what_was_home_before():
    flash = flash_after([(5, GOOD), (6, GOOD)])
    assert begin(flash, (B,)) == A and begin(flash, (B, A)) == FACTORY
    kept = read_boot(flash).fallen_back(A)
    assert (kept.home, kept.sequence, kept.spare, kept.failed) == (A, 5, B, 6)


def test_nothing_below_the_floor_is_started():
    flash = flash_after([(5, GOOD), (6, GOOD)], floor=5)
    assert begin(flash, (B,)) == A
    flash = flash_after([(5, GOOD), (6, GOOD)])
    keep_boot(flash, read_boot(flash)._with({"floor": 6}))
    assert begin(flash, (B,)) == FACTORY


def test_the_floor_rises_with_the_confirmation_and_not_before():
    flash = flash_after([(5, GOOD)], floor=5)
    install(flash, 6, content(6), 6)
    assert read_boot(flash).floor == 5
    assert Machine(flash).settle() == (B, 6) and read_boot(flash).floor == 6
    raises(AssertionError, lambda: read_boot(flash).armed(8, bytes(32), 9))


def test_an_assignment_counts_upwards_only():
    assert NEW.taken(7).taken(3).assigned == 7


def test_the_digest_of_a_slot_is_that_of_the_signed_content():
    data = content(5)
    flash = SimulatedFlash()
    install(flash, 5, data)
    assert read_boot(flash).slots[A] == (5, sha256(data).digest())
    assert updates.Machine(flash).settle() == (A, 5)
