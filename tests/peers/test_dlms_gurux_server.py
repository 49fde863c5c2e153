"""The gateway reads gurux-dlms' server: an independent meter, as far as theirs runs."""

import datetime

import pytest
from gurux_dlms.enums import Authentication, DataType, InterfaceType
from gurux_dlms.GXDateTime import GXDateTime
from gurux_dlms.objects import (
    GXDLMSCaptureObject,
    GXDLMSClock,
    GXDLMSData,
    GXDLMSDisconnectControl,
    GXDLMSProfileGeneric,
    GXDLMSRegister,
)

from tests.peers.gurux_server import INFORMATION_BYTES, GuruxServer
from tests.simulator.dlms_bench import CODES, KEYS, NOW_S, PROFILE, Played, model_of, reader_of
from wum_edge.errors import MeterError
from wum_edge.meters.dlms import association, axdr, control
from wum_edge.meters.dlms.apdu import Attribute
from wum_edge.meters.dlms.discovery import OBJECT_LIST
from wum_edge.meters.dlms.errors import AccessRefused, AssociationRefused, DlmsMalformed
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import Line, converse
from wum_shared.obis import obis_from_text

OWN = obis_from_text("0-0:128.0.0")

VALUES = {place: 1000 * place + 7 for place in range(len(CODES))}
NAMES = {"none": Authentication.NONE, "lls": Authentication.LOW, "md5": Authentication.HIGH_MD5,
         "sha1": Authentication.HIGH_SHA1, "gmac": Authentication.HIGH_GMAC}


BOTH = pytest.mark.parametrize("interface", [InterfaceType.HDLC, InterfaceType.WRAPPER])


class Theirs(Line):
    """Their server on our line."""

    def __init__(self, mechanism="none", interface=InterfaceType.HDLC, secret=b"", keys=None):
        items = []
        for place, code in enumerate(CODES):
            one = GXDLMSRegister(dotted(code))
            one.value, one.scaler = 1000 * place + 7, 1 if place < 8 else 0.1
            one.unit = 30 if place < 8 else 35
            one.setDataType(2, DataType.UINT32)
            items.append(one)
        self.clock = GXDLMSClock()
        self.clock.time = GXDateTime(datetime.datetime.fromtimestamp(NOW_S, datetime.UTC))
        self.switch = GXDLMSDisconnectControl("0.0.96.3.10.255")
        self.profile = GXDLMSProfileGeneric(".".join(str(part) for part in PROFILE))
        self.profile.captureObjects = [
            (self.clock, GXDLMSCaptureObject(2, 0)), (items[0], GXDLMSCaptureObject(2, 0)),
            (items[3], GXDLMSCaptureObject(2, 0))]
        self.profile.capturePeriod = 3600
        for hour in range(30):
            at = datetime.datetime.fromtimestamp(NOW_S - 3600 * (29 - hour), datetime.UTC)
            self.profile.buffer.append([GXDateTime(at), 100 + hour, 400 + hour])
        self.data = GXDLMSData(dotted("0-0:128.0.0"))
        self.data.value = b""
        self.data.setDataType(2, DataType.OCTET_STRING)
        items += [self.data, self.clock, self.switch, self.profile]
        self.server = GuruxServer(items, NAMES[mechanism], secret, keys, interface)

    def turn(self, say, is_whole, timeout_ms):
        heard = self.server.hear(say)
        is_whole(heard)
        return heard


def dotted(code):
    return code.replace("-", ".").replace(":", ".") + ".255"


def meter(mechanism="none", interface=InterfaceType.HDLC, protection=0):
    played = Played(mechanism, protection)
    keys = (KEYS.encryption, KEYS.authentication) if mechanism == "gmac" or protection else None
    line = Theirs(mechanism, interface, played.credentials[1], keys)
    wrapper = interface == InterfaceType.WRAPPER
    reader = reader_of(played, model_of(played, "dlms-wrapper" if wrapper else "dlms-hdlc"))
    return reader, line


@BOTH
@pytest.mark.parametrize("mechanism", ["none", "lls"])
def test_their_meter_is_read(mechanism, interface):
    reader, line = meter(mechanism, interface)
    take = Take()
    converse(reader.read(tuple(range(len(CODES))), take), line)
    assert take.values == VALUES and not take.errors and not take.refused
    assert take.meter_time.utc_s == NOW_S


@BOTH
def test_a_wrong_password_is_refused_by_name(interface):
    reader, line = meter("lls", interface)
    line.server.password = b"87654321"
    take = Take()
    converse(reader.read((0,), take), line)
    assert isinstance(take.errors[0], AssociationRefused) and not take.values


@BOTH
def test_their_whole_profile_comes_in_segments(interface):
    reader, line = meter("lls", interface)
    session = converse(reader.session(), line)
    buffer = converse(session.get(Attribute(7, PROFILE, 2)), line)
    assert [[item.value for item in row.elements()[1:]] for row in buffer.elements()] == [
        [100 + hour, 400 + hour] for hour in range(30)]
    assert len(axdr.encode_data(buffer)) > INFORMATION_BYTES


# What of theirs does not run, by what it breaks on. Where one of these passes, read with it.
@pytest.mark.parametrize("mechanism", ["md5", "sha1", "gmac"])
def test_their_hls_writes_lengths_that_are_two_short_or_nothing(mechanism):
    reader, line = meter(mechanism)
    take = Take()
    converse(reader.read((0,), take), line)
    assert isinstance(take.errors[0], DlmsMalformed) and not take.values


@pytest.mark.parametrize("broken", [
    lambda reader, session: session.set(Attribute(1, OWN, 2), axdr.octets(b"x")),
    lambda reader, session: reader.read_profile(NOW_S - 7200, NOW_S),
    lambda reader, session: session.get(OBJECT_LIST),
    lambda reader, session: session.act(control.DISCONNECT, control.METHOD_ARGUMENT)],
    ids=["set wants an attribute isMultipleBlocks", "range compares a moment with 0",
         "object list wants isSkipMaxPduSize", "disconnect control is not implemented"])
def test_what_else_of_theirs_breaks_is_an_error_and_no_reading(broken):
    reader, line = meter("lls")
    session = converse(reader.session(), line)
    with pytest.raises((MeterError, AttributeError)):    # The latter in their own code.
        converse(broken(reader, session), line)


def test_their_blocks_break_on_a_misspelt_window(monkeypatch):
    monkeypatch.setattr(association, "PDU_BYTES", 300)
    reader, line = meter("lls")
    session = converse(reader.session(), line)
    with pytest.raises(AccessRefused, match="hardware-fault"):
        converse(session.get(Attribute(7, PROFILE, 2)), line)
