"""What comes down beside acknowledgements: opened when genuine, ours and new, else told once."""

from tests.edge.headend import KEYS, Sentences
from tests.shared.quick_cipher import QuickCipher
from wum_edge.uplink.opening import HEARD_MAX, STREAMS_MAX, Opening
from wum_shared import cose


def sealed(counter, stream="ripple", key_id=KEYS.key_id, text=b"flood this"):
    return cose.seal(QuickCipher(), KEYS.downlink, key_id, counter, text, "down", KEYS.tenant,
                     stream)


def started():
    log = Sentences()
    return Opening(QuickCipher(), KEYS, log), log


def test_what_is_genuine_is_opened_once():
    opening, log = started()
    assert opening.open("ripple", sealed(5)) == b"flood this"
    for _ in range(3):
        assert opening.open("ripple", sealed(5)) is None
    assert opening.open("other", sealed(5, "other")) == b"flood this"    # Each stream for itself.
    assert opening.counts["heard before"] == 3 and len(log.warned) == 1


def test_what_is_forged_foreign_or_of_another_stream_is_refused():
    opening, log = started()
    good = sealed(6)
    for wrong in (b"", b"junk", good[:-1] + bytes([good[-1] ^ 1]), sealed(6, "ack")):
        assert opening.open("ripple", wrong) is None
    other = cose.key_id(b"\x01" * 8, 0)
    assert opening.open("ripple", sealed(6, key_id=other)) is None
    assert opening.counts == {"not genuine": 4, "foreign": 1, "heard before": 0}
    assert len(log.warned) == 2
    assert opening.open("ripple", good) == b"flood this"     # None of them used the counter up.


def test_what_is_remembered_has_a_limit():
    opening, _ = started()
    for counter in range(HEARD_MAX + 5):
        assert opening.open("ripple", sealed(counter)) is not None
    assert opening.open("ripple", sealed(HEARD_MAX)) is None
    for number in range(2 * STREAMS_MAX):
        opening.open("s%d" % number, sealed(1, "s%d" % number))
    assert len(opening._heard) == STREAMS_MAX
    assert [len(heard) for heard in opening._heard.values()][0] == HEARD_MAX
