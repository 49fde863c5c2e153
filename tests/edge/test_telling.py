"""The head-end hears how flash and clock are, also while flash takes nothing."""

from tests.edge.records import mixed
from tests.edge.test_agent import Cabinet
from wum_edge.agent import CLOCK_BEHIND_S
from wum_edge.archive.flash import NO_SPACE
from wum_edge.telling import CHANGED_MS, RETRY_MS
from wum_shared.condition import (
    AGAIN_S,
    FLASH_FAILING,
    FLASH_FULL,
    FLASH_READ_ONLY,
    FLASH_TAKES,
    WELL_S,
    decode_condition,
)
from wum_shared.status import NEVER_SET, SYNCHRONISED
from wum_shared.topics import CONDITION

SOON_S = CHANGED_MS // 1000 + 10


def told(cabinet):
    """Conditions that have arrived so far, oldest first."""
    return [decode_condition(a.opened) for a in cabinet.head_end.arrivals if a.stream == CONDITION]


def let_pass(cabinet, s):
    """Let seconds pass in long ticks."""
    for _ in range(s // 10):
        cabinet.clock.at_ms += 10000
        cabinet.agent.tick()


def test_all_is_well_is_told_once_and_again_a_day_later():
    cabinet = Cabinet()
    cabinet.run(1000)
    [first] = told(cabinet)
    assert first.is_well and first.at_s == cabinet.clock.now_s() - 1
    let_pass(cabinet, WELL_S - 60)
    assert len(told(cabinet)) == 1
    let_pass(cabinet, 120)
    assert len(told(cabinet)) == 2


def test_flash_that_refuses_is_told_soon_and_again_while_it_does():
    for errno, flash in ((NO_SPACE, FLASH_FULL), (30, FLASH_READ_ONLY), (5, FLASH_FAILING)):
        cabinet = Cabinet()
        cabinet.run(1000)
        operation = cabinet.flash.operations
        for number in range(1, 4000):
            cabinet.flash.fail[operation + number] = errno
        cabinet.take(mixed(0, 20))
        let_pass(cabinet, SOON_S)
        now = told(cabinet)[-1]
        assert now.flash == flash and now.waiting >= 20 and not now.is_well
        let_pass(cabinet, 2 * AGAIN_S)
        assert len(told(cabinet)) == 4
        assert told(cabinet)[-1].flash_for_s >= AGAIN_S
        cabinet.flash.fail.clear()
        let_pass(cabinet, SOON_S)
        now = told(cabinet)[-1]
        assert (now.flash, now.flash_for_s, now.waiting) == (FLASH_TAKES, 0, 0)
        assert len(told(cabinet)) == 5


def test_what_could_not_be_told_is_told_once_there_is_a_connection():
    cabinet = Cabinet()
    cabinet.head_end.connected = False
    cabinet.flash.read_only = True
    cabinet.take(mixed(0, 20))
    cabinet.run(30000)
    assert not told(cabinet)
    cabinet.head_end.connected = True
    cabinet.run(RETRY_MS + 400)
    assert told(cabinet)[-1].flash == FLASH_READ_ONLY


def test_a_clock_that_was_never_set_or_is_behind_is_told_and_said():
    cabinet = Cabinet()
    cabinet.take(mixed(0, 20))
    cabinet.run(3000)
    cabinet.clock.offset_s -= 3 * CLOCK_BEHIND_S
    cabinet.start()
    let_pass(cabinet, SOON_S)
    now = told(cabinet)[-1]
    assert now.quality == SYNCHRONISED and abs(now.behind_s - 3 * CLOCK_BEHIND_S) < 60
    assert now.at_s + now.behind_s < cabinet.clock.now_s() + 3 * CLOCK_BEHIND_S
    assert "clock is behind" in cabinet.agent.summary().trouble
    cabinet.clock.is_set = False
    let_pass(cabinet, SOON_S)
    assert told(cabinet)[-1].quality == NEVER_SET
    cabinet.clock.is_set = True
    cabinet.clock.offset_s += 3 * CLOCK_BEHIND_S
    let_pass(cabinet, SOON_S)
    assert told(cabinet)[-1].is_well and not cabinet.agent.summary().trouble


def test_a_clock_that_is_set_is_told_though_nothing_is_wrong_with_it_here():
    cabinet = Cabinet()
    cabinet.run(1000)
    cabinet.clock.offset_s += 3 * 365 * 86400
    let_pass(cabinet, SOON_S)
    assert [one.is_well for one in told(cabinet)] == [True, True]
    assert told(cabinet)[1].at_s - told(cabinet)[0].at_s >= 3 * 365 * 86400
    assert [one for one in cabinet.log.warned if one.startswith("clock moved by +94608")]
    cabinet.clock.offset_s -= 3 * 365 * 86400 - 60
    let_pass(cabinet, SOON_S)
    assert len(told(cabinet)) == 3 and told(cabinet)[2].is_well


def test_a_condition_that_changes_all_the_time_is_no_flood():
    cabinet = Cabinet()
    cabinet.flash.read_only = True
    cabinet.take(mixed(0, 20))
    for _ in range(200):
        cabinet.flash.read_only = not cabinet.flash.read_only
        cabinet.take(mixed(0, 1))
        cabinet.run(2000)
    assert len(told(cabinet)) < 200 * 2000 // CHANGED_MS + 3
