"""MD5 and SHA-1 by the vectors of RFC 1321, A.5, and RFC 3174, 7.3."""

from wum_edge.meters.dlms.digest import md5, sha1


def test_the_vectors_of_the_rfcs_hold():
    assert md5(b"").hex() == "d41d8cd98f00b204e9800998ecf8427e"
    assert md5(b"message digest").hex() == "f96b697d7cb7938d525a2f31aaf161d0"
    assert md5(b"1234567890" * 8).hex() == "57edf4a22be3c955ac49da2e2107b67a"
    assert sha1(b"abc").hex() == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert sha1(b"0123456701234567012345670123456701234567012345670123456701234567" * 10).hex() == (
        "dea356a2cddd90c7a7ecedc5ebb563934f460452")
