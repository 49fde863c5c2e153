"""Recorded frames of real M-Bus meters: every record as libmbus reads it, or the reason why not."""

import pytest

from tests.peers.mbus_frames import DIFFERENCES, difference, recorded, wanted
from wum_edge.errors import BadCheck, ForeignAnswer, MeterError, Refused
from wum_edge.meters.mbus.answer import decode_answer
from wum_edge.meters.mbus.errors import Broken
from wum_edge.meters.mbus.frame import decode_frame

# Frames that no meter may say, and what they are refused as.
REFUSED = {
    "error-frames/premature_end_of_data1": (Broken, "wants 3 bytes of data, 0 are left"),
    "error-frames/premature_end_of_dif2": (Broken, "end within the DIFEs"),
    "error-frames/premature_end_of_var_vif1": (Broken, "end within the text of a VIF"),
    "error-frames/too_many_dife": (Broken, "more than 10 DIFEs"),
    "error-frames/too_short_header": (Broken, "header of 5 bytes"),
    "unsupported-frames/invalid_length2": (Broken, "15 bytes, wanted 16"),
    "unsupported-frames/manual_frame1": (BadCheck, "are no frame"),
    "unsupported-frames/manual_frame4": (ForeignAnswer, "control field 53"),
}
ERROR_WORDS = {
    "Buffer too long, truncated": "error 2", "Unspecified error": "error 0",
    "Premature end of record": "error 4", "More than 10 DIFE´s": "error 5",
    "Too many readouts": "error 9", "More than 10 VIFE´s": "error 6",
    "Unimplemented CI-Field": "error 1",
}
METERS = [frame for frame in recorded() if frame["records"]]
ERRORS = [frame for frame in recorded() if "Error" in frame["slave"]]


def name(frame):
    return frame["id"]


def answer_of(frame):
    return decode_answer(decode_frame(bytes.fromhex(frame["hex"])))


def test_every_recorded_frame_stands_in_one_of_these_tests():
    known = {frame["id"] for frame in METERS + ERRORS} | set(REFUSED)
    assert [f["id"] for f in recorded() if f["id"] not in known] == [
        "unsupported-frames/svm_f22_telegram2"]   # libmbus cannot; see below.


@pytest.mark.parametrize("frame", METERS, ids=name)
def test_every_record_is_what_libmbus_reads(frame):
    records = answer_of(frame).records
    assert len(records) == len(wanted(frame))
    for place, (one, record) in enumerate(zip(wanted(frame), records, strict=True)):
        found = difference(one, record)
        if (frame["id"], place) in DIFFERENCES:
            assert found, "no difference any more"
        else:
            assert not found


@pytest.mark.parametrize("frame", METERS, ids=name)
def test_the_header_says_who_the_meter_is(frame):
    answer, slave = answer_of(frame), frame["slave"]
    assert int(answer.identity.number) == int(slave["Id"])
    assert answer.access == int(slave["AccessNumber"])
    if "Manufacturer" in slave:          # The fixed structure has none.
        assert answer.identity.maker == slave["Manufacturer"]
        assert answer.identity.version == int(slave["Version"])
        assert answer.status == int(slave["Status"], 16)


@pytest.mark.parametrize("frame", ERRORS, ids=name)
def test_an_error_frame_is_a_refusal_in_its_words(frame):
    with pytest.raises(Refused, match=ERROR_WORDS[frame["slave"]["Error"]]):
        answer_of(frame)


@pytest.mark.parametrize("frame", [f for f in recorded() if f["id"] in REFUSED], ids=name)
def test_what_is_broken_is_refused_as_what_it_is(frame):
    kind, words = REFUSED[frame["id"]]
    with pytest.raises(kind, match=words) as raised:
        answer_of(frame)
    assert type(raised.value) is kind


def test_a_frame_that_libmbus_leaves_out_is_its_makers_bytes_and_more():
    frame = next(f for f in recorded() if f["id"].endswith("svm_f22_telegram2"))
    answer = answer_of(frame)
    assert answer.more
    assert [record.quantity for record in answer.records] == ["manufacturer specific"]


@pytest.mark.parametrize("frame", METERS[:6], ids=name)
def test_every_single_flipped_bit_of_a_real_frame_is_noticed(frame):
    whole = bytes.fromhex(frame["hex"])
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MeterError):
            decode_frame(bytes(damaged))
