"""The schema says what the numbers of this configuration's rows mean."""

from tests.edge.samples import document, entry
from wum_edge.config import check
from wum_edge.meters.catalog import check_model, protocols
from wum_edge.schema import Sets, schema
from wum_shared.ids import schema_id
from wum_shared.messages import decode_schema, encode_schema

CONCENTRATOR = bytes(range(8))


def models():
    second = entry()
    second["model"] = "one"
    second["registers"] = second["registers"][:1]
    return {"two-and-one": check_model(entry()), "one": check_model(second)}


def configured():
    written = document(3)
    written["meter"][0]["model"] = "one"
    written["meter"][2]["model"] = "one"
    return check(written, protocols(models()))


def test_meters_stand_as_in_the_configuration_and_models_once():
    made = schema(configured(), models(), "default", CONCENTRATOR, 1760000000)
    assert [m.serial for m in made.meters] == ["M-0001", "M-0002", "M-0003"]
    assert [m.register_sets for m in made.meters] == [(0,), (1,), (0,)]
    assert [len(s.registers) for s in made.register_sets] == [1, 3]
    assert made.register_sets[1].registers[1] == (bytes([1, 0, 32, 7, 0, 255]), -1, 35)
    assert made.schedules == ((900, 0),)
    assert [portion.register_set for portion in Sets(configured(), models()).of(1)] == [1]


def test_the_schema_survives_the_wire_and_the_same_content_has_the_same_name():
    made = schema(configured(), models(), "default", CONCENTRATOR, 1760000000)
    again = schema(configured(), models(), "default", CONCENTRATOR, 1760000000)
    assert decode_schema(encode_schema(made)) == made
    assert schema_id(encode_schema(made)) == schema_id(encode_schema(again))


def test_meters_with_schedules_of_their_own_stand_beside_those_that_share_one():
    written = document(4)
    for index in range(4):
        written["meter"][index]["model"] = "one"
    written["meter"][1]["period_s"] = 300
    written["meter"][3].update({"period_s": 300, "offset_s": 0})
    config = check(written, protocols(models()))
    made = schema(config, models(), "default", CONCENTRATOR, 1760000000)
    assert made.schedules == ((900, 0), (300, 0))
    assert [m.schedules for m in made.meters] == [(0,), (1,), (0,), (1,)]
    assert decode_schema(encode_schema(made)) == made
