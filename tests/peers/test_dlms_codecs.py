"""gurux-dlms' and dlms-cosem's codecs agree with ours on every kind of APDU that they can write.

Both ways at once: what ours wrote, theirs reads and writes again to the same bytes, and ours reads
what it said. What theirs cannot is named, and is looked at in every run: where it can by now, its
name has to go.
"""

import pytest
from dlms_cosem import security, utils
from dlms_cosem.connection import XDlmsApduFactory
from gurux_dlms.enums import Security
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXDLMSTranslator import GXDLMSTranslator

from tests.peers.dlms_samples import APDUS, DATA
from tests.simulator.dlms_bench import KEYS, TITLE
from wum_edge.meters.dlms import axdr, ciphering
from wum_edge.meters.dlms.decode import decode_apdu, encode_apdu
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_simulator.meters.dlms_cosem import PlainCounters

GURUX_CANNOT = {
    "get list": "writes a byte of nothing before each attribute, and a count of bytes",
    "get list answer": "writes by a method that Python's XML has not",
    "set list first block": "prints nothing as a text",
    "set last block taken": "writes by a method that Python's XML has not",
    "set list last block taken": "prints nothing as a text",
    "set list done": "does not know its own name of the error",
    "action next": "does not know it", "action list": "does not know it",
    "action first block": "writes the choice 255",
    "action list first block": "does not know it", "action last block": "does not know it",
    "action done": "leaves out that nothing is returned", "action refused": "leaves out the same",
    "action answer block": "prints nothing as a text", "action list done": "does not know it",
    "action block taken": "does not know its own name of it",
    "aarq": "writes its own conformance", "aarq lls": "writes its own conformance",
    "aarq gmac": "does not know its own name of GMAC", "aare": "writes its own conformance",
    "aare gmac": "does not know its own name of GMAC",
    "release": "looks for a setting that is none", "released": "looks for a setting that is none",
    "exception with counter": "does not know the counter",
    "service error": "writes by a method of Java",
    "notification with time": "writes by a method of Java",
    "general block": "does not know its own name of it",
    "answer boolean": "does not read the word that it writes",
    "answer utf8": "writes the hexadecimal digits as text",
    "answer date-time": "looks for a setting that is none",
    "answer date": "reads by a method that its buffer has not",
    "answer compact array": "writes by a method that Python's XML has not",
    "answer compact array of structures": "reads past its end",
}
COSEM_CANNOT = {
    "get by entry": "no entry selection", "get by range": "no weekdays",
    "action next": "no blocks of actions", "action list": "no lists of actions",
    "action first block": "no blocks of actions", "action list first block": "no blocks of actions",
    "action last block": "no blocks of actions", "action answer block": "no blocks of actions",
    "action list done": "no lists of actions", "action block taken": "no blocks of actions",
    "aarq": "keeps half of the conformance", "aarq lls": "keeps half of the conformance",
    "aarq gmac": "keeps half of the conformance", "aare": "keeps half of the conformance",
    "aare gmac": "keeps half of the conformance",
    "exception with counter": "a counter of one byte",
    "notification with time": "a date-time without its length, and no weekdays",
    "event": "no event notification", "general block": "no general block transfer",
}
COSEM_CANNOT.update({name: "no blocks and no lists of SET" for name in APDUS
                     if name.startswith("set") and ("block" in name or "list" in name)})
COSEM_CANNOT.update({name: "writes answers without data only" for name in APDUS
                     if name.startswith("answer ")})
# Data that its own decoder refuses or takes for something else.
COSEM_DATA_CANNOT = ("bits", "bcd", "float32", "float64", "date-time", "date", "time", "utf8",
                     "compact array", "compact array of structures")


def by_gurux(data):
    translator = GXDLMSTranslator()
    again = translator.xmlToPdu(translator.pduToXml(GXByteBuffer(data)))
    return bytes(again)[:len(again)]         # Its buffer has room behind its end.


def by_cosem(data):
    return bytes(XDlmsApduFactory().apdu_from_bytes(data).to_bytes())


@pytest.mark.parametrize("name", APDUS)
@pytest.mark.parametrize(("theirs", "cannot"), [(by_gurux, GURUX_CANNOT), (by_cosem, COSEM_CANNOT)],
                         ids=["gurux", "dlms-cosem"])
def test_their_codec_and_ours_write_the_same_bytes(name, theirs, cannot):
    ours = encode_apdu(APDUS[name])
    assert decode_apdu(ours) == APDUS[name]
    if name not in cannot:
        assert theirs(ours) == ours
        return
    try:
        again = theirs(ours)
    except Exception:                        # Whatever it stumbles over.
        return
    assert again != ours, f"it can {name} by now"


def test_what_is_left_out_is_of_the_samples():
    assert {*GURUX_CANNOT, *COSEM_CANNOT} <= set(APDUS)
    assert set(COSEM_DATA_CANNOT) <= set(DATA)


@pytest.mark.parametrize("name", [name for name in DATA if name not in COSEM_DATA_CANNOT])
def test_data_means_the_same_to_dlms_cosem(name):
    assert utils.parse_as_dlms_data(axdr.encode_data(DATA[name])) == plain(DATA[name])


def plain(data):
    if data.tag in (axdr.ARRAY, axdr.STRUCTURE):
        return [plain(item) for item in data.elements()]
    return data.value.decode() if data.tag == axdr.VISIBLE else data.value


@pytest.mark.parametrize("dedicated", [b"", bytes(range(0x20, 0x30))], ids=["global", "dedicated"])
@pytest.mark.parametrize("control", [
    Security.AUTHENTICATION, Security.ENCRYPTION, Security.AUTHENTICATION_ENCRYPTION])
@pytest.mark.parametrize("name", ["get", "set", "action", "get by range"])
def test_what_ours_ciphers_gurux_opens(name, control, dedicated):
    apdu = encode_apdu(APDUS[name])
    ours = ciphering.Security(AesGcm(), PlainCounters(7), KEYS, TITLE, "n", int(control))
    ours.begin(b"WUM90001", dedicated)
    sealed = ours.protect(apdu)
    translator = GXDLMSTranslator()
    translator.comments = True
    translator.blockCipherKey, translator.authenticationKey = KEYS
    translator.systemTitle = translator.serverSystemTitle = TITLE
    translator.dedicatedKey = dedicated or None
    assert sealed[0] == (ciphering.DED if dedicated else ciphering.GLO)[apdu[0]]
    opened = "Decrypt data: " + " ".join(f"{byte:02X}" for byte in apdu)
    assert opened in translator.pduToXml(GXByteBuffer(sealed))
    translator.blockCipherKey = bytes(16)
    translator.dedicatedKey = bytes(16) if dedicated else None
    assert opened not in translator.pduToXml(GXByteBuffer(sealed))


@pytest.mark.parametrize("name", APDUS)
def test_what_dlms_cosem_seals_ours_opens_and_the_other_way_round(name):
    apdu = encode_apdu(APDUS[name])
    control = security.SecurityControlField(0, authenticated=True, encrypted=True)
    theirs = security.encrypt(control, TITLE, 77, KEYS.encryption, apdu, KEYS.authentication)
    header = bytes((0x30, 0, 0, 0, 77))
    assert ciphering.unseal(AesGcm(), *KEYS, TITLE, header + theirs) == apdu
    ours = ciphering.seal(AesGcm(), *KEYS, 0x30, TITLE, 77, apdu)
    assert ours == header + theirs
    assert security.decrypt(control, TITLE, 77, KEYS.encryption, ours[5:],
                            KEYS.authentication) == apdu
