"""A configuration on the wire: what may come from afar, and nothing else."""

from tests.portable import raises
from wum_shared import cbor
from wum_shared.configuration import Configuration, decode_configuration, encode_configuration
from wum_shared.errors import Malformed, Unsupported
from wum_shared.orders import ARGUMENTS_MAX


def parts(meters=64):
    """What a concentrator with so many meters is sent."""
    return {
        "schedule": {"period_s": 900, "offset_s": 30}, "clock_policy": {"tolerance_s": 10},
        "line": [{"name": "rs485", "port": "/dev/ttyS1", "baud": 9600, "parity": "N"}],
        "meter": [{"serial": "SDM630-0000%04d" % n, "delivery_point": "MD-2001-%06d" % n,
                   "line": "rs485", "address": n + 1, "model": "eastron-sdm630"}
                  for n in range(meters)]}


def test_a_configuration_of_64_meters_fits_and_comes_back():
    whole = Configuration(7, parts())
    encoded = encode_configuration(whole)
    assert len(encoded) <= ARGUMENTS_MAX
    assert decode_configuration(encoded) == whole
    raises(Malformed, lambda: encode_configuration(Configuration(7, parts(300))))


def test_the_digest_is_of_what_it_says_and_not_of_its_number():
    one, other = Configuration(7, parts()), Configuration(8, parts())
    assert one.digest == other.digest and len(one.digest) == 16
    assert Configuration(7, parts(63)).digest != one.digest


def test_nothing_comes_from_afar_that_could_cut_a_concentrator_off_or_holds_a_secret():
    for bad in (
            {"broker": {"host": "evil"}}, {"concentrator": {"keys": "/tmp"}}, {"catalog": "x"},
            {"meter": [{"serial": "A", "access": "x"}]}, {"meter": []}, {"meter": {"serial": "A"}},
            {"line": [{}] * 17}, {"schedule": [1]}, {"schedule": {"period_s": [1]}},
            {"schedule": {"period_s": None}}, {"role": {"x": 1}}, {"role": b"gateway"}, {"role": 3},
            {"meter": [{"serial": "A" * 256}]}, {3: {}}, {"meter": [{7: 1}]}):
        raises(Malformed, lambda bad=bad: encode_configuration(Configuration(1, bad)))


def test_what_is_no_configuration_is_refused_by_name():
    for bad in (b"", b"\x80", cbor.encode([0, 0, {}]), cbor.encode([0, 1, []]),
                cbor.encode([0, 1, {}, 1]), encode_configuration(Configuration(1, {})) + b"\0"):
        raises(Malformed, lambda bad=bad: decode_configuration(bad))
    raises(Unsupported, lambda: decode_configuration(cbor.encode([2, 1, {}])))


def test_register_sets_make_it_another_version_and_only_they():
    """A concentrator that does not know them yet refuses the version, not some field in it."""
    plain, of_sets = parts(2), dict(parts(2), register_set=[
        {"name": "volts", "registers": "*.7.*", "period_s": 3600, "offset_s": 0}])
    encoded = encode_configuration(Configuration(7, of_sets))
    assert cbor.decode(encoded)[0] == 1 and decode_configuration(encoded).parts == of_sets
    assert cbor.decode(encode_configuration(Configuration(7, plain)))[0] == 0
    for version, told in ((0, of_sets), (1, plain)):
        bad = cbor.encode([version, 7, told])
        raises(Malformed, lambda bad=bad: decode_configuration(bad))
    raises(Malformed, lambda: encode_configuration(
        Configuration(7, dict(plain, register_set=[{"name": "v"}] * 65))))
