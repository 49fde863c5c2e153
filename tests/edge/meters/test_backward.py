"""Counters that go back are told once, as what they are; what goes both ways is no counter."""

from wum_edge.meters.backward import TELL_AGAIN_S, Counters, has_rolled, only_grows


class Register:
    def __init__(self, obis, unit=30, scaler=0):
        self.name = "counter"
        self.obis = bytes(obis)
        self.unit = unit
        self.scaler = scaler


class Model:
    def __init__(self, *registers):
        self.registers = registers


IMPORT = Register((1, 0, 1, 8, 0, 255), scaler=1)
NET = Register((1, 0, 16, 8, 0, 255))
POWER = Register((1, 0, 1, 7, 0, 255), 27)
WATER = Register((8, 0, 1, 0, 0, 255), 13, -3)
STORED = Register((8, 0, 1, 0, 0, 1), 13, -3)
WARMTH = Register((6, 0, 10, 0, 0, 255), 9, -1)
PHASE = Register((1, 0, 21, 8, 0, 255))


def of(*values):
    """By place, as a visit has them."""
    return dict(enumerate(values))


def test_what_only_grows_is_a_counter_and_nothing_else():
    model = Model(IMPORT, NET, POWER, WATER, STORED, WARMTH, PHASE)
    assert [only_grows(model, place) for place in range(7)] == [
        True, False, False, True, False, False, True]


def test_a_counter_that_goes_back_is_told_with_both_values_in_its_unit():
    counters = Counters(Model(POWER, IMPORT))
    assert counters.note(of(5, 1000), 0) == ""
    assert counters.note(of(4, 1000), 60) == ""
    assert counters.note(of(3, None), 120) == ""
    assert counters.note(of(3, 999), 180) == (
        "counter went from 10000 to 9990 Wh: it was reset, or is another meter's")


def test_from_all_nines_to_nought_it_rolled_over():
    counters = Counters(Model(WATER))
    counters.note(of(99_999_950), 0)
    assert counters.note(of(20), 60) == (
        "counter went from 99999.950 to 0.020 m³: it rolled over")
    assert has_rolled(999, 1) and not has_rolled(899, 1) and not has_rolled(999, 100)
    assert not has_rolled(100, 99)


def test_two_meters_at_one_address_do_not_fill_the_archive_with_it():
    counters = Counters(Model(IMPORT))
    told = [at_s for at_s in range(0, 3 * TELL_AGAIN_S, 900)
            if counters.note(of(1000 if at_s % 1800 else 50), at_s)]
    assert len(told) == 3
