"""APDUs: any bytes give a record that comes back, or the room's own error."""

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import control, objects
from wum_edge.meters.dlms.axdr import decode_data, encode_data
from wum_edge.meters.dlms.decode import decode_apdu, encode_apdu
from wum_edge.meters.dlms.moment import decode_date_time


def run(data: bytes) -> None:
    """Decode `data` as one APDU, as Data, and as what objects hold."""
    for decode in (_apdu, _data, decode_date_time):
        try:
            decode(data)
        except MeterError:
            continue


def _apdu(data: bytes) -> None:
    found = decode_apdu(data)
    if not hasattr(found, "content"):
        again = encode_apdu(found)       # What is optional and means nothing is not kept.
        assert encode_apdu(decode_apdu(again)) == again


def _data(data: bytes) -> None:
    found = decode_data(data)
    assert decode_data(encode_data(found)) == found
    for read in (objects.scaler_unit, objects.captures, objects.date_time,
                 lambda value: control.calendar((value, value, value, value)),
                 lambda value: control.limiter(value.elements())):
        try:
            read(found)
        except MeterError:
            continue
