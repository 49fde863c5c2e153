"""Frames against dlms-cosem's vectors, noise around them, and the parameters of a connection."""

from tests.portable import raises
from wum_edge.meters.dlms import hdlc
from wum_edge.meters.dlms.errors import DlmsMalformed

# From pwitab/dlms-cosem (MIT): captured SNRM, UA and an AARQ in an I frame.
SNRM = bytes.fromhex("7ea00802232193bd647e")
UA = bytes.fromhex("7ea01f21022373e6c781801205019a06019a070400000001080400000001cca27e")
AARQ = bytes.fromhex("7ea02c02232110af9fe6e600601da109060760857405080101be10040e01000000065f1f"
                     "0400001e1dffffc5e47e")


def test_recorded_frames_decode_and_encode_to_the_same_bytes():
    snrm, ua, aarq = [hdlc.decode_frame(data) for data in (SNRM, UA, AARQ)]
    assert (snrm.kind, snrm.destination, snrm.source, snrm.final) == (
        hdlc.SNRM, b"\x02\x23", b"\x21", True)
    assert hdlc.address_numbers(snrm.destination) == (1, 17)
    assert ua.kind == hdlc.UA
    assert hdlc.decode_parameters(ua.information) == hdlc.Parameters(154, 154, 1, 1)
    assert (aarq.kind, aarq.send, aarq.receive, aarq.segmented) == (hdlc.I, 0, 0, False)
    assert aarq.information[:3] == hdlc.LLC_REQUEST
    for one, data in ((snrm, SNRM), (ua, UA), (aarq, AARQ)):
        assert one.encode() == data


def test_every_single_flipped_bit_is_noticed():
    for data in (SNRM, UA, AARQ):
        for place in range(8 * len(data)):
            spoilt = bytearray(data)
            spoilt[place // 8] ^= 1 << place % 8
            raises(DlmsMalformed, lambda spoilt=bytes(spoilt): hdlc.decode_frame(spoilt))
            assert not hdlc.Scanner().scan(spoilt)


def test_every_kind_of_frame_and_size_of_address_comes_back():
    client = hdlc.client_address(16)
    for size in hdlc.ADDRESS_SIZES:
        server = hdlc.server_address(1, 100 if size > 1 else 0, size)
        assert hdlc.address_numbers(server) == (1, 100 if size > 1 else 0)
        for kind in (hdlc.SNRM, hdlc.DISC, hdlc.UA, hdlc.DM, hdlc.FRMR, hdlc.UI):
            one = hdlc.frame(kind, server, client, b"\x01" if kind == hdlc.UI else b"")
            assert hdlc.decode_frame(one.encode()) == one
        for kind in (hdlc.RR, hdlc.RNR, hdlc.REJ):
            one = hdlc.frame(kind, server, client, receive=5)
            assert hdlc.decode_frame(one.encode()) == one
        one = hdlc.frame(hdlc.I, client, server, b"~~~", False, True, 6, 7)
        assert hdlc.decode_frame(one.encode()) == one
    assert hdlc.address_numbers(hdlc.server_address(16383, 12345, 4)) == (16383, 12345)


def test_frames_are_found_in_noise_and_between_shared_flags():
    heard = bytearray(b"\x00\x7e\xa0\x7e\xff" + SNRM + UA[1:] + b"\x7e\x7e\x7e" + AARQ[:-3])
    scanner = hdlc.Scanner()
    assert [one.kind for one in scanner.scan(heard)] == [hdlc.SNRM, hdlc.UA]
    assert scanner.scan(heard) == []
    heard.extend(AARQ[-3:])
    assert [one.kind for one in scanner.scan(heard)] == [hdlc.I]


def test_a_wrong_length_does_not_swallow_the_frame_behind_it():
    spoilt = bytearray(SNRM)
    spoilt[2] += 20
    heard = bytes(spoilt) + UA
    scanner = hdlc.Scanner()
    assert [one.kind for one in scanner.scan(heard)] == [hdlc.UA]
    assert scanner.damaged == 1


def test_parameters_are_negotiated_down_and_defaults_say_nothing():
    ours = hdlc.Parameters(2030, 2030, 7, 7)
    theirs = hdlc.decode_parameters(hdlc.encode_parameters(hdlc.Parameters(200, 512, 1, 3)))
    assert theirs == hdlc.Parameters(200, 512, 1, 3)
    assert hdlc.agreed(ours, theirs) == hdlc.Parameters(512, 200, 3, 1)
    assert hdlc.encode_parameters(hdlc.DEFAULTS) == b""
    assert hdlc.decode_parameters(b"") == hdlc.DEFAULTS
    for wrong in (b"\x81\x80", b"\x81\x80\x05\x05\x01", b"\x80\x81\x00",
                  b"\x81\x80\x03\x05\x04\x01",
                  b"\x81\x80\x03\x05\x01\x00", b"\x81\x80\x06\x07\x04\x00\x00\x00\x08"):
        raises(DlmsMalformed, lambda wrong=wrong: hdlc.decode_parameters(wrong))
