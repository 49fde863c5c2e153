"""Invocation counters that have gone apart, and meters whose counters go back."""

import pytest

from tests.simulator.dlms_bench import (
    CODES,
    KEYS,
    TITLE,
    Played,
    model_of,
    read_all,
    reader_of,
    wire_of,
)
from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.errors import CounterDecreased, ServiceRefused
from wum_edge.meters.dlms.resync import JUMP_MAX
from wum_edge.meters.turn import converse
from wum_shared import status
from wum_shared.obis import obis_from_text
from wum_simulator.meters.dlms_cosem import Client, PlainCounters
from wum_simulator.meters.dlms_objects import CosemObject

COUNTER = obis_from_text("0-0:43.1.0")
HEARD = "meter/1/" + TITLE.hex()
VALUES = {place: 1000 * place + 7 for place in range(len(CODES))}


class Noted(PlainCounters):
    """Counters that note what was reserved."""

    def __init__(self, first=1):
        super().__init__(first)
        self.reserved = []

    def reserve(self, context, count, least=0):
        first = super().reserve(context, count, least)
        if count:                                    # None: where a file of before stood is asked.
            self.reserved.append((first, count))
        return first


class Apart:
    """A meter that has heard client 1 use higher counters than we remember."""

    def __init__(self, heard, protection=0x30, has_object=True, says=True, ours=1):
        self.played = Played("gmac", protection)
        cosem = self.played.cosem
        cosem.clients = {16: Client(), 1: cosem.clients[16]}
        cosem.faults.counter_said = says
        cosem.counters.note_heard(HEARD, heard)
        self.object = CosemObject(
            COUNTER, {2: lambda: axdr.Data(axdr.UINT32, cosem.heard_counter(1))})
        cosem.objects[(1, COUNTER)] = self.object
        self.counters = Noted(ours)
        self.reader = reader_of(
            self.played, model_of(self.played, counter=COUNTER if has_object else None),
            counters=self.counters, client=1)
        self.line = wire_of(self.played)


@pytest.mark.parametrize("protection", [0x10, 0x20, 0x30])
@pytest.mark.parametrize(("has_object", "says"), [(True, True), (True, False), (False, True)])
def test_a_counter_that_another_head_end_has_passed_is_made_good(protection, has_object, says):
    apart = Apart(5_000, protection, has_object, says)
    take = read_all(apart.reader, apart.line)
    assert take.values == VALUES and not take.errors
    # It was kept before it was used, and nothing was used that was not kept.
    assert apart.counters.reserved == [(1, 256), (5_001, 256)]
    assert 5_001 <= apart.played.cosem.heard_counter(1) < 5_001 + 256
    converse(apart.reader.close(), apart.line)
    assert read_all(apart.reader, apart.line).values == VALUES
    assert len(apart.counters.reserved) == 2


def test_a_meter_that_names_no_counter_and_keeps_none_is_refused_by_name():
    apart = Apart(5_000, has_object=False, says=False)
    take = read_all(apart.reader, apart.line)
    assert "invocation-counter-error" in str(take.errors[0]) and not take.values
    assert take.errors[0].outcome == status.ASSOCIATION_REFUSED
    assert apart.counters.reserved == [(1, 256)]


def test_a_counter_far_above_ours_is_a_persons_business():
    apart = Apart(JUMP_MAX + 1)
    take = read_all(apart.reader, apart.line)
    assert "set invocation_counter in its access if that is right" in str(take.errors[0])
    assert apart.counters.reserved == [(1, 256)]


def test_a_meter_that_has_proved_nothing_makes_us_jump_once():
    apart = Apart(5_000)
    apart.played.cosem._keys = KEYS._replace(authentication=bytes(16))   # Or a thief of keys.
    apart.object.attributes[2] = lambda: axdr.Data(axdr.UINT32, apart.counters.next + 1_000_000)
    for _ in range(3):
        assert not read_all(apart.reader, apart.line).values
    assert apart.counters.next < 1_000_000 + 3 * 256 + 5_000


def test_a_meter_that_has_heard_less_than_before_is_an_alarm():
    apart = Apart(5_000)
    assert read_all(apart.reader, apart.line).values == VALUES
    converse(apart.reader.close(), apart.line)
    cosem = apart.played.cosem
    before = cosem.heard_counter(1)
    apart.object.attributes[2] = axdr.Data(axdr.UINT32, 17)
    cosem.counters.note_heard(HEARD, before + 10_000)        # So that it refuses.
    take = read_all(apart.reader, apart.line)
    assert isinstance(take.errors[0], CounterDecreased)
    assert "has heard our invocation counter 17, and 5000 before" in str(take.errors[0])


def test_a_meter_that_expects_what_was_said_already_is_an_alarm():
    apart = Apart(0, has_object=False, ours=9_000)
    cosem = apart.played.cosem
    cosem._counter_refused = lambda client: bytes([0xD8, 1, 6]) + (12).to_bytes(4, "big")
    cosem.counters.note_heard(HEARD, 20_000)
    take = read_all(apart.reader, apart.line)
    assert "expects invocation counter 12 after 9000 was said" in str(take.errors[0])
    assert take.errors[0].outcome == status.COUNTER_DECREASED


def test_a_counter_that_is_refused_in_an_open_association_is_made_good_by_the_next():
    apart = Apart(0)
    assert read_all(apart.reader, apart.line).values == VALUES
    for name in list(apart.played.cosem.counters.heard_counters):
        apart.played.cosem.counters.note_heard(name, 3_000)
    opened = apart.played.cosem._open[1].security
    opened._heard = 3_000
    assert read_all(apart.reader, apart.line).values == VALUES
    assert apart.counters.reserved == [(1, 256), (3_001, 256)]


def test_the_services_own_refusal_says_which_counter_is_expected():
    apart = Apart(0, has_object=False)
    session = converse(apart.reader.session(), apart.line)
    apart.played.cosem._open[1].security._heard = 777
    apart.played.cosem.counters.note_heard(HEARD, 777)
    with pytest.raises(ServiceRefused) as caught:
        converse(session.get(apart.reader._attribute(0)), apart.line)
    assert caught.value.counter == 778
