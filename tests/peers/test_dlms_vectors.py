"""Every recorded frame and vector decodes to what its source says, or is refused for its reason."""

import pytest

from tests.peers.dlms_frames import (
    REFUSED,
    REWRITTEN,
    keys_of,
    named,
    outcome,
    push_of,
    recorded,
)
from wum_edge.errors import MeterError
from wum_edge.meters.dlms import hdlc
from wum_edge.meters.dlms.errors import NotGenuine
from wum_edge.meters.dlms.push import HdlcTelegrams, MbusTelegrams, decode_push, telegrams
from wum_edge.ports.linux.aes_gcm import AesGcm


@pytest.mark.parametrize("record", recorded(), ids=lambda record: record["id"])
def test_a_record_decodes_to_what_its_source_says_or_is_refused_for_its_reason(record):
    found = outcome(record)
    if named(REFUSED, record):
        assert not found.decoded and found.reason
    else:
        assert found.decoded, found.reason
        assert found.equal


def test_no_exception_to_the_rule_is_out_of_use():
    for table in (REFUSED, REWRITTEN):
        for name in table:
            assert any(record["id"].endswith(name) for record in recorded()), name


def _transport(record):
    return HdlcTelegrams() if record["transport"] == "hdlc" else MbusTelegrams()


CHECKED = [record for record in recorded() if record["transport"] in ("hdlc", "mbus")
           and not named(REFUSED, record)]


@pytest.mark.parametrize("record", CHECKED, ids=lambda record: record["id"])
def test_every_single_flipped_bit_of_a_recorded_telegram_is_noticed(record):
    data = bytes.fromhex(record["hex"])
    whole = _transport(record).hear(data)
    frames = hdlc.Scanner().scan(data)
    for place in range(8 * len(data)):
        spoilt = bytearray(data)
        spoilt[place // 8] ^= 1 << place % 8
        heard = _transport(record).hear(bytes(spoilt))
        assert heard != whole or not whole
        assert all(apdu in whole for apdu in heard)
        if record["transport"] == "hdlc":
            assert hdlc.Scanner().scan(spoilt) != frames


@pytest.mark.parametrize("record", [r for r in CHECKED if r["kind"] == "push"],
                         ids=lambda record: record["id"])
def test_a_telegram_is_found_in_pieces_and_behind_noise(record):
    data = bytes.fromhex(record["hex"])
    hearing = _transport(record)
    whole = _transport(record).hear(data)
    found = []
    for byte in b"\x00\x68\x7e\xa0\xff" + data + data[:20] + data:
        found += hearing.hear(bytes([byte]))
    assert found[:len(whole)] == whole and found[-len(whole):] == whole


def test_a_telegram_by_another_key_is_no_push():
    for record in recorded():
        if record["kind"] != "push" or not record.get("keys"):
            continue
        apdu = telegrams(bytes.fromhex(record["hex"]))[0]
        right = keys_of(record)
        assert push_of(record, apdu).counter is not None
        wrong = right._replace(encryption=bytes(16))
        with pytest.raises(NotGenuine):
            decode_push(apdu, AesGcm(), wrong)
        with pytest.raises(MeterError, match="there is no key"):
            decode_push(apdu)
