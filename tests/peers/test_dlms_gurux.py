"""gurux-dlms' client (GPLv2: in tests only) reads our simulated meter."""

import datetime

import pytest
from gurux_dlms.enums import Authentication, InterfaceType, ObjectType, Security
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXReplyData import GXReplyData
from gurux_dlms.objects import GXDLMSData, GXDLMSProfileGeneric, GXDLMSRegister
from gurux_dlms.secure import GXDLMSSecureClient

from tests.simulator.dlms_bench import CODES, KEYS, NOW_S, PROFILE, TITLE, Played, wire_of
from wum_edge.meters.dlms import hdlc
from wum_shared.obis import obis_from_text
from wum_simulator.meters.dlms_objects import CosemObject

NAMES = {"none": Authentication.NONE, "lls": Authentication.LOW, "md5": Authentication.HIGH_MD5,
         "sha1": Authentication.HIGH_SHA1, "gmac": Authentication.HIGH_GMAC}


class Gurux:
    """Their client on our wire."""

    def __init__(self, played, mechanism="none", secure=False, **limits):
        self.line = wire_of(played, **limits)
        secret = played.credentials[1]
        self.client = GXDLMSSecureClient(
            True, 16, GXDLMSSecureClient.getServerAddress(1, 17), NAMES[mechanism],
            secret.decode() if secret else None, InterfaceType.HDLC)
        if secure or mechanism == "gmac":
            ciphering = self.client.ciphering
            ciphering.systemTitle = TITLE
            ciphering.blockCipherKey = KEYS.encryption
            ciphering.authenticationKey = KEYS.authentication
            ciphering.invocationCounter = 10
            ciphering.security = Security.AUTHENTICATION_ENCRYPTION if secure else Security.NONE

    def ask(self, frames):
        """The reply to one message, whose frames may be many."""
        reply = GXReplyData()
        for frame in frames if isinstance(frames, list) else [frames]:
            if isinstance(frame, list):
                for one in frame:
                    self._one(one, reply)
            else:
                self._one(frame, reply)
        return reply

    def _one(self, frame, reply):
        self._exchange(frame, reply)
        while reply.isMoreData():
            self._exchange(self.client.receiverReady(reply), reply)
        assert not reply.error, reply.error

    def _exchange(self, frame, reply):
        heard = bytearray()
        data = self.line.turn(bytes(frame), lambda heard: False, 1000)
        # It takes one frame at a time.
        for one in hdlc.Scanner().scan(data):
            heard += one.encode()
            buffer = GXByteBuffer()
            buffer.set(one.encode())
            self.client.getData(buffer, reply)
        assert heard

    def open(self):
        """Connect and associate."""
        self.client.parseUAResponse(self.ask(self.client.snrmRequest()).data)
        self.client.parseAareResponse(self.ask(self.client.aarqRequest()).data)
        if self.client.isAuthenticationRequired:
            self.client.parseApplicationAssociationResponse(
                self.ask(self.client.getApplicationAssociationRequest()).data)

    def read(self, item, number):
        """One attribute, put into their object and returned."""
        reply = self.ask(self.client.read(item, number))
        return self.client.updateValue(item, number, reply.value)


def registers():
    return [GXDLMSRegister(code.replace("-", ".").replace(":", ".") + ".255") for code in CODES]


@pytest.mark.parametrize("mechanism", NAMES)
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("limits", [hdlc.DEFAULTS, hdlc.Parameters(512, 512, 1, 1)])
def test_their_client_reads_every_register(mechanism, secure, limits):
    played = Played(mechanism, 0x30 if secure else 0)
    gurux = Gurux(played, mechanism, secure, limits=limits)
    gurux.open()
    for place, register in enumerate(registers()):
        gurux.read(register, 3)
        scale = 1 if place < 8 else 0.1
        assert gurux.read(register, 2) == pytest.approx((1000 * place + 7) * scale)
    assert gurux.ask(gurux.client.disconnectRequest()) is not None


def test_their_client_reads_lists():
    gurux = Gurux(Played(), limits=hdlc.Parameters(2030, 2030, 1, 1))
    gurux.open()
    wanted = [(register, 2) for register in registers()[:8]]
    reply = GXReplyData()
    values = []
    for message in gurux.client.readList(wanted):
        reply = gurux.ask(message)
        values += reply.value if isinstance(reply.value, list) else [reply.value]
    assert [int(value) for value in values] == [1000 * place + 7 for place in range(8)]


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("pdu_bytes", [1024, 128])
def test_their_client_reads_the_profile_by_range_and_by_entry_and_in_blocks(secure, pdu_bytes):
    played = Played("gmac" if secure else "none", 0x30 if secure else 0, 0, 0)
    played.cosem.faults.pdu_bytes = pdu_bytes
    gurux = Gurux(played, "gmac" if secure else "none", secure)
    gurux.open()
    profile = GXDLMSProfileGeneric(".".join(str(part) for part in PROFILE))
    gurux.read(profile, 3)
    assert len(profile.captureObjects) == 6
    last = datetime.datetime.fromtimestamp(NOW_S, datetime.UTC)
    reply = gurux.ask(gurux.client.readRowsByRange(
        profile, last - datetime.timedelta(hours=5), last))
    gurux.client.updateValue(profile, 2, reply.value)
    assert [row[2] for row in profile.buffer] == [9, 10, 10, 11, 11, 12]
    reply = gurux.ask(gurux.client.readRowsByEntry(profile, 1, 3))
    gurux.client.updateValue(profile, 2, reply.value)
    assert [row[3] for row in profile.buffer] == [1000, 1000, 1001]


@pytest.mark.parametrize("secure", [False, True])
def test_their_client_writes_long_attributes(secure):
    played = Played("gmac" if secure else "none", 0x30 if secure else 0)
    played.cosem.faults.pdu_bytes = 128
    long = CosemObject(obis_from_text("0-0:128.0.0"), {2: None}, writable=(2,))
    played.cosem.objects[(1, long.obis)] = long
    gurux = Gurux(played, "gmac" if secure else "none", secure)
    gurux.open()
    data = GXDLMSData("0.0.128.0.0.255")
    data.value = bytearray(range(200))
    gurux.ask(gurux.client.write(data, 2))
    assert long.attributes[2].value == bytes(range(200))


def test_their_client_discovers_the_objects():
    played = Played()
    gurux = Gurux(played)
    gurux.open()
    reply = gurux.ask(gurux.client.getObjectsRequest())
    found = gurux.client.parseObjects(reply.data, False, False)
    names = {(one.objectType, one.logicalName) for one in found}
    assert (ObjectType.REGISTER, "1.0.1.8.0.255") in names and len(names) == len(
        played.cosem.objects)
