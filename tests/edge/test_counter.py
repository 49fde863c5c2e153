"""Message counters: each once, whatever happens to the power, and none on a guess."""

from tests.edge.headend import KEYS
from tests.portable import raises
from wum_edge.uplink.counter import BLOCK, STOCK, Counter, CounterDoubtful, first_start
from wum_shared.cose import COUNTER_MAX
from wum_simulator.flash import NOTHING, PowerCut, SimulatedFlash

KEY_ID = KEYS.key_id


def counter_files(flash):
    """Names of both files."""
    return [name for name in flash.names() if name.startswith("counter-")]


def test_counters_go_up_from_the_first_start():
    counter = Counter(SimulatedFlash(), KEY_ID, 1000)
    assert [counter.take() for _ in range(600)] == list(range(1000, 1600))


def test_a_restart_goes_on_with_the_next_block_and_not_with_the_first_start():
    flash = SimulatedFlash()
    counter = Counter(flash, KEY_ID, 0)
    used = [counter.take() for _ in range(3)]
    assert Counter(flash, KEY_ID, 0).take() == BLOCK > max(used)


def test_only_the_first_start_of_a_key_writes_before_a_counter_is_used():
    flash = SimulatedFlash()
    for _ in range(10):
        Counter(flash, KEY_ID, 0)
    assert flash.operations == 2


def test_a_key_that_was_put_on_record_goes_on_at_the_next_start_whatever_chance_says():
    flash = SimulatedFlash()
    Counter(flash, KEY_ID, 7)
    assert Counter(flash, KEY_ID, 10**9).take() == 7 + BLOCK


def test_no_counter_is_ever_used_twice_whenever_the_power_goes():
    takes = (3, BLOCK + 2, 1, 2 * BLOCK)
    cut = 0
    for first in range(1, 14):
        for second in range(1, 8):
            used = []
            flash = SimulatedFlash(cut_at=first)
            for again, count in enumerate(takes):
                try:
                    counter = Counter(flash, KEY_ID, 0)
                    for _ in range(count):
                        used.append(counter.take())
                except PowerCut:
                    cut += 1
                    flash = flash.after_cut(NOTHING)
                    flash.cut_at = second if again < 2 else 0
            assert len(set(used)) == len(used)
    assert cut > 100


def test_one_damaged_file_is_survived_without_a_repeat():
    for which in range(2):
        for at in range(27):
            flash = SimulatedFlash()
            counter = Counter(flash, KEY_ID, 0)
            used = [counter.take() for _ in range(BLOCK + 1)]
            flash.damage(counter_files(flash)[which], at)
            again = Counter(flash, KEY_ID, 0)
            assert again.take() > max(used)


def test_one_damaged_file_after_a_cut_between_both_is_survived_without_a_repeat():
    for cut_at in range(1, 7):
        for which in range(2):
            flash = SimulatedFlash(cut_at=cut_at)
            used = []
            was_cut = False
            try:
                counter = Counter(flash, KEY_ID, 0)
                for _ in range(3 * BLOCK):
                    used.append(counter.take())
            except PowerCut:
                was_cut = True
            assert was_cut or flash.operations < cut_at
            found = flash.after_cut(NOTHING)
            files = counter_files(found)
            if len(files) == 2:
                found.damage(files[which], 17)
                assert Counter(found, KEY_ID, 0).take() not in used


def test_two_damaged_files_refuse_and_say_what_to_do():
    flash = SimulatedFlash()
    Counter(flash, KEY_ID, 0).take()
    for name in counter_files(flash):
        flash.damage(name, 20)
    text = raises(CounterDoubtful, lambda: Counter(flash, KEY_ID, 0))
    assert "wum-firmware provision" in text and "wum-cloud register" in text


def test_one_damaged_file_beside_a_missing_one_refuses():
    flash = SimulatedFlash()
    Counter(flash, KEY_ID, 0).take()
    names = counter_files(flash)
    flash.remove(names[0])
    assert Counter(flash, KEY_ID, 0).take() == BLOCK
    flash.remove(names[0])
    flash.damage(names[1], 3)
    raises(CounterDoubtful, lambda: Counter(flash, KEY_ID, 0))


def test_a_key_without_files_begins_where_chance_says_and_far_from_any_other_place():
    assert first_start(bytes(7)) == 0
    assert first_start(b"\xff" * 7) == 2**55 - 1 < COUNTER_MAX >> 8
    assert first_start(bytes(6) + b"\x03") == 1
    raises(AssertionError, lambda: first_start(bytes(8)))


def test_a_file_of_another_key_is_not_taken_for_ours():
    flash = SimulatedFlash()
    Counter(flash, KEY_ID, 0).take()
    names = counter_files(flash)
    other = KEY_ID[:-1] + b"\x07"
    for name in names:
        flash.put(name.replace("0000-", "0007-"), flash.content(name))
    raises(CounterDoubtful, lambda: Counter(flash, other, 5))


def test_when_flash_begins_to_refuse_there_is_a_stock():
    for used_before in (0, 1, STOCK - 1, STOCK, BLOCK - 1, BLOCK, 3 * BLOCK + 7):
        flash = SimulatedFlash()
        counter = Counter(flash, KEY_ID, 0)
        used = [counter.take() for _ in range(used_before)]
        flash.read_only = True
        used += [counter.take() for _ in range(STOCK)]
        assert len(set(used)) == len(used)
        flash.read_only = False
        assert Counter(flash, KEY_ID, 0).take() > max(used)


def test_a_flash_that_refuses_gives_no_counter_and_a_later_one_is_new():
    flash = SimulatedFlash()
    flash.fail = {1: 28, 2: 28, 4: 28}
    counter = Counter(flash, KEY_ID, 0)
    raises(OSError, counter.take)
    raises(OSError, counter.take)
    assert [counter.take(), counter.take()] == [0, 1]
    assert Counter(flash, KEY_ID, 0).take() == BLOCK
