"""dlms-cosem's client (MIT) reads our simulated meter; its codec agrees with ours, both ways."""

import pytest
from dlms_cosem import cosem, enumerations
from dlms_cosem.client import DlmsClient
from dlms_cosem.connection import XDlmsApduFactory
from dlms_cosem.io import TcpTransport
from dlms_cosem.security import (
    HighLevelSecurityGmacAuthentication,
    LowLevelSecurityAuthentication,
    NoSecurityAuthentication,
)

from tests.peers.dlms_frames import recorded
from tests.simulator.dlms_bench import CODES, KEYS, TITLE, Ether, Played
from wum_edge.errors import MeterError
from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.decode import decode_apdu, encode_apdu
from wum_shared.obis import obis_from_text


class Hands:
    """Its idea of a socket."""

    def __init__(self, played):
        self._ether = Ether(played)
        self._heard = b""

    def connect(self):
        self._heard = b""

    def disconnect(self):
        self._heard = b""

    def send(self, data):
        self._heard += self._ether.turn(data, lambda heard: True, 1000)

    def recv(self, amount=1):
        data, self._heard = self._heard[:amount], self._heard[amount:]
        return data


def client_of(played, mechanism):
    authentication = {
        "none": NoSecurityAuthentication(),
        "lls": LowLevelSecurityAuthentication(played.credentials[1]),
        "gmac": HighLevelSecurityGmacAuthentication(challenge_length=16),
    }[mechanism]
    keys = {} if mechanism != "gmac" else {
        "encryption_key": KEYS.encryption, "authentication_key": KEYS.authentication,
        "client_system_title": TITLE, "client_initial_invocation_counter": 5,
        "meter_initial_invocation_counter": -1}
    return DlmsClient(transport=TcpTransport(16, 1, Hands(played)),
                      authentication=authentication, **keys)


@pytest.mark.parametrize("mechanism", ["none", "lls", "gmac"])
def test_their_client_reads_every_register(mechanism):
    played = Played(mechanism, 0x30 if mechanism == "gmac" else 0)
    client = client_of(played, mechanism)
    client.connect()
    client.associate()
    for place, code in enumerate(CODES):
        data = client.get(cosem.CosemAttribute(
            enumerations.CosemInterface.REGISTER, cosem.Obis.from_bytes(obis_from_text(code)), 2))
        assert axdr.decode_data(data).number() == 1000 * place + 7


def test_their_client_reads_a_profile_in_blocks():
    played = Played("none")
    played.cosem.faults.pdu_bytes = 128
    client = client_of(played, "none")
    client.connect()
    client.associate()
    data = client.get(cosem.CosemAttribute(
        enumerations.CosemInterface.PROFILE_GENERIC, cosem.Obis(1, 0, 99, 1, 0, 255), 2))
    assert len(axdr.decode_data(data).elements()) == 25


# Records that are no APDU by themselves.
NO_APDU = (
    "test_lte_monitoring_quality_of_service/1", "test_gsm_diagnistics_cell_info/2",
    "test_capture_object_definition/73", "greenbook_encrypt", "greenbook_gmac")
# What its codec cannot, ours can: it does not end on a block; no such type; written without data.
ENDLESS = "test_decode_long/3"
CANNOT_READ = "test_wrong_type_raises_valueerror/34"
CANNOT_WRITE = "test_receive_get_response_sets_state_to_ready/18"


def vectors(*without):
    """Its own test vectors of whole APDUs, by name, but for these."""
    found = {record["id"].partition("/")[2]: bytes.fromhex(record["hex"]) for record in recorded()
             if record["transport"] == "raw-apdu" and record["id"].startswith("dlms_cosem/")}
    return [pytest.param(data, id=name) for name, data in found.items() if name not in without]


@pytest.mark.parametrize(
    "data", vectors(*NO_APDU, ENDLESS, CANNOT_READ, CANNOT_WRITE))
def test_what_both_decode_both_write_alike(data):
    try:
        ours = decode_apdu(data)
    except MeterError:
        return
    theirs = XDlmsApduFactory().apdu_from_bytes(data)
    if hasattr(ours, "content"):
        return
    assert encode_apdu(ours) in (data, bytes(theirs.to_bytes()))


def test_what_its_codec_cannot_is_still_so():
    by_name = {param.id: param.values[0] for param in vectors()}
    with pytest.raises(NotImplementedError):
        XDlmsApduFactory().apdu_from_bytes(by_name[CANNOT_READ])
    with pytest.raises(TypeError):
        XDlmsApduFactory().apdu_from_bytes(by_name[CANNOT_WRITE]).to_bytes()
