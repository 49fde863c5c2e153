"""Schema, reading, acknowledgement and registration: each comes back, each fault is named."""

from tests.portable import raises
from tests.shared.examples import (
    ABSENT_READING,
    ACKNOWLEDGEMENT,
    CONCENTRATOR,
    READING,
    REGISTRATION,
    SCHEMA,
    SCHEMA_OF_SETS,
    changed,
)
from wum_shared import cbor, messages
from wum_shared.errors import Malformed, Unsupported

MESSAGES = (
    (READING, messages.encode_reading, messages.decode_reading),
    (ABSENT_READING, messages.encode_reading, messages.decode_reading),
    (SCHEMA, messages.encode_schema, messages.decode_schema),
    (ACKNOWLEDGEMENT, messages.encode_acknowledgement, messages.decode_acknowledgement),
    (REGISTRATION, messages.encode_registration, messages.decode_registration),
)


def with_field(encoded, path, value):
    """`encoded` with another value at `path`, a list of indices into nested lists."""
    whole = cbor.decode(encoded)
    inner = whole
    for index in path[:-1]:
        inner = inner[index]
    inner[path[-1]] = value
    return cbor.encode(whole)


def refusals(encoded, decode, cases):
    """Each of `cases` is a path and the values that may not stand there."""
    for path, values in cases:
        for value in values:
            damaged = with_field(encoded, path, value)
            raises(Malformed, lambda damaged=damaged: decode(damaged))


def test_every_message_comes_back_as_the_same_record():
    for record, encode, decode in MESSAGES:
        again = decode(encode(record))
        assert again == record
        assert type(again) is type(record)
        assert encode(again) == encode(record)


def test_every_cut_of_every_message_is_refused():
    for record, encode, decode in MESSAGES:
        whole = encode(record)
        for size in range(len(whole)):
            raises(Malformed, lambda decode=decode, cut=whole[:size]: decode(cut))
        raises(Malformed, lambda decode=decode, whole=whole: decode(whole + b"\x00"))


def test_another_number_of_fields_is_refused():
    for record, encode, decode in MESSAGES:
        parts = cbor.decode(encode(record))
        for other in (parts[:-1], parts + [0], [], {}, None):
            raises(Malformed, lambda decode=decode, other=other: decode(cbor.encode(other)))


def test_another_version_is_unsupported_even_with_another_number_of_fields():
    for record, encode, decode in MESSAGES[2:]:
        parts = cbor.decode(encode(record))
        for other in ([2] + parts[1:], [2], [7] + parts):
            raises(Unsupported, lambda decode=decode, other=other: decode(cbor.encode(other)))
        raises(Malformed, lambda decode=decode, parts=parts: decode(
            cbor.encode([-1] + parts[1:])))


def test_a_reading_with_a_field_out_of_its_range_is_refused():
    refusals(messages.encode_reading(READING), messages.decode_reading, (
        ([0], ("", "a b", "x" * 65, 5, None)),
        ([1], (bytes(5), bytes(7), "1-0:1.8.0", None)),
        ([2], (-1, 2**32, None, True)),
        ([3], (-1, 3, None)),
        ([4], (2**62, -2**62 - 1, "5", True, b"")),
        ([5], (-10, 10)),
        ([6], (0, 256)),
        ([7], (-1, 65536)),
    ))


def test_values_at_the_ends_of_their_range_are_read():
    encoded = messages.encode_reading(READING)
    for path, value in (([2], 0), ([2], 2**32 - 1), ([3], 2), ([4], 2**62 - 1), ([4], -2**62),
                        ([5], -9), ([5], 9), ([6], 1), ([6], 255), ([7], 65535)):
        assert messages.decode_reading(with_field(encoded, path, value))[path[0]] == value


def test_a_schema_with_a_field_out_of_its_range_is_refused():
    refusals(messages.encode_schema(SCHEMA), messages.decode_schema, (
        ([1], ("", "a/b")),
        ([2], (bytes(7), bytes(9), "00")),
        ([3], (-1, 2**32)),
        ([4], (None, {}, [None], [[]])),
        ([4, 0, 0], ("", "a#b", None)), ([4, 0, 1], ("", "a+b")), ([4, 0, 2], ("", 5)),
        ([4, 0, 3], ([], [2], [-1], [0, 0], None, ["0"], [True])),
        ([4, 0, 4], (2, -1, None)),
        ([5], ([], None)),
        ([5, 0, 0], (-1, 256)), ([5, 0, 1], ([], None, [[]])),
        ([5, 0, 1, 0, 0], (bytes(5), None)), ([5, 0, 1, 0, 1], (-10, 10)),
        ([5, 0, 1, 0, 2], (0, 256)),
        ([6], ([], None)), ([6, 0, 0], (0, 86401)), ([6, 0, 1], (-1, 86400)),
    ))


def test_register_sets_of_one_meter_may_have_schedules_of_their_own():
    encoded = messages.encode_schema(SCHEMA_OF_SETS)
    assert cbor.decode(encoded)[0] == 1 and messages.decode_schema(encoded) == SCHEMA_OF_SETS
    assert cbor.decode(encoded)[4][0][3:] == [[0, 1], [0, 2]]
    refusals(encoded, messages.decode_schema, (
        ([4, 0, 4], ([], [0], [0, 1, 2], [0, 3], [-1, 0], 0, None, ["0", 1], [True, 1])),
        ([4], ([],)),
    ))


def test_one_schedule_for_all_sets_is_told_as_it_ever_was():
    """So that a schema that says the same keeps its name, whoever writes it."""
    alike = changed(SCHEMA_OF_SETS, meters=tuple([
        m.__class__(m.serial, m.delivery_point, m.model, m.register_sets, (1,) * len(m.schedules))
        for m in SCHEMA_OF_SETS.meters]))
    told = cbor.decode(messages.encode_schema(alike))
    assert told[0] == 0 and [m[4] for m in told[4]] == [1, 1]
    for meter in told[4]:
        meter[4] = [1] * len(meter[3])
    assert "version 0" in raises(Malformed, lambda: messages.decode_schema(
        cbor.encode([1] + told[1:])))


def test_a_serial_or_an_obis_code_that_stands_twice_is_refused():
    encoded = messages.encode_schema(SCHEMA)
    twice = with_field(encoded, [4, 1, 0], SCHEMA.meters[0].serial)
    assert "schema serials: 'SDM-0001' stands twice" in raises(
        Malformed, lambda: messages.decode_schema(twice))
    twice = with_field(encoded, [5, 0, 1, 1, 0], SCHEMA.register_sets[0].registers[0].obis)
    assert "OBIS codes" in raises(Malformed, lambda: messages.decode_schema(twice))


def test_a_schema_without_meters_is_read():
    empty = changed(SCHEMA, meters=(), register_sets=(), schedules=())
    assert messages.decode_schema(messages.encode_schema(empty)) == empty


def test_a_schema_with_more_meters_than_allowed_is_refused():
    def schema_of(count):
        meters = tuple([SCHEMA.meters[0].__class__("m%d" % n, "d", "m", (0,), (0,))
                        for n in range(count)])
        return messages.encode_schema(changed(SCHEMA, meters=meters))

    assert len(messages.decode_schema(schema_of(messages.METERS_MAX)).meters) == 1024
    assert "wanted a list of 0..1024" in raises(
        Malformed, lambda: messages.decode_schema(schema_of(messages.METERS_MAX + 1)))


def test_an_acknowledgement_with_a_field_out_of_its_range_is_refused():
    refusals(messages.encode_acknowledgement(ACKNOWLEDGEMENT), messages.decode_acknowledgement, (
        ([1], (bytes(7), bytes(9))), ([2], (bytes(7), None)),
        ([3], (0, 10, 2**53)), ([4], (0, 2**53)),
        ([5], (bytes(15), bytes(17))), ([6], (-1, 5)), ([7], (-1, None)),
        ([8], ("x" * 201, "\u00fc" * 101, "line\n", None)),
    ))


def test_an_acknowledgement_whose_range_ends_before_it_starts_is_refused():
    encoded = with_field(messages.encode_acknowledgement(ACKNOWLEDGEMENT), [3], 9)
    assert messages.decode_acknowledgement(encoded).first_sequence == 9
    backwards = with_field(encoded, [4], 8)
    assert "last-sequence" in raises(
        Malformed, lambda: messages.decode_acknowledgement(backwards))


def test_a_registration_with_a_field_out_of_its_range_is_refused():
    refusals(messages.encode_registration(REGISTRATION), messages.decode_registration, (
        ([1], (bytes(8), bytes(7))), ([2], (bytes(32), bytes(31))), ([3], ("", "a b")),
        ([4], (-1, 65536)), ([5], (None, [], [bytes(32)])),
        ([5, 0], (bytes(31), bytes(33), None)), ([5, 1], (bytes(11), bytes(13))),
        ([6, 0], (bytes(31),)), ([6, 1], (bytes(11),)),
        ([7], ("x" * 15, "x" * 129, "with a space in it", "\u00fc" * 20, "line\n" * 5, None)),
    ))


def test_a_registration_binds_the_id_to_the_identity_key():
    other = with_field(messages.encode_registration(REGISTRATION), [1], b"\x00" * 8)
    assert "0000000000000000 is not the id of this identity-key" in raises(
        Malformed, lambda: messages.decode_registration(other))


def test_messages_longer_than_their_bound_are_refused_before_they_are_read():
    for decode, bound in ((messages.decode_reading, messages.READING_BYTES_MAX),
                          (messages.decode_schema, messages.SCHEMA_BYTES_MAX),
                          (messages.decode_acknowledgement, messages.ACKNOWLEDGEMENT_BYTES_MAX),
                          (messages.decode_registration, messages.REGISTRATION_BYTES_MAX)):
        assert "at most %d" % bound in raises(
            Malformed, lambda decode=decode, bound=bound: decode(bytes(bound + 1)))


def test_the_longest_messages_are_within_their_bounds():
    top = 2**53 - 1
    reading = messages.Reading("x" * 64, bytes(6), 2**32 - 1, 2, -2**62, -9, 255, 65535)
    ack = messages.Acknowledgement(
        CONCENTRATOR, bytes(8), top, top, bytes(16), 3, top, "\u00fc" * 100)
    registration = messages.Registration(
        CONCENTRATOR, REGISTRATION.identity_key, "x" * 64, 65535, REGISTRATION.uplink,
        REGISTRATION.downlink, "x" * 128)
    assert messages.decode_reading(messages.encode_reading(reading)) == reading
    assert messages.decode_acknowledgement(messages.encode_acknowledgement(ack)) == ack
    assert messages.decode_registration(
        messages.encode_registration(registration)) == registration


def test_neither_a_record_nor_an_error_shows_a_secret():
    shown = repr(REGISTRATION) + repr(REGISTRATION.uplink) + repr((REGISTRATION,))
    for secret in ("UUU", "fff", "www", "password"):
        assert secret not in shown
    encoded = messages.encode_registration(REGISTRATION)
    for path, value in (([5, 0], b"SECRET" * 6), ([7], "SECRET but with spaces")):
        damaged = with_field(encoded, path, value)
        assert "SECRET" not in raises(
            Malformed, lambda damaged=damaged: messages.decode_registration(damaged))
