"""Conversations with M-Bus meters: telegrams, addresses of both kinds, the search, and damage."""

from tests.edge.meters.mbus.slaves import Slave, Wires
from tests.portable import raises
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.mbus.identity import identity_from_text
from wum_edge.meters.mbus.search import search_primary, search_secondary
from wum_edge.meters.mbus.talk import CI_SEND, Link, read_out
from wum_edge.meters.turn import converse

ENERGY, VOLUME, POWER = "0403e8030000", "0c1378563412", "042b64000000"
FIRST, SECOND, THIRD = "7856341224232807", "2143658724230106", "1143658724230106"


def read(wires, link, most=16):
    def both():
        yield from link.begin()
        answers = yield from read_out(link, most)
        return [record.value for answer in answers for record in answer.records]
    return converse(both(), wires)


def test_a_readout_goes_on_until_no_more_follows():
    wires = Wires([Slave(1, FIRST, [ENERGY + "1f", VOLUME + "1f", POWER])])
    assert read(wires, Link(1, 500)) == [1000, 12345678, 100]
    controls = [said[1] for said in wires.turns]
    assert controls == [0x40, 0x7B, 0x5B, 0x7B]   # The FCB toggles.


def test_a_damaged_telegram_is_asked_for_again_with_the_same_fcb():
    slave = Slave(1, FIRST, [ENERGY + "1f", VOLUME])
    wires = Wires([slave])
    link = Link(1, 500)
    converse(link.begin(), wires)
    slave.damage = 1
    assert [len(a.records) for a in converse(read_out(link, 9), wires)] == [1, 1]
    assert [said[1] for said in wires.turns] == [0x40, 0x7B, 0x7B, 0x5B]


def test_damage_that_stays_is_told_with_what_to_do():
    slave = Slave(1, FIRST, [ENERGY])
    slave.damage = 99
    wires = Wires([slave])
    assert "two meters answer to address 1" in raises(
        BadCheck, lambda: read(wires, Link(1, 500)))
    assert len(wires.turns) == 2


def test_a_meter_that_repeats_itself_is_not_followed_for_ever():
    wires = Wires([Slave(1, FIRST, [ENERGY + "1f"])])
    assert read(wires, Link(1, 500)) == [1000]
    assert len(wires.turns) == 3


def test_no_more_telegrams_are_read_than_wanted():
    wires = Wires([Slave(1, FIRST, [ENERGY + "1f", VOLUME + "1f", POWER])])
    assert read(wires, Link(1, 500), 2) == [1000, 12345678]


def test_nobody_is_silent_and_an_error_frame_is_a_refusal():
    slave = Slave(1, FIRST, [ENERGY])
    slave.error = 8
    raises(LineSilent, lambda: read(Wires([slave]), Link(2, 500)))
    assert "too busy" in raises(Refused, lambda: read(Wires([slave]), Link(1, 500)))


def test_an_answer_of_another_address_is_foreign():
    slave = Slave(1, FIRST, [ENERGY])
    slave.hear = lambda said: Slave(2, FIRST, [ENERGY]).hear(b"\x10\x7b\xfe\x79\x16")
    link = Link(1, 500)
    raises(ForeignAnswer, lambda: converse(link.ask(), Wires([slave])))
    assert link.foreign == 1


def test_secondary_addresses_select_one_of_many_with_one_primary():
    wires = Wires([Slave(0, FIRST, [ENERGY]), Slave(0, SECOND, [POWER])])
    assert read(wires, Link(0, 500, identity_from_text("1234567823242807"))) == [1000]
    assert read(wires, Link(0, 500, identity_from_text("87654321FFFFFFFF"))) == [100]
    assert read(wires, Link(0, 500, identity_from_text("8FFFFFFFFFFFFF06"))) == [100]
    raises(LineSilent,
           lambda: read(wires, Link(0, 500, identity_from_text("12345678FFFFFF06"))))


def test_meters_that_answer_at_once_are_damage_and_no_reading():
    wires = Wires([Slave(1, FIRST, [ENERGY]), Slave(1, SECOND, [POWER])])
    raises(BadCheck, lambda: read(wires, Link(1, 500)))


def test_the_search_finds_every_meter_and_tells_collisions_from_meters():
    slaves = [Slave(1, FIRST, [ENERGY]), Slave(1, SECOND, [POWER]), Slave(2, THIRD, [VOLUME])]
    wires = Wires(slaves)
    found = converse(search_secondary(500), wires)
    assert sorted([one.identity.number for one in found]) == [
        "12345678", "87654311", "87654321"]
    assert all(not one.note for one in found)
    assert len(wires.turns) < 2 * (1 + 8 * 10) + 2 * 10


def test_a_search_says_where_it_is_and_what_it_has_found():
    wires = Wires([Slave(1, FIRST, [ENERGY]), Slave(2, THIRD, [VOLUME])])
    told = []
    found = converse(search_secondary(
        500, tell=lambda what, so_far: told.append((what, len(so_far)))), wires)
    assert told[0] == ("numbers FFFFFFFF", 0) and told[1][0] == "numbers 0FFFFFFF"
    assert [count for _, count in told] == sorted([count for _, count in told])
    assert told[-1][1] in (len(found), len(found) - 1)
    told = []
    converse(search_primary(500, 1, 3, lambda what, so_far: told.append((what, len(so_far)))),
             wires)
    assert told == [("address 1", 0), ("address 2", 1), ("address 3", 2)]


def test_two_meters_of_one_number_are_told():
    wires = Wires([Slave(1, "7856341224232807", [ENERGY]), Slave(2, "7856341224230106", [POWER])])
    found = converse(search_secondary(500), wires)
    assert len(found) == 1
    assert "Two meters have this number" in found[0].note


def test_the_search_of_primary_addresses_tells_doubles():
    wires = Wires([Slave(1, FIRST, [ENERGY]), Slave(3, SECOND, [POWER]), Slave(3, THIRD, [VOLUME])])
    found = converse(search_primary(500, 0, 5), wires)
    assert [(one.address, one.identity is None) for one in found] == [(1, False), (3, True)]
    assert "Give each meter an address of its own" in found[1].note


def test_a_meter_that_acknowledges_and_says_no_more_is_told():
    slave = Slave(1, FIRST, [ENERGY])
    hear = slave.hear
    slave.hear = lambda said: hear(said) if said[0] != 0x10 or said[1] == 0x40 else b""
    found = converse(search_primary(500, 1, 1), Wires([slave]))
    assert "sends no data" in found[0].note


def test_a_primary_address_is_set_by_what_the_standard_says():
    slave = Slave(0, FIRST, [ENERGY])
    link = Link(0, 500)
    converse(link.send(CI_SEND, b"\x01\x7a\x05"), Wires([slave]))
    assert slave.got == [b"\x51\x01\x7a\x05"]
