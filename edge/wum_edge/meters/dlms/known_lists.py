"""Lists of customer ports that name themselves and leave the rest to a paper: what it says.

Left out: lists that tell code, scaler and unit themselves, and lists without a name: nobody can
know whose they are. "Kaifa HAN, KFM_001" and "Kamstrup HAN-NVE, Kamstrup_V0001", both published by
the Norwegian Electrotechnical Committee for the AMS HAN port.
"""

from wum_shared.obis import obis_from_text

TYPE_CHECKING = False        # True for type checkers only: push_records.py needs us.
if TYPE_CHECKING:
    from wum_edge.meters.dlms.push_records import Record

_LIST_ID = "1-1:0.2.129"
_LIST = bytes((0, 2, 129))
_METER_ID = "0-0:96.1.0"
_METER_TYPE = "0-0:96.1.7"
_CLOCK = "0-0:1.0.0"
# (code, power of ten, unit); unit None: no quantity.
_HEAD = ((_LIST_ID, None, None), (_METER_ID, None, None), (_METER_TYPE, None, None))
_POWERS = (("1-0:1.7.0", 0, 27), ("1-0:2.7.0", 0, 27), ("1-0:3.7.0", 0, 29), ("1-0:4.7.0", 0, 29))
_ONE_PHASE = (("1-0:31.7.0", -3, 33), ("1-0:32.7.0", -1, 35))
_THREE_PHASES = (
    ("1-0:31.7.0", -3, 33), ("1-0:51.7.0", -3, 33), ("1-0:71.7.0", -3, 33),
    ("1-0:32.7.0", -1, 35), ("1-0:52.7.0", -1, 35), ("1-0:72.7.0", -1, 35))
_ENERGIES = ((_CLOCK, None, None), ("1-0:1.8.0", 0, 30), ("1-0:2.8.0", 0, 30),
             ("1-0:3.8.0", 0, 32), ("1-0:4.8.0", 0, 32))
_KAIFA = "KFM_001"
_KAIFA_LISTS = (                 # Told apart by their length alone.
    _HEAD + _POWERS + _ONE_PHASE, _HEAD + _POWERS + _THREE_PHASES,
    _HEAD + _POWERS + _ONE_PHASE + _ENERGIES, _HEAD + _POWERS + _THREE_PHASES + _ENERGIES)
_KAIFA_SCALES = {                # By groups C and D.
    (1, 7): (0, 27), (2, 7): (0, 27), (3, 7): (0, 29), (4, 7): (0, 29),
    (31, 7): (-3, 33), (51, 7): (-3, 33), (71, 7): (-3, 33),
    (32, 7): (-1, 35), (52, 7): (-1, 35), (72, 7): (-1, 35),
    (1, 8): (0, 30), (2, 8): (0, 30), (3, 8): (0, 32), (4, 8): (0, 32)}
_KAMSTRUP = "Kamstrup_V0001"
_KAMSTRUP_SCALES = {             # The same: it says the codes, as 1-1:C.D.0.
    (1, 7): (0, 27), (2, 7): (0, 27), (3, 7): (0, 29), (4, 7): (0, 29),
    (31, 7): (-2, 33), (51, 7): (-2, 33), (71, 7): (-2, 33),
    (32, 7): (0, 35), (52, 7): (0, 35), (72, 7): (0, 35),
    (1, 8): (1, 30), (2, 8): (1, 30), (3, 8): (1, 32), (4, 8): (1, 32)}


def named(found: "list[Record]") -> "list[Record]":
    """`found` with what the paper adds, where its first record names a list that we know and the
    rest looks like it; otherwise `found` as it is.
    """
    if not found or found[0].obis and found[0].obis[2:5] != _LIST:
        return found
    name = _text(found[0])
    if name == _KAIFA and not found[0].obis:
        return _by_place(found)
    if name == _KAIFA:           # As in Sweden: it says the codes.
        return found[:1] + [_scaled(record, _KAIFA_SCALES) for record in found[1:]]
    if name == _KAMSTRUP:
        first = type(found[0])(obis_from_text(_LIST_ID), found[0].data, None, None)
        # A meter of one phase says null for codes and values of the others: they stay unnamed.
        return [first] + [_scaled(record, _KAMSTRUP_SCALES) for record in found[1:]]
    return found


def _by_place(found: "list[Record]") -> "list[Record]":
    for places in _KAIFA_LISTS:
        if len(places) == len(found) and not [one for one in found if one.obis]:
            return [type(found[at])(obis_from_text(code), found[at].data, scaler, unit)
                    for at, (code, scaler, unit) in enumerate(places)]
    return found


def _scaled(record: "Record", scales: "dict[tuple[int, int], tuple[int, int]]") -> "Record":
    if record.unit is not None or record.obis[:1] != b"\x01":
        return record
    scale = scales.get((record.obis[2], record.obis[3]))
    return record if scale is None else type(record)(record.obis, record.data, scale[0], scale[1])


def _text(record: "Record") -> str:
    value = record.data.value
    if type(value) is not bytes or not value or [one for one in value if not 32 <= one < 127]:
        return ""
    return value.decode()
