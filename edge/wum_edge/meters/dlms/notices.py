"""What comes unasked or is wrong as a whole: notifications, exceptions, general block transfer.

Left out: what a notification's body means (push.py), ciphering (ciphering.py). Green Book 9.5.
"""

from collections import namedtuple
from struct import pack

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.apdu import Attribute, read_attribute, written_attribute
from wum_edge.meters.dlms.axdr import Cursor, Data
from wum_edge.meters.dlms.errors import DlmsMalformed

DATA_NOTIFICATION, EXCEPTION_RESPONSE, SERVICE_ERROR, GENERAL_BLOCK = 0x0F, 0xD8, 0x0E, 0xE0
_STATE_ERRORS = {1: "service-not-allowed", 2: "service-unknown"}
_SERVICE_ERRORS = {1: "operation-not-possible", 2: "service-not-supported", 3: "other-reason",
                   4: "pdu-too-long", 5: "deciphering-error", 6: "invocation-counter-error"}
INVOCATION_COUNTER_ERROR = 6
_ERROR_CHOICES = {           # ServiceError of ConfirmedServiceError: choice: (name, values).
    0: ("application-reference", ("other", "time-elapsed", "application-unreachable",
                                  "application-reference-invalid",
                                  "application-context-unsupported", "provider-communication-error",
                                  "deciphering-error")),
    1: ("hardware-resource", ("other", "memory-unavailable", "processor-resource-unavailable",
                              "mass-storage-unavailable", "other-resource-unavailable")),
    2: ("vde-state-error", ("other", "no-dlms-context", "loading-data-set", "status-nochange",
                            "status-inoperable")),
    3: ("service", ("other", "pdu-size", "service-unsupported")),
    4: ("definition", ("other", "object-undefined", "object-class-inconsistent",
                       "object-attribute-inconsistent")),
    5: ("access", ("other", "scope-of-access-violated", "object-access-violated",
                   "hardware-fault", "object-unavailable")),
    6: ("initiate", ("other", "dlms-version-too-low", "incompatible-conformance",
                     "pdu-size-too-short", "refused-by-the-VDE-handler")),
}


class DataNotification(namedtuple("DataNotification", ("invoke", "when", "body"))):
    """A push. `invoke` has 32 bits; `when` is a date-time of 12 bytes, or empty."""

    __slots__ = ()
    invoke: int
    when: bytes
    body: Data

    def encode(self) -> bytes:
        """The APDU."""
        return bytes([DATA_NOTIFICATION]) + pack(">I", self.invoke) + axdr.octet_string(
            self.when) + axdr.encode_data(self.body)


class EventNotification(namedtuple("EventNotification", ("when", "attribute", "data"))):
    """A change that the meter tells of. `when` is 12 bytes, or empty."""

    __slots__ = ()
    when: bytes
    attribute: Attribute
    data: Data

    def encode(self) -> bytes:
        """The APDU."""
        when = b"\x01" + axdr.octet_string(self.when) if self.when else b"\x00"
        return b"\xc2" + when + written_attribute(self.attribute) + axdr.encode_data(self.data)


class ExceptionResponse(namedtuple("ExceptionResponse", ("state", "service", "counter"))):
    """The request as a whole was not served. `counter` is what the meter expects, or None."""

    __slots__ = ()
    state: int
    service: int
    counter: int | None

    def encode(self) -> bytes:
        """The APDU."""
        counter = b"" if self.counter is None else pack(">I", self.counter)
        return bytes([EXCEPTION_RESPONSE, self.state, self.service]) + counter

    def reason(self) -> str:
        """In the standard's words."""
        return "%s, %s" % (_STATE_ERRORS.get(self.state, str(self.state)),
                           _SERVICE_ERRORS.get(self.service, str(self.service)))


class ServiceError(namedtuple("ServiceError", ("service", "choice", "value"))):
    """ConfirmedServiceError: `service` 1 is Initiate, 5 Read, 6 Write."""

    __slots__ = ()
    service: int
    choice: int
    value: int

    def encode(self) -> bytes:
        """The APDU."""
        return bytes([SERVICE_ERROR, self.service, self.choice, self.value])

    def reason(self) -> str:
        """In the standard's words."""
        name, values = _ERROR_CHOICES.get(self.choice, ("error %d" % self.choice, ()))
        value = values[self.value] if self.value < len(values) else str(self.value)
        return "%s: %s" % (name, value)


class GeneralBlock(namedtuple("GeneralBlock", ("last", "streaming", "window", "number", "taken",
                                               "raw"))):
    """One block of general block transfer; `taken` is the last block that was received."""

    __slots__ = ()
    last: bool
    streaming: bool
    window: int
    number: int
    taken: int
    raw: bytes

    def encode(self) -> bytes:
        """The APDU."""
        control = self.last << 7 | self.streaming << 6 | self.window
        return pack(">BBHH", GENERAL_BLOCK, control, self.number, self.taken) + axdr.octet_string(
            self.raw)


def decode_data_notification(data: bytes) -> DataNotification:
    """Raises DlmsMalformed."""
    cursor = _after_tag(data, DATA_NOTIFICATION)
    invoke, when = cursor.unsigned(4), _date_time(cursor)
    return DataNotification(invoke, when, _body(cursor.data[cursor.at:]))


def _body(raw: bytes) -> Data:
    try:
        return axdr.decode_data(raw)
    except DlmsMalformed as error:
        strict = error       # What is wrong by the standard says more than what else was tried.
    cursor = axdr.Cursor(raw)
    cursor.descriptors = True
    found = None
    try:
        found = axdr.read_data(cursor)
        cursor.done()
    except DlmsMalformed:
        found = None
    if found is None:
        raise strict
    return found


def _date_time(cursor: Cursor) -> bytes:
    """An octet-string of 0 or 12 bytes. Kaifa and others write the tag 09 of Data before it,
    though the standard has none; a date-time of nine bytes there is not.
    """
    if cursor.data[cursor.at:cursor.at + 2] == b"\x09\x0c":
        cursor.byte()
    when = cursor.octet_string()
    if len(when) not in (0, 12):
        raise DlmsMalformed("notification: a date-time of %d bytes" % len(when))
    return when


def decode_event_notification(data: bytes) -> EventNotification:
    """Raises DlmsMalformed."""
    cursor = _after_tag(data, 0xC2)
    when = _date_time(cursor) if cursor.flag() else b""
    found = EventNotification(when, read_attribute(cursor), axdr.read_data(cursor))
    cursor.done()
    return found


def decode_exception(data: bytes) -> ExceptionResponse:
    """Raises DlmsMalformed."""
    cursor = _after_tag(data, EXCEPTION_RESPONSE)
    state, service = cursor.byte(), cursor.byte()
    counter = cursor.unsigned(4) if service == INVOCATION_COUNTER_ERROR and cursor.left() else None
    cursor.done()
    return ExceptionResponse(state, service, counter)


def decode_service_error(data: bytes) -> ServiceError:
    """Raises DlmsMalformed."""
    cursor = _after_tag(data, SERVICE_ERROR)
    found = ServiceError(cursor.byte(), cursor.byte(), cursor.byte())
    cursor.done()
    return found


def decode_general_block(data: bytes) -> GeneralBlock:
    """Raises DlmsMalformed."""
    cursor = _after_tag(data, GENERAL_BLOCK)
    control = cursor.byte()
    found = GeneralBlock(bool(control & 0x80), bool(control & 0x40), control & 0x3F,
                         cursor.unsigned(2), cursor.unsigned(2), cursor.octet_string())
    cursor.done()
    return found


def _after_tag(data: bytes, tag: int) -> Cursor:
    cursor = Cursor(data)
    if cursor.byte() != tag:
        raise DlmsMalformed("APDU: wanted tag %02x, got %s" % (tag, data[:1].hex()))
    return cursor
