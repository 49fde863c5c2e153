"""A configuration is taken whole or refused with every mistake, each with path, wanted and got."""

from tests.edge.samples import document
from tests.portable import raises
from wum_edge.config import Line, check, different_schedules
from wum_edge.errors import ConfigError

MODELS = {"two-and-one": "modbus-rtu", "eastron-sdm630": "modbus-rtu"}


def mistakes(change, meters=2):
    bad = document(meters)
    change(bad)
    try:
        check(bad, MODELS)
    except ConfigError as error:
        return error.mistakes
    return []


def only(change):
    found = mistakes(change)
    assert len(found) == 1, found
    return found[0]


def test_a_good_configuration_becomes_records():
    config = check(document(), MODELS)
    assert config.concentrator == ("cabinet-1", "keys", "archive", 64, "", 10, 60)
    assert config.broker == ("127.0.0.1", 1883, False, "")
    assert config.schedule == (900, 0)
    assert config.lines == (("a", "/dev/ttyUSB0", 9600, "N", 1, 8),)
    assert config.meters[1] == ("M-0002", "dp-M-0002", "a", 2, "two-and-one", 500, ("rtu",))
    assert config.clock is None


def test_what_is_left_out_has_a_default():
    short = document()
    short.pop("schedule")
    short["line"][0].pop("baud")
    short["broker"] = {"host": "broker.example.org"}
    config = check(short, MODELS)
    assert config.schedule == (3600, 0)
    assert config.lines[0].baud == 9600
    assert config.broker == ("broker.example.org", 8883, True, "")


def test_bits_per_character_follow_parity_and_stop_bits():
    assert Line("a", "p", 9600, "N", 1, 8).bits_per_character() == 10
    assert Line("a", "p", 9600, "E", 1, 8).bits_per_character() == 11
    assert Line("a", "p", 9600, "N", 2, 8).bits_per_character() == 11


def test_every_wrong_value_is_named_with_path_wanted_and_got():
    for place, key, value, path, wanted, got in (
            ("concentrator", "name", 7, "concentrator.name", "a text", "7"),
            ("concentrator", "name", "", "concentrator.name", "a text of 1..64", '""'),
            ("concentrator", "archive_limit_mb", 0, "concentrator.archive_limit_mb", "1..65536",
             "0"),
            ("broker", "port", 70000, "broker.port", "1..65535", "70000"),
            ("broker", "port", "1883", "broker.port", "1..65535", '"1883"'),
            ("broker", "port", True, "broker.port", "1..65535", "true"),
            ("broker", "tls", 0, "broker.tls", "true or false", "0"),
            ("schedule", "period_s", 0, "schedule.period_s", "1..86400", "0"),
            ("schedule", "offset_s", 900, "schedule.offset_s", "0..899", "900")):
        found = only(lambda bad, p=place, k=key, v=value: bad[p].update({k: v}))
        assert found[0] == path and found[1].startswith(wanted) and found[2] == got, found


def test_every_wrong_value_of_lines_and_meters_is_named_with_its_place():
    for place, key, value, wanted in (
            ("line", "baud", 9601, "one of 300, 600, 1200"), ("line", "parity", "X", "one of"),
            ("line", "stop_bits", 3, "one of 1, 2"), ("line", "data_bits", 9, "one of 8, 7"),
            ("meter", "serial", "M 1", "printable ASCII"), ("meter", "serial", 1, "a text"),
            ("meter", "delivery_point", "a/b", "printable ASCII"),
            ("meter", "address", 0, "1..247"), ("meter", "address", 248, "1..247"),
            ("meter", "timeout_ms", 19, "20..10000"), ("meter", "timeout_ms", 0.5, "20..10000")):
        found = only(lambda bad, p=place, k=key, v=value: bad[p][0].update({k: v}))
        assert found[0] == "%s[0].%s" % (place, key) and wanted in found[1], found


def test_a_missing_key_is_named():
    for place, key in (("concentrator", "keys"), ("concentrator", "archive"), ("broker", "host")):
        assert only(lambda bad, p=place, k=key: bad[p].pop(k)) == (
            "%s.%s" % (place, key), "a text", "nothing")
    assert only(lambda bad: bad["meter"][1].pop("address")) == (
        "meter[1].address", "1..247", "nothing")


def test_an_unknown_key_is_named_with_the_one_that_was_meant():
    assert only(lambda bad: bad["meter"][0].update({"adress": 3})) == (
        "meter[0].adress", "address (did you mean that?)", "an unknown key")
    assert only(lambda bad: bad.update({"clok": {}})) == (
        "clok", "clock (did you mean that?)", "an unknown key")
    found = only(lambda bad: bad["broker"].update({"wholly_other": 3}))
    assert found[1].startswith("one of tls, host")


def test_an_unknown_model_comes_with_the_list():
    found = only(lambda bad: bad["meter"][0].update({"model": "eastron-sdm63"}))
    assert found == ("meter[0].model",
                     "one of eastron-sdm630, two-and-one (did you mean eastron-sdm630?)",
                     '"eastron-sdm63"')


def test_what_stands_under_access_is_never_shown():
    found = only(lambda bad: bad["meter"][0].update({"access": {"password": "s3cret"}}))
    assert found[0] == "meter[0].access.password" and "s3cret" not in found[2], found
    assert only(lambda bad: bad["meter"][0].update({"access": "s3cret"})) == (
        "meter[0].access", "a table", "something else (not shown)")


def test_two_meters_at_one_address_of_a_line_are_refused():
    found = only(lambda bad: bad["meter"][1].update({"address": 1}))
    assert found == ("meter[1].address", "an address that line a has once",
                     ("1, which meter[0] (M-0001) has: give one of them another, "
                      "at the meter itself and here"))


def test_a_model_among_many_is_not_answered_with_all_of_them():
    many = {"model-%d" % n: "modbus-rtu" for n in range(90)}
    bad = document()
    bad["meter"][0]["model"] = "modle-7"
    try:
        check(bad, many)
    except ConfigError as error:
        told = [wanted for path, wanted, _ in error.mistakes if path == "meter[0].model"][0]
    assert told == ("a model that `wum-edge catalog list` has, or of your own folder (catalog in "
                    "[concentrator]) (did you mean model-7?)")


def test_zeros_that_lead_an_iec_address_count_for_nothing_and_none_is_for_the_only_meter():
    bad = document()
    models = {meter["model"]: "iec62056-21" for meter in bad["meter"]}

    def mistakes(*addresses):
        for place in range(len(addresses)):
            bad["meter"][place]["address"] = addresses[place]
        try:
            check(bad, models)
        except ConfigError as error:
            return [(path, wanted) for path, wanted, _ in error.mistakes]
        return []

    assert mistakes("7", "007") == [("meter[1].address", "an address that line a has once")]
    assert mistakes("7", "70") == []
    found = mistakes("", "8")
    assert found[0][0] == "meter[0].address" and "all of them answer at once" in found[0][1]
    bad["meter"] = bad["meter"][:1]
    assert mistakes("") == []


def test_the_same_address_on_two_lines_is_fine():
    two = document()
    two["line"].append({"name": "b", "port": "/dev/ttyUSB1"})
    two["meter"][1].update({"line": "b", "address": 1})
    assert len(check(two, MODELS).lines) == 2


def test_a_serial_a_line_and_a_port_stand_once():
    assert only(lambda bad: bad["meter"][1].update({"serial": "M-0001"})) == (
        "meter[1].serial", "a value that no other meter has", '"M-0001", which meter[0] has')
    for name, port, path in (
            ("a", "/dev/x", "line[1].name"), ("b", "/dev/ttyUSB0", "line[1].port")):
        second = {"name": name, "port": port}
        assert only(lambda bad, second=second: bad["line"].append(second))[0] == path


def test_a_meter_on_a_line_that_is_not_there_is_refused():
    assert only(lambda bad: bad["meter"][0].update({"line": "b"})) == (
        "meter[0].line", "one of the lines: a", '"b"')


def test_plain_mqtt_leaves_no_other_host_than_this_one():
    for host in ("10.0.0.1", "broker.example.org", "127.0.0.1.example.org", "::"):
        found = only(lambda bad, host=host: bad["broker"].update({"host": host}))
        assert found[0] == "broker.tls" and found[2] == 'plain MQTT to "%s"' % host
    for host in ("127.0.0.1", "::1", "localhost"):
        assert mistakes(lambda bad, host=host: bad["broker"].update({"host": host})) == []


def test_a_ca_file_without_tls_is_a_mistake():
    assert only(lambda bad: bad["broker"].update({"ca_file": "ca.pem"}))[0] == "broker.ca_file"


def test_compressed_time_never_starts_ahead_of_the_wall():
    good = document()
    good["clock"] = {"start_s": 1760000000, "wall_s": 1760086400, "speed": 60}
    assert check(good, MODELS).clock == (1760000000, 1760086400, 60)
    good["clock"]["start_s"] = 1760086401
    assert "clock.start_s: wanted 0..1760086400" in raises(
        ConfigError, lambda: check(good, MODELS))
    assert mistakes(lambda bad: bad.update({"clock": {}}))[0][0] == "clock.wall_s"


def test_one_wrong_value_makes_no_second_mistake():
    # Two wrong addresses are not also a double one.
    def change(bad):
        bad["meter"][0]["address"] = 300
        bad["meter"][1]["address"] = 301
    assert [m[0] for m in mistakes(change)] == ["meter[0].address", "meter[1].address"]


def test_all_mistakes_are_told_at_once():
    def change(bad):
        bad["concentrator"].pop("keys")
        bad["line"][0]["baud"] = 1
        bad["meter"][0]["address"] = 0
        bad["meter"][1]["line"] = "z"
        bad["extra"] = 1
    assert len(mistakes(change)) == 5


def test_what_is_no_configuration_at_all_is_refused_in_sentences():
    for bad in (None, [], 3, "text"):
        raises(ConfigError, lambda bad=bad: check(bad, MODELS))
    found = [m[0] for m in mistakes(lambda bad: bad.update({"meter": [1], "line": 5}))]
    assert found == ["line", "meter[0]"]
    assert only(lambda bad: bad.update({"meter": []})) == ("meter", "1..1024 tables [[meter]]", "0")


def test_there_may_be_1024_meters_and_not_one_more():
    def change(bad):
        bad["line"] = [{"name": "l%d" % n, "port": "p%d" % n} for n in range(16)]
        for n, meter in enumerate(bad["meter"]):
            meter["line"] = "l%d" % (n % 16)
            meter["address"] = n // 16 + 1
    assert mistakes(change, meters=1024) == []
    assert mistakes(change, meters=1025)[0][0] == "meter"


def test_a_line_may_be_behind_ethernet():
    good = document()
    for port in ("tcp://192.0.2.7:502", "tcp://[2001:db8::1]:4059", "tcp://meter.example:1"):
        good["line"][0]["port"] = port
        assert check(good, MODELS).lines[0].port == port
    for port in ("tcp://", "tcp://host", "tcp://:502", "tcp://host:0", "tcp://host:99999"):
        assert only(lambda bad, port=port: bad["line"][0].update({"port": port}))[:2] == (
            "line[0].port", "tcp://HOST:PORT, like tcp://192.0.2.7:502")


def test_a_meter_may_have_characters_of_its_own():
    good = document()
    good["meter"][1].update({"baud": 300, "parity": "E", "data_bits": 7})
    assert mistakes(lambda bad: bad.update(good)) == [(
        "meter[1].line", "a line with 8 data bits, as two-and-one needs", 'line "a" with 7')]
    good["meter"][1]["data_bits"] = 8
    assert check(good, MODELS).characters == (None, (300, "E", 1, 8))
    assert only(lambda bad: bad["meter"][0].update({"baud": 301}))[0] == "meter[0].baud"


def test_clocks_are_only_measured_unless_the_policy_says_more():
    assert check(document(), MODELS).clock_policy == (10, 0)
    good = document()
    good["clock_policy"] = {"tolerance_s": 5, "max_step_s": 30}
    assert check(good, MODELS).clock_policy == (5, 30)
    assert only(lambda bad: bad.update({"clock_policy": {"max_step_s": -1}}))[0] == (
        "clock_policy.max_step_s")


def test_an_m_bus_meter_has_a_primary_or_a_secondary_address():
    def with_address(address):
        bad = document()
        bad["meter"][1]["model"] = "heat"
        bad["meter"][1]["address"] = address
        try:
            return check(bad, dict(MODELS, heat="mbus")).meters[1].address
        except ConfigError as error:
            return error.mistakes[0]

    assert [with_address(one) for one in (0, 250, "12345678ffffffff")] == [
        0, 250, "12345678FFFFFFFF"]
    for wrong in (251, -1, "12345678", "1234567x12345678", True):
        assert with_address(wrong)[:2] == (
            "meter[1].address", "0..250, or 16 hexadecimal digits of a secondary address")


def inputs(*meters, port="gpio:/dev/gpiochip0"):
    good = document()
    good["line"].append({"name": "inputs", "port": port})
    for place, one in enumerate(meters):
        meter = {"serial": "P%d" % place, "line": "inputs", "model": "pulses"}
        meter.update(one)            # MicroPython has no ** in a dict.
        good["meter"].append(meter)
    return good


def mistake_of(wrong):
    try:
        check(wrong, dict(MODELS, pulses="pulse"))
    except ConfigError as error:
        return error.mistakes[0]
    raise AssertionError("wanted a mistake")


def test_pulse_inputs_are_no_wire_and_a_wire_is_no_input():
    bad = document()
    bad["meter"][1]["model"] = "pulses"
    path, wanted, _ = mistake_of(bad)
    assert path == "meter[1].line" and "gpio:CHIP or edges:SOCKET" in wanted
    bad = inputs()
    bad["meter"][1]["line"] = "inputs"
    path, wanted, _ = mistake_of(bad)
    assert path == "meter[1].line" and "a wire" in wanted
    assert mistake_of(inputs(port="gpio:"))[0] == "line[%d].port" % len(document()["line"])


def test_an_input_is_one_meters_or_one_contacts():
    magnet = {"access": {"magnet": {"input": 5}, "cover": {"input": 6, "active_low": False}}}
    found = check(inputs(dict(magnet, address=4), {"address": 7}), dict(MODELS, pulses="pulse"))
    contacts = found.meters[-2].access.contacts
    assert [wiring[:2] for _, wiring in contacts] == [(5, True), (6, False)]
    place = "meter[%d]." % len(found.meters[:-1])
    assert mistake_of(inputs(dict(magnet, address=4), {"address": 6}))[0] == place + "address"
    assert mistake_of(inputs({"address": 5}, dict(magnet, address=4)))[0] == (
        place + "access.magnet.input")
    for wrong, key in (({"bias": "up"}, "bias"), ({"pulses": -1}, "pulses"),
                       ({"amount": "-1"}, "amount"), ({"debounce": 3}, "debounce")):
        assert mistake_of(inputs({"address": 1, "access": wrong}))[0].endswith("access." + key)


def test_a_meter_may_have_a_schedule_of_its_own():
    written = document(3)
    written["meter"][1].update({"period_s": 300, "offset_s": 60})
    config = check(written, MODELS)
    assert [tuple(one) for one in config.schedules] == [(900, 0), (300, 60), (900, 0)]
    assert [tuple(one) for one in different_schedules(config.schedules)] == [(300, 60), (900, 0)]


def test_a_meters_offset_has_its_period_beside_it_and_schedules_are_few():
    def alone(bad):
        bad["meter"][0]["offset_s"] = 60

    def late(bad):
        bad["meter"][1].update({"period_s": 300, "offset_s": 300})

    def many(bad):
        for index in range(9):
            bad["meter"][index]["period_s"] = 60 + index

    assert only(alone) == ("meter[0].offset_s", "a period_s beside it", "60")
    assert only(late) == ("meter[1].offset_s", "0..299", "300")
    assert mistakes(many, 12) == [("meter", "at most 8 different schedules", "10")]


def with_sets(**fields):
    """A document whose first meter has a register set, with these fields of it."""
    written = document(2)
    written["register_set"] = [dict({"name": "volts", "registers": "32.7.0 *.8.*",
                                     "period_s": 3600}, **fields)]
    written["meter"][0]["register_sets"] = "volts"
    return written


def test_a_meter_may_have_register_sets_with_schedules_of_their_own():
    config = check(with_sets(offset_s=60), MODELS)
    volts, = config.register_sets[0]
    assert volts.name == "volts" and tuple(volts.schedule) == (3600, 60)
    assert config.register_sets[1] == () and tuple(config.schedules[0]) == (900, 0)
    for code, is_of in (((1, 0, 32, 7, 0, 255), True), ((1, 1, 1, 8, 2, 1), True),
                        ((1, 0, 33, 7, 0, 255), False), ((1, 0, 32, 7, 1, 255), False)):
        assert volts.has(bytes(code)) == is_of
    whole = check(with_sets(registers="1-0:32.7.0"), MODELS).register_sets[0][0]
    assert whole.has(bytes((1, 0, 32, 7, 0, 255))) and not whole.has(bytes((2, 0, 32, 7, 0, 255)))


def test_what_is_wrong_with_a_register_set_is_named():
    for fields, key, wanted in (
            ({"registers": "32.7"}, "registers", "C.D.E or A-B:C.D.E"),
            ({"registers": "32.7.256"}, "registers", "0..255"),
            ({"registers": "volts"}, "registers", "C.D.E"), ({"registers": ""}, "registers", ""),
            ({"registers": " "}, "registers", "1..32 codes"),
            ({"period_s": 0}, "period_s", "1..86400"), ({"offset_s": 3600}, "offset_s", "0..3599"),
            ({"name": "a b"}, "name", "printable ASCII"), ({"every": 5}, "every", "")):
        path, told, _ = mistake_of(with_sets(**fields))
        assert path == "register_set[0]." + key and wanted in told
    twice = with_sets()
    twice["register_set"] += twice["register_set"]
    assert mistake_of(twice)[0] == "register_set[1].name"
    for names, wanted in (("amps", "names of [[register_set]] tables: volts"),
                          ("volts volts", "each name once")):
        bad = with_sets()
        bad["meter"][0]["register_sets"] = names
        assert mistake_of(bad)[:2] == ("meter[0].register_sets", wanted)


def test_schedules_of_register_sets_count_among_the_few():
    bad = document(2)
    bad["register_set"] = [{"name": "s%d" % n, "registers": "1.8.0", "period_s": 60 + n}
                           for n in range(8)]
    bad["meter"][0]["register_sets"] = " ".join(["s%d" % n for n in range(8)])
    assert mistake_of(bad) == ("meter", "at most 8 different schedules", "9")
