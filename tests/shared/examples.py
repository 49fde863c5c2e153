"""One example of every message, for the tests of the contract."""

from wum_shared import ids, messages, status
from wum_shared.batch import Batch, Event, Lost, Missed, Row
from wum_shared.condition import FLASH_FULL, FLASH_TAKES, Condition
from wum_shared.gaps import GapAnswer, GapPart, GapRange, GapRequest
from wum_shared.mesh import NOBODY, RADIO, WIRE, MeshLink, MeshReport
from wum_shared.messages import (
    Acknowledgement,
    DirectionKey,
    Meter,
    Reading,
    Register,
    RegisterSet,
    Registration,
    Schedule,
    Schema,
)
from wum_shared.orders import DISCONNECT, DONE, EXPIRED, REFUSED, RESTART, Order, Receipt
from wum_shared.ripple import EVERYBODY, FLOODED, RippleOrder, RippleReport

IDENTITY_KEY = bytes(range(32))
CONCENTRATOR = ids.concentrator_id(IDENTITY_KEY)
INCARNATION = b"incarnat"

ENERGY = Register(bytes([1, 0, 1, 8, 0, 255]), 0, 30)
VOLTAGE = Register(bytes([1, 0, 32, 7, 0, 255]), -1, 35)
FREQUENCY = Register(bytes([1, 0, 14, 7, 0, 255]), -2, 44)

SCHEMA = Schema(
    "default", CONCENTRATOR, 1760000000,
    (Meter("SDM-0001", "dp-0001", "eastron-sdm630", (0,), (0,)),
     Meter("SDM-0002", "dp-0002", "eastron-sdm630", (0,), (0,)),
     Meter("WATER-7", "dp-0001", "water", (0, 1), (1, 1))),
    (RegisterSet(0, (ENERGY, VOLTAGE)), RegisterSet(1, (FREQUENCY,))),
    (Schedule(900, 0), Schedule(86400, 3600)),
)
# The water meter's days beside the others' quarters of an hour, and volts of one every hour.
SCHEMA_OF_SETS = Schema(
    "default", CONCENTRATOR, 1760000000,
    (Meter("SDM-0001", "dp-0001", "eastron-sdm630", (0, 1), (0, 2)),
     Meter("WATER-7", "dp-0001", "water", (0,), (1,))),
    (RegisterSet(0, (ENERGY,)), RegisterSet(0, (VOLTAGE,))),
    (Schedule(900, 0), Schedule(86400, 3600), Schedule(3600, 0)),
)
SCHEMA_ID = ids.schema_id(messages.encode_schema(SCHEMA))

READING = Reading("SDM-0001", ENERGY.obis, 1760000900, 0, 123456, 0, 30, 0)
ABSENT_READING = Reading(
    "SDM-0001", VOLTAGE.obis, 1760000900, 2, None, -1, 35, status.ABSENT | status.REFUSED)

ACKNOWLEDGEMENT = Acknowledgement(
    CONCENTRATOR, INCARNATION, 1, 9, bytes(range(16)), status.STORED, 0, "")

REGISTRATION = Registration(
    CONCENTRATOR, IDENTITY_KEY, "default", 0, DirectionKey(b"\x55" * 32, b"\x66" * 12),
    DirectionKey(b"\x77" * 32, b"\x88" * 12), "a-password-of-32-characters-long")

ROWS = (
    Row(1, 0, 0, 1760000900, 0, (1000, 2301), (0, 0)),
    Row(2, 1, 0, 1760000901, 0, (None, 2302), (status.ABSENT, 0)),
    Row(3, 2, 0, 1760000902, 2, (7, None), (0, status.ABSENT | status.REFUSED)),
    Row(5, 0, 0, 1760001800, 0, (1010, 2299), (0, status.LATE)),
    Row(6, 2, 1, 1760001802, 2, (5001,), (0,)),
)
MISSED = (Missed(4, 1, 0, 1760001801, 0, status.SILENT, ""),)
EVENTS = (Event(7, 1760001803, 0, status.EVENT_METER_SILENT, 1, "after 3 tries"),
          Event(8, 1760001804, 1, status.EVENT_STARTED, None, "version 0.1.0"))
LOST = (Lost(9, 12, status.LOST_FULL, ""),)
BATCH = Batch(INCARNATION, 1, 12, SCHEMA_ID, ROWS, MISSED, EVENTS, LOST)

GAP_REQUEST = GapRequest(CONCENTRATOR, 1760001900000001, (
    GapRange(INCARNATION, 9, 12), GapRange(INCARNATION, 20, 20),
    GapRange("SDM-0001", 1760000000, 1760086399)))
GAP_ANSWER = GapAnswer(INCARNATION, 1760001900000001, (
    GapPart(0, 9, 11, status.GAP_SENT, 0), GapPart(0, 12, 12, status.GAP_DAMAGED, 0),
    GapPart(1, 20, 20, status.GAP_DROPPED, 0),
    GapPart(2, 1760000000, 1760000899, status.GAP_NEVER_READ, 0),
    GapPart(2, 1760000900, 1760001799, status.GAP_METER_SILENT, status.SILENT),
    GapPart(2, 1760001800, 1760086399, status.GAP_SENT, 0)))
ORDER = Order(CONCENTRATOR, b"order 01", 1760001900000002, 1760000000, 1760000060, 1760000660,
              DISCONNECT, b"\x81\x68SDM-0001", None)
ORDER_FRESH = Order(b"group 01", b"order 02", 1, 1760000000, 1760000000, 1760604800, RESTART, b"",
                    b"answer 1")
RECEIPT_DONE = Receipt(
    CONCENTRATOR, b"order 01", 1760001900000002, bytes(range(16)), DONE, 0, 1760000070,
    status.SYNCHRONISED, "the switch is open", b"\x00", b"question")
RECEIPT_REFUSED = Receipt(
    CONCENTRATOR, b"order 02", 1, bytes(16), REFUSED, EXPIRED, 0, status.NEVER_SET, "", b"",
    b"question")
MESH_REPORT = MeshReport(0x57A1, 7, 1760000000, False, 1, 106, 3, 12, 41, 900, (
    MeshLink(3, RADIO, 94, 41, 20), MeshLink(9, RADIO, 0, -12, 86400),
    MeshLink(12, WIRE, 99, 0, 1)), ())
MESH_REPORT_IN_GROUPS = MeshReport(*(tuple(MESH_REPORT)[:-1] + ((0, 7, 255),)))
RIPPLE_ORDER = RippleOrder(17, 0x57A1, 7, 1760000005000, 1760000060, b"\x8c\x01", b"switch off")
RIPPLE_TO_ALL = RippleOrder(4294967295, 1, EVERYBODY, 0, 0, b"", bytes(213))
RIPPLE_REPORT = RippleReport(17, 0x57A1, 1, FLOODED, 1760000003, b"\x84\x01")
CONDITION_WELL = Condition(1760000000, status.SYNCHRONISED, FLASH_TAKES, 0, 0, 0, 0)
CONDITION_FULL = Condition(
    1760000000, status.FREE_RUNNING, FLASH_FULL, 86400, 4096, 70000, 90000000)
MESH_REPORT_ALONE = MeshReport(1, 65023, 0, False, NOBODY, 65535, NOBODY, 0, 1000, 10, (), ())


def changed(record, **changes):
    """`record` with other fields: MicroPython's namedtuple has no _replace."""
    names = {
        Schema: ("tenant", "concentrator", "valid_from_s", "meters", "register_sets",
                 "schedules"),
        Batch: ("incarnation", "first_sequence", "last_sequence", "schema_id", "rows", "missed",
                "events", "lost"),
        Receipt: ("concentrator", "id", "sequence", "digest", "state", "reason", "at_s", "quality",
                  "note", "content", "challenge"),
    }[type(record)]
    return type(record)(*[changes.get(name, getattr(record, name)) for name in names])
