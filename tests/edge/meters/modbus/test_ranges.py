"""Registers are asked for together where that is cheaper, and never in a way the meter refuses."""

from tests.edge.samples import catalog_entry
from wum_edge.meters.catalog import Register, check_model
from wum_edge.meters.modbus.entry import Limits, Source
from wum_edge.meters.modbus.ranges import Range, plan, split
from wum_edge.meters.turn import silence_us


def register(address, count=2, function=4):
    return Register("r%d" % address, bytes(6), 255, 0,
                    Source(function, address, count, "uint32", "big", None, None))


def spans(registers, most=125, gap=17):
    return [(r.function, r.first, r.count, r.places)
            for r in plan(tuple(registers), Limits(most, gap))]


def test_neighbours_are_one_request():
    assert spans([register(0), register(2), register(4)]) == [(4, 0, 6, (0, 1, 2))]


def test_the_order_of_the_catalogue_does_not_matter_to_the_wire():
    assert spans([register(4), register(0), register(2)]) == [(4, 0, 6, (1, 2, 0))]


def test_gaps_are_bridged_up_to_the_limit_and_not_a_word_further():
    assert spans([register(0), register(19)]) == [(4, 0, 21, (0, 1))]
    assert spans([register(0), register(20)]) == [(4, 0, 2, (0,)), (4, 20, 2, (1,))]
    assert spans([register(0), register(3)], gap=0) == [(4, 0, 2, (0,)), (4, 3, 2, (1,))]
    assert spans([register(0), register(2)], gap=0) == [(4, 0, 4, (0, 1))]


def test_a_request_holds_no_more_than_the_meter_allows():
    registers = [register(2 * n) for n in range(50)]
    for most in (2, 3, 7, 80, 100, 125):
        ranges = plan(tuple(registers), Limits(most, 17))
        assert max([r.count for r in ranges]) <= most
        assert sum([len(r.places) for r in ranges]) == 50
    assert len(spans(registers, most=80)) == 2


def test_a_register_is_never_cut_in_two():
    for r in plan(tuple([register(n * 4, 4) for n in range(20)]), Limits(10, 17)):
        assert r.count % 4 == 0


def test_functions_are_not_mixed():
    assert spans([register(0, function=3), register(2, function=4)]) == [
        (3, 0, 2, (0,)), (4, 2, 2, (1,))]


def test_registers_that_share_words_share_the_range():
    assert spans([register(0, 4), register(2, 2), register(2, 1)]) == [(4, 0, 4, (0, 1, 2))]


def test_a_refused_range_is_split_at_its_gaps_then_by_register_then_not_at_all():
    registers = tuple([register(0), register(2), register(10), register(50)])
    whole = Range(4, 0, 12, (0, 1, 2))
    parts = split(whole, registers)
    assert parts == (Range(4, 0, 4, (0, 1)), Range(4, 10, 2, (2,)))
    assert split(parts[0], registers) == (Range(4, 0, 2, (0,)), Range(4, 2, 2, (1,)))
    assert split(parts[1], registers) == (parts[1],)


def test_the_silence_is_three_and_a_half_characters_and_never_under_1750_us():
    assert 3645 <= silence_us(9600, 10) <= 3647
    assert 14583 <= silence_us(2400, 10) <= 14585
    assert silence_us(19200, 11) == 2006
    assert silence_us(19200, 10) == 1823
    assert silence_us(115200, 10) == 1750


def test_an_sdm630_is_one_request():
    model = check_model(catalog_entry("eastron-sdm630"))
    assert [(r.first, r.count) for r in plan(model.registers, model.manner.limits)] == [(0, 80)]
