"""A concentrator whose disk is full or read-only: what it says, and that nothing is lost by it."""

from tests.edge.records import mixed
from tests.edge.test_agent import Cabinet, rows_of
from wum_shared.status import EVENT_FLASH_REFUSED


def test_a_full_disk_is_a_state_of_its_own_and_an_event_once_it_is_over():
    cabinet = Cabinet()
    cabinet.take(mixed(0, 4))
    cabinet.run(5000)
    assert cabinet.agent.summary().trouble == ""
    cabinet.flash.size_bytes = 1
    cabinet.take(mixed(4, 20))
    cabinet.run(90000)
    assert cabinet.agent.summary().trouble == "the disk is full"
    assert any("the disk is full" in text and "Free space" in text for text in cabinet.log.warned)
    cabinet.flash.size_bytes = 1 << 30
    cabinet.run(10000)
    assert cabinet.agent.summary().trouble == ""
    told = cabinet.events(EVENT_FLASH_REFUSED)
    assert len(told) == 1 and told[0].startswith("for 9") and told[0].endswith("the disk is full")
    stored = cabinet.head_end.committed
    assert rows_of([stored[n] for n in sorted(stored)]) == rows_of(mixed(0, 24))


def test_a_disk_that_turns_from_full_to_read_only_is_told_at_once():
    cabinet = Cabinet()
    cabinet.flash.size_bytes = 1
    cabinet.take(mixed(0, 4))
    cabinet.run(5000)
    cabinet.flash.size_bytes = 1 << 30
    cabinet.flash.read_only = True
    cabinet.run(12000)
    assert cabinet.agent.summary().trouble == "the disk is read-only"
    assert any("the disk is read-only" in text for text in cabinet.log.warned)


def test_a_disk_that_turns_read_only_while_answers_come_is_not_told_as_full():
    cabinet = Cabinet()
    cabinet.head_end.connected = False
    cabinet.take(mixed(0, 20))
    cabinet.run(5000)
    cabinet.flash.read_only = True
    cabinet.head_end.connected = True
    cabinet.take(mixed(20, 4))
    cabinet.run(60000)                      # The cursor has moved, and cannot be kept.
    assert cabinet.agent.summary().backlog == 0
    assert cabinet.agent.summary().trouble == "the disk is read-only"
    assert not [text for text in cabinet.log.warned if "the disk is full" in text]


def test_a_start_on_a_read_only_disk_says_why_nothing_is_sent_and_sends_it_later():
    cabinet = Cabinet()
    cabinet.head_end.connected = False
    cabinet.take(mixed(0, 20))
    cabinet.run(5000)
    cabinet.flash.read_only = True          # With the message counters: none may be used again.
    cabinet.start()
    cabinet.head_end.connected = True
    cabinet.run(10000)
    assert not cabinet.head_end.arrivals
    waits = [text for text in cabinet.log.warned if "not sent" in text]
    assert "the disk is read-only" in waits[0] and "Mount it for writing" in waits[0]
    cabinet.flash.read_only = False
    cabinet.run(10000)
    stored = cabinet.head_end.committed
    assert rows_of([stored[n] for n in sorted(stored)]) == rows_of(mixed(0, 20))
