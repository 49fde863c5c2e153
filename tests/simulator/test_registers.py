"""Quantities into words by pymodbus, for every meter type of the catalogue."""

import json
from fractions import Fraction
from importlib.resources import files

import pytest

from wum_edge.meters.catalog import check_model
from wum_edge.meters.scaling import raw_number, scaled
from wum_simulator.catalog import Register, UnknownModel, model, model_names
from wum_simulator.quantities import shown
from wum_simulator.registers import scaled_of, words_of
from wum_simulator.town import meters
from wum_simulator.world import Dice

AT_S = 1_727_100_000


def register(kind: str, *, obis: str = "1-0:16.7.0", scale: str = "1", scaler: int = 0,
             order: str = "big") -> Register:
    return Register("r", obis, 3, 0, kind, order, Fraction(scale), "W", scaler)


def test_there_are_at_least_ten_models_and_the_town_can_play_each() -> None:
    assert len(model_names()) >= 10
    for name in model_names():
        assert meters(Dice(7), [name], count=1)[0].showing(AT_S)


MODBUS = [name for name in model_names() if model(name).protocol.startswith("modbus")]


@pytest.mark.parametrize("name", MODBUS)
def test_the_gateway_reads_from_these_words_what_pymodbus_reads(name: str) -> None:
    entry = json.loads((files("wum_edge") / "catalog" / f"{name}.json").read_text())
    by_name = {r.name: r for r in check_model(entry, name).registers}
    for meter in meters(Dice(7), [name], count=6):
        for at_s in (AT_S, AT_S + 40_000):
            for showing in meter.showing(at_s):
                r = by_name[showing.register.name]
                s = r.source
                raw = raw_number(showing.words, s.word_order)
                assert scaled(raw, s.type, s.scale, r.scaler) == showing.scaled


@pytest.mark.parametrize("name", MODBUS)
def test_what_a_register_means_is_the_quantity_as_finely_as_it_can_say(name: str) -> None:
    meter = meters(Dice(7), [name], count=1)[0]
    instant = meter.consumer.at(AT_S)
    for showing in meter.showing(AT_S):
        wanted = shown(showing.register.obis, instant) / 1e6
        step = max(float(abs(showing.register.scale)), 10.0**showing.register.scaler,
                   abs(wanted) * 2**-23)
        assert showing.scaled is not None
        assert showing.scaled * 10.0**showing.register.scaler == pytest.approx(wanted, abs=step)


@pytest.mark.parametrize(("kind", "order", "words"), [
    ("int16", "big", [0xFF85]), ("int32", "big", [0xFFFF, 0xFF85]),
    ("int32", "little-word", [0xFF85, 0xFFFF]), ("float32", "big", [0xC2F6, 0]),
    ("int64", "big", [0xFFFF, 0xFFFF, 0xFFFF, 0xFF85])])
def test_minus_123_is_written_as_its_type_and_order_say(
        kind: str, order: str, words: list[int]) -> None:
    r = register(kind, order=order)
    assert words_of(r, -123_000_000) == words
    assert scaled_of(r, words) == -123


def test_a_counter_shows_what_is_complete_and_turns_over() -> None:
    counter = register("uint16", obis="1-0:1.8.0", scale="10")
    assert words_of(counter, 19_999_999) == [1]
    assert words_of(counter, 655_360 * 10**6) == [0]


def test_another_register_is_rounded_and_stands_at_its_end() -> None:
    assert words_of(register("int16"), 1_500_000) == [2]
    assert words_of(register("int16"), 99_999 * 10**6) == [32767]
    assert words_of(register("uint16"), -5 * 10**6) == [0]


def test_a_scale_may_be_negative() -> None:
    r = register("int16", scale="-0.1", scaler=-1)
    assert words_of(r, 12_300_000) == [0x10000 - 123]
    assert scaled_of(r, [0x10000 - 123]) == 123


def test_a_float_that_is_no_number_means_nothing() -> None:
    assert scaled_of(register("float32"), [0x7FC0, 0]) is None
    assert scaled_of(register("float32"), [0x7F80, 0]) is None


@pytest.mark.parametrize("name", ["", "none-such", "../errors", "schema"])
def test_a_model_that_is_not_there_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(UnknownModel, match="eastron-sdm630"):
        model(name)


def test_meters_past_the_last_address_are_refused() -> None:
    with pytest.raises(ValueError, match=r"wanted 1\.\.247, got 240\.\.255"):
        meters(Dice(7), ["eastron-sdm630"], count=16, first_address=240)
