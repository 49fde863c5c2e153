"""Conditions: there and back, and what is refused."""

from tests.portable import raises
from tests.shared.examples import CONDITION_FULL, CONDITION_WELL
from wum_shared import cbor
from wum_shared.condition import (
    CONDITION_BYTES_MAX,
    COUNT_MAX,
    FLASH_FAILING,
    Condition,
    decode_condition,
    encode_condition,
)
from wum_shared.errors import Malformed, Unsupported
from wum_shared.messages import TIME_MAX_S
from wum_shared.status import NEVER_SET, SYNCHRONISED


def test_a_condition_comes_back_as_it_was():
    most = Condition(
        TIME_MAX_S, NEVER_SET, FLASH_FAILING, COUNT_MAX, COUNT_MAX, COUNT_MAX, COUNT_MAX)
    for condition in (CONDITION_WELL, CONDITION_FULL, most):
        assert decode_condition(encode_condition(condition)) == condition
    assert len(encode_condition(most)) <= CONDITION_BYTES_MAX


def test_only_what_nobody_has_to_mend_is_well():
    assert CONDITION_WELL.is_well
    for place, wrong in ((1, NEVER_SET), (2, FLASH_FAILING), (6, 7200)):
        fields = list(CONDITION_WELL)
        fields[place] = wrong
        assert not Condition(*fields).is_well


def refused(value, error=Malformed):
    return raises(error, lambda: decode_condition(cbor.encode(value)))


def test_what_no_concentrator_says_is_refused():
    good = cbor.decode(encode_condition(CONDITION_FULL), most_bytes=64)
    for place in range(1, 8):
        refused(good[:place] + [-1] + good[place + 1:])
        refused(good[:place] + [COUNT_MAX + 1] + good[place + 1:])
        refused(good[:place] + [True] + good[place + 1:])
    refused(good[:2] + [3] + good[3:])
    refused(good[:3] + [4] + good[4:])
    refused(good + [0])
    refused(good[:-1])
    refused([1] + good[1:], Unsupported)
    assert good[2] == SYNCHRONISED + 1
