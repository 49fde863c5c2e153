"""Recorded DLMS frames and others' unit vectors, and what our decoders make of each."""

import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import axdr, hdlc, moment
from wum_edge.meters.dlms.apdu import Selection
from wum_edge.meters.dlms.ciphering import Keys, seal
from wum_edge.meters.dlms.decode import decode_apdu, encode_apdu
from wum_edge.meters.dlms.push import Push, decode_push, telegrams
from wum_edge.meters.dlms.push_records import Record, records
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_shared.obis import obis_to_text

FRAMES = Path(__file__).parent.parent / "vectors" / "dlms" / "frames.jsonl"

# What is no well-formed APDU, and why it must be refused.
REFUSED = {
    "test_wrong_tag_raises_valueerror/30": "a GET response followed by 26 bytes of a request",
    "test_wrong_request_type_raises_valueerror/31": "an ACTION request with the choice of another",
    "test_wrong_tag_raises_valueerror/32": "a GET response followed by 7 bytes of a request",
    "test_any_other_type_than_normal_raises_notimplementederror/33": "as 31",
    "test_wrong_type_raises_valueerror/38": "an ACTION response with the choice of a block",
    "test_wrong_type_raises_value_error/80": "a SET request with the choice of a block",
    "test_set_request_with_block_raises_not_implemented_error/81": "as 80",
    "test_set_with_list_raises_not_implemented_error/82": "a SET request with the choice of a list",
    "test_set_request_with_list_first_block_raises_not_implemented_block/83": "as 82",
    "nooxnet/8": "the first of two M-Bus frames only",
    "nooxnet/9": "the second of two M-Bus frames only",
    "nooxnet/5": "ciphered, and the key is not published",
    "nooxnet/6": "ciphered, and the key is not published",
    "nooxnet/7": "ciphered, and the key is not published",
}
# What comes back in other bytes, and why.
REWRITTEN = {
    "hdlc_kaifa_ma304h3e": "a tag before the date-time that the standard has not",
    "test_decode_with_non_default_quality/71": "a quality of service that is not kept",
    "raw_egd_example": "descriptors without a tag",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one record: `reason` is why it was refused; `equal` that all is as expected."""

    decoded: bool
    equal: bool
    reason: str = ""


@cache
def recorded() -> tuple[dict, ...]:
    """Every record."""
    return tuple(json.loads(line) for line in FRAMES.read_text().splitlines())


def named(table: dict[str, str], record: dict) -> str:
    """What a table of exceptions says of a record; empty for nothing."""
    return next((why for name, why in table.items() if record["id"].endswith(name)), "")


def outcome(record: dict) -> Outcome:
    """Decode a record, and compare with what its source expects."""
    try:
        return Outcome(True, _is_equal(record))
    except MeterError as error:
        return Outcome(False, False, str(error))


def _is_equal(record: dict) -> bool:
    data = bytes.fromhex(record["hex"])
    if "greenbook" in record["id"]:
        return _is_sealed_alike(record, data)
    if record["kind"] == "push" or record["id"].startswith("nooxnet"):
        return all(_is_push_equal(record, apdu) for apdu in _apdus(data))
    if record["transport"] == "hdlc":
        return all(frame.encode() == data for frame in hdlc.Scanner().scan(data)) and all(
            _is_push_equal(record, apdu) if apdu[:1] == b"\x0f" else _comes_back(record, apdu)
             for frame in hdlc.Scanner().scan(data) if len(frame.information) > 3
             and frame.kind in (hdlc.I, hdlc.UI) for apdu in [frame.information[3:]])
    return _comes_back(record, data)


def _apdus(data: bytes) -> list[bytes]:
    found = telegrams(data)
    if not found:
        decode_apdu(data)            # Says what is wrong with it as one APDU.
    return found


def _comes_back(record: dict, data: bytes) -> bool:
    if "range_descriptor" in record["id"] and data[0] == 1:
        return _selection(data)
    decoded = axdr.decode_data(data) if data[0] == 2 else decode_apdu(data)
    if hasattr(decoded, "content"):  # Ciphered: whole, but closed.
        return True
    again = axdr.encode_data(decoded) if data[0] == 2 else encode_apdu(decoded)
    return again == data or bool(named(REWRITTEN, record))


def _selection(data: bytes) -> bool:
    """Access selection alone, with its flag or without."""
    body = data[1:] if data[1] == 1 else data
    selection = Selection(body[0], axdr.read_data(axdr.Cursor(body[1:])))
    return len(selection.data.elements()) == 4


def _is_sealed_alike(record: dict, data: bytes) -> bool:
    keys = keys_of(record)
    if "gmac" in record["id"]:
        counter = bytes.fromhex(record["client_invocation_counter"])
        aad = b"\x10" + keys.authentication + bytes.fromhex(record["challenge_server_to_client"])
        nonce = bytes.fromhex(record["client_system_title"]) + counter
        return AesGcm().seal(keys.encryption, nonce, b"", aad)[:12] == data
    sealed = seal(AesGcm(), keys.encryption, keys.authentication, 0x30,
                  bytes.fromhex(record["system_title"]),
                  int(record["invocation_counter"], 16), bytes.fromhex(record["plain"]))
    return sealed[5:] == data


def keys_of(record: dict) -> Keys | None:
    """The record's keys; an unknown authentication key is empty."""
    keys = record.get("keys")
    if not keys:
        return None
    return Keys(bytes.fromhex(keys["encryption"]), bytes.fromhex(keys.get("authentication") or ""))


def push_of(record: dict, apdu: bytes) -> Push:
    """The telegram, opened."""
    return decode_push(apdu, AesGcm(), keys_of(record))


def _is_push_equal(record: dict, apdu: bytes) -> bool:
    push = push_of(record, apdu)
    found = records(push.notification.body)
    expected = record.get("expected") or {}
    plain = [one["plain_apdu"] for one in record.get("apdus", ()) if "plain_apdu" in one]
    same_bytes = not plain or push.notification.encode().hex().upper() in [
        text.upper() for text in plain]
    rewritten = bool(named(REWRITTEN, record))
    if not plain and not push.system_title and not rewritten:
        same_bytes = push.notification.encode() == apdu
    return same_bytes and _values_equal(found, expected.get("values") or {}) and (
        _numbers_equal(found, expected.get("xml")))


def _values_equal(found: list[Record], values: dict[str, object]) -> bool:
    by_code = {obis_to_text(one.obis).replace("-", ".").replace(":", ".").replace("*", ".")
               if one.obis[5] != 255 else
               obis_to_text(one.obis).replace("-", ".").replace(":", ".") + ".255": one
               for one in found if one.obis}
    unnamed = [shown(one) for one in found if not one.obis]
    for code, wanted in values.items():
        if code in by_code:
            if not _same(by_code[code], wanted):
                return False
        elif wanted not in unnamed:
            return False
    return True


def _same(record: Record, wanted: object) -> bool:
    if isinstance(wanted, float):
        value = record.data.value
        return isinstance(value, int) and Fraction(int(value)) * Fraction(10) ** (
            record.scaler or 0) == Fraction(str(wanted))
    return wanted in ("", shown(record)) or record.data.value == b""


def shown(record: Record) -> object:
    """A value as the recordings' sources write it."""
    value = record.data.value
    if not isinstance(value, bytes):
        return value
    if len(value) == 12 and value[0] == 7:
        one = moment.decode_date_time(value)
        return (f"{one.year:04d}-{one.month:02d}-{one.day:02d} {one.hour:02d}:{one.minute:02d}:"
                f"{one.second:02d}")
    return value.decode("latin-1")


def _numbers_equal(found: list[Record], xml: str | None) -> bool:
    """Every number in the source's tree stands in ours, in the same order."""
    if not xml:
        return True
    wanted = [int(float(node.get("Value", "0"))) for node in ElementTree.fromstring(xml).iter()
              if node.tag in ("UINT32", "UINT16", "UINT8", "INT32", "INT16", "UINT64")]
    ours = [int(one.data.value) for one in found
            if isinstance(one.data.value, int) and one.data.tag not in (axdr.ENUM, axdr.BOOLEAN)]
    return wanted == ours
