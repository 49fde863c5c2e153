"""The catalogue's files: each has the form of the schema and makes sense as a whole."""

import json
from collections.abc import Callable
from functools import cache
from importlib import resources

import fastjsonschema
import pytest

from wum_edge.errors import CatalogError
from wum_edge.meters.catalog import PROTOCOLS, check_model
from wum_edge.meters.modbus.ranges import plan
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS

FOLDER = resources.files("wum_edge") / "catalog"
# Which file has the form of a protocol's entries.
SCHEMA_OF = {"dlms-hdlc": "dlms", "dlms-wrapper": "dlms", "iec62056-21": "iec62056_21",
             "mbus": "mbus", "modbus-rtu": "modbus", "modbus-tcp": "modbus", "p1": "p1",
             "pulse": "pulse", "sml": "sml"}


def form(file_name: str) -> dict[str, object]:
    # The library knows draft 7; nothing here differs in 2020-12.
    return {**json.loads((FOLDER / file_name).read_text()),
            "$schema": "http://json-schema.org/draft-07/schema#"}


@cache
def by_schema(protocol: str) -> Callable[[object], object]:
    compiled: Callable[[object], object] = fastjsonschema.compile(
        form(f"{SCHEMA_OF[protocol]}.schema.json"), handlers={"": form})
    return compiled


# OBIS C group of a quantity without phase (IEC 62056-61, table 6): what its unit must be.
UNIT_OF_QUANTITY = {1: ("Wh", "W"), 2: ("Wh", "W"), 3: ("varh", "var"), 4: ("varh", "var"),
                    5: ("varh", "var"), 6: ("varh", "var"), 7: ("varh", "var"), 8: ("varh", "var"),
                    9: ("VAh", "VA"), 11: ("A",), 12: ("V",), 13: ("",), 14: ("Hz",),
                    15: ("Wh", "W"), 16: ("Wh", "W")}
# The same for heat, gas and water, whose C groups mean other things (EN 13757-1).
UNIT_OF_THERMAL = {1: ("Wh", "J", "m³"), 2: ("m³", "m³/h"), 3: ("m³",), 8: ("W",), 9: ("m³/h",),
                   10: ("°C",), 11: ("°C",), 12: ("K",)}
BILLED = ("1-0:1.8.0", "1-0:1.8.1", "1-0:15.8.0", "6-0:1.0.0", "7-0:3.0.0", "8-0:1.0.0",
          "9-0:1.0.0")


def entry(name: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def test_there_are_at_least_70_models_of_all_protocols() -> None:
    models = read_catalog().values()
    assert len(models) >= 70
    spoken = {model.protocol for model in models}
    assert spoken >= set(PROTOCOLS) - {"dlms-wrapper"}   # The same entries as dlms-hdlc.


def test_there_are_at_least_35_models_of_modbus() -> None:
    models = read_catalog().values()
    assert sum(model.protocol.startswith("modbus-") for model in models) >= 35


@pytest.mark.parametrize("name", sorted(read_catalog()))
def test_an_entry_has_the_form_of_the_schema(name: str) -> None:
    document = entry(name)
    by_schema(str(document["protocol"]))(document)


def test_every_protocol_has_its_form_and_every_unit_stands_in_it() -> None:
    assert sorted(SCHEMA_OF) == list(PROTOCOLS)
    frame = json.loads((FOLDER / "schema.json").read_text())
    units = frame["$defs"]["register"]["properties"]["unit"]["enum"]
    assert set(units) == set(UNITS.values())


@pytest.mark.parametrize("name", sorted(read_catalog()))
def test_an_entry_makes_sense(name: str) -> None:
    model = read_catalog()[name]
    assert model.source and model.licence
    codes = [obis_to_text(r.obis) for r in model.registers]
    assert codes[0] in BILLED, "what is billed comes first"
    for register, code in zip(model.registers, codes, strict=True):
        if register.obis[0] != 1:
            assert UNITS[register.unit] in UNIT_OF_THERMAL[register.obis[2]], code
            continue
        group_c, group_d = register.obis[2], register.obis[3]
        quantity = group_c % 20 if group_c > 20 else group_c
        unit = UNITS[register.unit]
        assert unit in UNIT_OF_QUANTITY[quantity], (code, unit)
        assert (group_d == 8) == unit.endswith("h"), (code, unit)
        phase = {"1": range(21, 40), "2": range(41, 60), "3": range(61, 80)}.get(
            register.name[-1] if register.name[-3:-1] == "_l" else "", range(1, 21))
        assert group_c in phase, (register.name, code)
    if model.protocol.startswith("modbus-"):
        ranges = plan(model.registers, model.manner.limits)
        assert sum(len(r.places) for r in ranges) == len(codes)


def test_schema_and_check_refuse_the_same() -> None:
    for path, value in (
            (("protocol",), "telepathy"), (("limits", "gap"), 126),
            (("timing",), {"silence_ms": 1001}), (("timing",), {"delay_ms": 0}),
            (("registers", 0, "function"), 6),
            (("registers", 0, "unit"), "kWh"), (("registers", 0, "scale"), "1e3"),
            (("registers", 0, "scaler"), 10), (("registers", 0, "address"), 65536),
            (("registers", 0, "absent"), "FFFF"), (("registers",), []), (("extra",), 1)):
        bad = entry("eastron-sdm120")
        place: object = bad
        for step in path[:-1]:
            place = place[step]  # type: ignore[index]
        place[path[-1]] = value  # type: ignore[index]
        with pytest.raises(fastjsonschema.JsonSchemaValueException):
            by_schema("modbus-rtu")(bad)
        with pytest.raises(CatalogError):
            check_model(bad)
