"""Gap request and gap answer: each comes back, each fault is named, and golden bytes stay."""

import binascii

from tests.portable import ON_MICROPYTHON, raises
from tests.shared.examples import CONCENTRATOR, GAP_ANSWER, GAP_REQUEST, INCARNATION
from tests.shared.test_messages import refusals, with_field
from wum_shared import cbor, gaps, status
from wum_shared.errors import Malformed, Unsupported
from wum_shared.gaps import GapAnswer, GapPart, GapRange, GapRequest

FOLDER = "/tests/vectors/gaps/" if ON_MICROPYTHON else __file__[:-len(
    "shared/test_gap_messages.py")] + "vectors/gaps/"
MESSAGES = ((GAP_REQUEST, gaps.encode_gap_request, gaps.decode_gap_request, "request-0"),
            (GAP_ANSWER, gaps.encode_gap_answer, gaps.decode_gap_answer, "answer-0"))


def golden(name):
    with open(FOLDER + name + ".hex") as file:
        return binascii.unhexlify(file.read().strip())


def test_what_was_once_written_is_read_for_ever_and_written_the_same_way():
    for record, encode, decode, name in MESSAGES:
        assert decode(golden(name)) == record
        assert type(decode(golden(name))) is type(record)
        assert encode(record) == golden(name)


def test_every_cut_and_every_other_number_of_fields_is_refused():
    for record, encode, decode, _ in MESSAGES:
        whole = encode(record)
        for size in range(len(whole)):
            raises(Malformed, lambda decode=decode, cut=whole[:size]: decode(cut))
        raises(Malformed, lambda decode=decode, whole=whole: decode(whole + b"\x00"))
        parts = cbor.decode(whole)
        for other in (parts[:-1], parts + [0], [], None):
            raises(Malformed, lambda decode=decode, other=other: decode(cbor.encode(other)))
        raises(Unsupported, lambda decode=decode, parts=parts: decode(
            cbor.encode([1] + parts[1:] + [0])))


def test_a_request_with_a_field_out_of_its_range_is_refused():
    refusals(gaps.encode_gap_request(GAP_REQUEST), gaps.decode_gap_request, (
        ([1], (bytes(7), bytes(9), "x", None)), ([2], (0, -1, 2**53, None)),
        ([3], ([], None, {}, [[]], [None])),
        ([3, 0], ([], [INCARNATION, 9], [INCARNATION, 9, 9, 9], None)),
        ([3, 0, 0], (bytes(7), bytes(9), None, 5, "")),
        ([3, 0, 1], (0, 13, -1, 2**53, None, True)), ([3, 0, 2], (8, 2**53, "9")),
        ([3, 2, 0], ("", "a b", "x" * 65, bytes(9))),
        ([3, 2, 1], (-1, 2**32, 1760086400)), ([3, 2, 2], (1759999999, 1760086400, 2**32)),
    ))


def test_an_answer_with_a_field_out_of_its_range_is_refused():
    refusals(gaps.encode_gap_answer(GAP_ANSWER), gaps.decode_gap_answer, (
        ([1], (bytes(7), bytes(9), None)), ([2], (0, 2**53)), ([3], (None, [[]], [None])),
        ([3, 0, 0], (-1, 64, None)), ([3, 0, 1], (-1, 12, 2**53)), ([3, 0, 2], (8, 2**53)),
        ([3, 0, 3], (-1, 256, None)), ([3, 0, 4], (-1, 256, True)),
    ))


def test_parts_of_an_answer_stand_in_order_and_never_overlap():
    encoded = gaps.encode_gap_answer(GAP_ANSWER)
    for path, value in (([3, 1, 1], 11), ([3, 1, 0], 2), ([3, 5, 1], 1760001799),
                        ([3, 5, 0], 1)):
        text = raises(Malformed, lambda path=path, value=value: gaps.decode_gap_answer(
            with_field(encoded, path, value)))
        assert "out of order, or one stands twice" in text
    touching = GapAnswer(INCARNATION, 1, (GapPart(0, 1, 1, 0, 0), GapPart(0, 2, 2, 0, 0)))
    assert gaps.decode_gap_answer(gaps.encode_gap_answer(touching)) == touching


def test_a_request_asks_for_so_much_at_a_time_and_no_more():
    def request(*ranges):
        return gaps.decode_gap_request(gaps.encode_gap_request(
            GapRequest(CONCENTRATOR, 1, ranges)))

    most = GapRange(INCARNATION, 1, gaps.NUMBERS_MAX)
    assert request(most).ranges == (most,)
    assert "at most 16384 numbers, got 16385" in raises(
        Malformed, lambda: request(most, GapRange(b"anothere", 7, 7)))
    day = GapRange("m", 0, gaps.SPAN_MAX_S - 1)
    assert len(request(*[day] * gaps.RANGES_MAX).ranges) == 64
    raises(Malformed, lambda: request(*[day] * (gaps.RANGES_MAX + 1)))
    raises(Malformed, lambda: request(GapRange("m", 0, gaps.SPAN_MAX_S)))


def test_the_longest_messages_are_within_their_bounds():
    top, time = 2**53 - 1, 2**32 - 1
    request = GapRequest(CONCENTRATOR, top, tuple(
        [GapRange("x" * 64, time - 9, time)] * gaps.RANGES_MAX))
    assert gaps.decode_gap_request(gaps.encode_gap_request(request)) == request
    answer = GapAnswer(INCARNATION, top, tuple([
        GapPart(63, top - gaps.PARTS_MAX + n, top - gaps.PARTS_MAX + n, 255, 255)
        for n in range(gaps.PARTS_MAX)]))
    assert gaps.decode_gap_answer(gaps.encode_gap_answer(answer)) == answer
    for decode, bound in ((gaps.decode_gap_request, gaps.GAP_REQUEST_BYTES_MAX),
                          (gaps.decode_gap_answer, gaps.GAP_ANSWER_BYTES_MAX)):
        assert "at most %d" % bound in raises(
            Malformed, lambda decode=decode, bound=bound: decode(bytes(bound + 1)))


def test_every_reason_has_its_words():
    assert sorted(status.GAPS) == list(range(7))
