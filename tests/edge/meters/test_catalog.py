"""A catalogue entry is taken whole or refused with model, register and field."""

from tests.edge.samples import catalog_entry, entry
from tests.portable import raises
from wum_edge.errors import CatalogError
from wum_edge.meters.catalog import check_model
from wum_shared.obis import obis_from_text


def refused(change):
    bad = entry()
    change(bad)
    return raises(CatalogError, lambda: check_model(bad))


def register_refused(field, value):
    def change(bad):
        bad["registers"][1][field] = value
    return refused(change)


def test_a_good_entry_is_a_model():
    model = check_model(entry(), "two-and-one")
    assert model.model == "two-and-one" and model.manner.limits == (125, 17)
    energy, voltage, current = model.registers
    assert energy.obis == obis_from_text("1-0:1.8.0") and energy.unit == 30
    assert tuple(energy.source.scale) == (1, 1) and energy.scaler == 1
    assert voltage.unit == 35 and tuple(voltage.source.scale) == (1, -1)
    assert current.source.type == "float32" and current.source.absent is None


def test_every_wrong_field_of_a_register_is_named():
    for field, value, wanted in (
            ("obis", "1-0:300.8.0", "an OBIS code"), ("obis", 18, "a text"),
            ("function", 5, "one of 3, 4"), ("function", True, "one of 3, 4"),
            ("address", -1, "0..65535"), ("address", 65536, "0..65535"),
            ("address", "0", "0..65535"),
            ("count", 2, "1..1"), ("count", 0, "1..1"),
            ("type", "uint24", "uint16"), ("word_order", "middle", "little-word"),
            ("scale", "0", "decimal"), ("scale", 0.1, "a text"), ("scale", "1e3", "decimal"),
            ("unit", "kWh", "one of"), ("unit", None, "a text"),
            ("scaler", 10, "-9..9"), ("scaler", False, "-9..9"),
            ("absent", "fff", "4 lower-case"), ("absent", "FFFF", "4 lower-case")):
        text = register_refused(field, value)
        assert "two-and-one.registers[voltage_l1].%s: wanted" % field in text, text
        assert wanted in text, text


def test_a_missing_field_is_named():
    for field in ("obis", "function", "address", "count", "type", "scale", "unit", "scaler"):
        text = refused(lambda bad, field=field: bad["registers"][1].pop(field))
        assert "two-and-one.registers[voltage_l1].%s: wanted" % field in text and (
            "got nothing" in text), text


def test_an_unknown_field_is_named_with_the_one_that_was_meant():
    text = register_refused("adress", 3)
    assert "registers[voltage_l1].adress: wanted address (did you mean that?)" in text


def test_a_register_without_a_name_is_named_by_its_place():
    text = refused(lambda bad: bad["registers"][2].pop("name"))
    assert "two-and-one.registers[2].name: wanted" in text


def test_names_and_codes_stand_once():
    assert "registers[energy_import].name: wanted a name that no other" in register_refused(
        "name", "energy_import")
    assert 'obis: wanted a code that no other register has, got "1-0:1.8.0"' in register_refused(
        "obis", "1-0:1.8.0")


def test_an_integer_register_may_not_lose_digits():
    assert "registers[voltage_l1].scaler: wanted at most -1" in register_refused("scaler", 0)
    finer = entry()
    finer["registers"][1]["scaler"] = -3
    assert check_model(finer).registers[1].scaler == -3


def test_limits_are_checked():
    for field, value in (("registers_per_request", 126), ("registers_per_request", 0), ("gap", -1)):
        def change(bad, field=field, value=value):
            bad["limits"][field] = value
        assert "two-and-one.limits.%s: wanted" % field in refused(change)


def test_an_entry_must_be_named_like_its_file():
    text = raises(CatalogError, lambda: check_model(entry(), "another"))
    assert 'model: wanted the name of its file, "another", got "two-and-one"' in text


def test_what_is_no_table_is_refused_in_one_sentence():
    for bad in (None, [], "entry", 3, {}):
        raises(CatalogError, lambda bad=bad: check_model(bad))
    text = refused(lambda bad: bad.update({"registers": [3]}))
    assert text.count("\n") == 1 and "registers[0]: wanted a table, got 3" in text
    assert "wanted 1..128" in refused(lambda bad: bad.update({"registers": []}))


def test_all_mistakes_are_told_at_once():
    def change(bad):
        bad["make"] = 7
        bad["registers"][0]["unit"] = "kWh"
        bad["registers"][2]["count"] = 1
    text = refused(change)
    assert "3 to mend" in text


def test_the_keys_of_an_unknown_protocol_are_not_judged():
    text = refused(lambda bad: bad.update({"protocol": "telepathy"}))
    assert "1 to mend" in text and "two-and-one.protocol: wanted one of" in text, text


def test_a_slip_in_the_name_of_a_protocol_is_one_mistake():
    text = refused(lambda bad: bad.update({"protocol": "modbus-rtv"}))
    assert "1 to mend" in text and "(did you mean modbus-rtu?)" in text, text


def test_the_code_of_an_absent_value_is_kept():
    marked = entry()
    marked["registers"][1]["absent"] = "ffff"
    assert check_model(marked).registers[1].source.absent == 0xFFFF


def test_real_entries_pass_here_too():
    for name in ("eastron-sdm630", "abb-ab-series", "carlo-gavazzi-em340", "wago-879-30xx"):
        assert check_model(catalog_entry(name), name).model == name


def test_a_unit_with_a_prefix_is_told_how_it_is_written_here():
    text = refused(lambda bad: bad["registers"][0].update({"unit": "kWh"}))
    assert "(a kWh is Wh with a scaler higher by 3)" in text
