"""The same rows in the encodings of others, each written as favourably as its own rules allow.

All of them carry the scaled integers: scalers and units are taken as agreed before, as our
schema's are. Missed rows and status have no place in any of them and are left out. No sealing.
"""

import json
import zlib

import cbor2

from wum_shared.batch import Row
from wum_shared.messages import Schema
from wum_shared.obis import obis_to_text

_WINDOW_BITS = 10            # 1 KiB: what a board has to spare.


def gateway_json(rows: tuple[Row, ...], schema: Schema) -> bytes:
    """ThingsBoard's gateway API: {meter: [{"ts": ms, "values": {name: value}}]}."""
    return json.dumps(_by_meter(rows, schema), separators=(",", ":")).encode()


def cbor_maps(rows: tuple[Row, ...], schema: Schema) -> bytes:
    """The same maps in CBOR (RFC 8949), by cbor2."""
    return cbor2.dumps(_by_meter(rows, schema))


def senml_cbor(rows: tuple[Row, ...], schema: Schema) -> bytes:
    """SenML in CBOR (RFC 8428, 6): a base name and base time for each row, a record a register."""
    names = [obis_to_text(r.obis).removeprefix("1-0:") for r in schema.register_sets[0].registers]
    pack = []
    for row in rows:
        base = {-2: schema.meters[row.meter].serial + ":", -3: row.captured_at_s}
        for name, value in zip(names, row.values, strict=True):
            if value is not None:
                pack.append({**base, 0: name, 2: value})
                base = {}
    return cbor2.dumps(pack)


def sparkplug_b(rows: tuple[Row, ...], schema: Schema) -> bytes:
    """Sparkplug B 3.0: a DDATA payload for each row; metrics by alias, no name, Int64 values."""
    out = bytearray()
    width = len(schema.register_sets[0].registers)
    for sequence, row in enumerate(rows):
        payload = bytearray(b"\x08" + _varint(row.captured_at_s * 1000))        # 1: timestamp
        for place, value in enumerate(row.values):
            if value is not None:                  # 2: alias, 4: datatype, 11: long_value
                metric = (b"\x10" + _varint(row.meter * width + place) + b"\x20\x04\x58"
                          + _varint(value % 2**64))
                payload += b"\x12" + _varint(len(metric)) + metric               # 2: metrics
        out += payload + b"\x18" + _varint(sequence % 256)                        # 3: seq
    return bytes(out)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def deflated(data: bytes) -> bytes:
    """Raw deflate (RFC 1951) with a window of 1 KiB, as hard as it can."""
    packer = zlib.compressobj(level=9, wbits=-_WINDOW_BITS)
    return packer.compress(data) + packer.flush()


def _by_meter(rows: tuple[Row, ...], schema: Schema) -> dict[str, list[dict[str, object]]]:
    names = [obis_to_text(r.obis).removeprefix("1-0:") for r in schema.register_sets[0].registers]
    found: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        found.setdefault(schema.meters[row.meter].serial, []).append({
            "ts": row.captured_at_s * 1000,
            "values": {name: value for name, value in zip(names, row.values, strict=True)
                       if value is not None}})
    return found
