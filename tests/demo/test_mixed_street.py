"""The demo's street: makers and protocols side by side, and every concentrator's file is good."""

from demo.clock import Clock
from demo.street import CONCENTRATORS, METERS, Cabinet, inputs_of, models_of
from wum_edge.meters.catalog import protocols
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.config_file import read_config

CLOCK = Clock(1_760_000_000, 1_760_000_000, 1)


def test_one_pair_has_several_protocols_and_makers_and_the_cellar_other_media(tmp_path):
    catalog = read_catalog()
    spoken, media = [], set()
    for number in range(1, CONCENTRATORS + 1):
        cabinet = Cabinet(
            number, tmp_path, METERS, models_of(number), inputs_of(number, METERS))
        cabinet.write_configuration(1883, CLOCK)
        checked = read_config(cabinet.configuration, protocols(catalog), files=False)
        used = [catalog[meter.model] for meter in checked.meters]
        assert len(used) == METERS and len(checked.lines) == (2 if cabinet.inputs else 1)
        spoken.append({model.protocol for model in used})
        media |= {model.registers[0].obis[0] for model in used}
        assert len({model.make for model in used}) >= 4
    assert spoken[:-1] == [{"modbus-rtu", "dlms-hdlc", "iec62056-21"}] * (CONCENTRATORS - 1)
    assert spoken[-1] == {"mbus", "pulse"}    # Other wires: they share no pair with RS-485.
    assert media == {1, 6, 7, 8}              # Electricity, heat, gas, water.


def test_the_town_deals_what_the_configuration_names(tmp_path):
    cabinet = Cabinet(1, tmp_path, METERS, models_of(1))
    words = cabinet.serve(CLOCK)
    dealt = [words[place + 1] for place, word in enumerate(words) if word == "--model"]
    assert [dealt[n % len(dealt)] for n in range(METERS)] == [
        cabinet.model_at(address) for address in range(1, METERS + 1)]
