"""Frames: what is encoded is decoded, and what is no frame is refused."""

from tests.portable import raises
from wum_edge.mesh import frames
from wum_edge.mesh.frames import Ask, Beacon, Header, Item, Malformed, Poll, Stamp

STAMP = Stamp(200, (1 << 56) - 1, 3)


def test_every_frame_is_read_as_it_was_written():
    header = Header(frames.POLL, 2, 0xBEEF, 0x0102, 0xFFFF, 0xFFFFFFFE, 0xA5)
    assert frames.decode_header(frames.encode_header(header) + bytes(4)) == header
    beacon = Beacon(7, 255, 0xF000, 100, 96, 1, STAMP)
    assert frames.decode_beacon(frames.encode_beacon(beacon)) == beacon
    for ask in Ask(1, 255, 3, 1 << 31), Ask(1, 255, 3, 0):
        assert frames.decode_ask(frames.encode_ask(ask)) == ask
    poll = Poll(1, 2, 3, 4, 0xFFFE, 1 << 31, STAMP, [(5, 6, 0xFFFF), (7, 8, 0)],
                [(9, 0xFFFF, 255), (10, 1, 0)])
    assert frames.decode_poll(frames.encode_poll(poll)) == poll
    for waiting, acks in (0, []), (1, [(5, 6, 0xFF)]), (0, [(5, 6, 0x100), (7, 8, 1)]):
        poll = Poll(1, 2, 3, 4, 5, waiting, STAMP, acks, [(9, 1, 255)])
        assert frames.decode_poll(frames.encode_poll(poll)) == poll
    word = Poll(1, 2, 3, 0, 5, 0, Stamp(0, 0, 3), [(5, 6, 7)], [])
    assert frames.decode_poll(frames.encode_poll(word)) == word
    assert len(frames.encode_poll(word)) == 15
    items = [Item(1, 65_535, 127, True, b"x" * 40, 3), Item(2, 3, 0, False, b"", 0)]
    assert frames.decode_data(frames.encode_data(9, 8, items)) == (9, 8, items)


def test_the_largest_fragment_fills_a_frame_to_the_last_byte():
    item = Item(1, 2, 0, True, bytes(frames.FRAGMENT_MAX), 0)
    body = frames.encode_data(1, 1, [item])
    assert frames.HEADER_SIZE + len(body) + frames.TAG_SIZE == frames.FRAME_MAX


def test_what_a_poll_grants_stands_in_its_header():
    for grant in range(frames.BURST_MAX + 1):
        for rate in range(frames.RATES_MAX):
            aux = frames.poll_aux(grant, rate)
            assert 0 <= aux < 256
            assert frames.decode_poll_aux(aux) == (grant, rate)


def test_no_other_length_passes():
    poll = frames.encode_poll(Poll(1, 2, 3, 4, 5, 9, STAMP, [(6, 7, 8)], [(9, 10, 11)]))
    data = frames.encode_data(9, 8, [Item(1, 2, 3, False, b"four", 0)])
    for decode, body in (
            (frames.decode_beacon, frames.encode_beacon(Beacon(1, 2, 3, 4, 5, 0, STAMP))),
            (frames.decode_ask, frames.encode_ask(Ask(1, 2, 3, 4)))):
        raises(Malformed, lambda decode=decode, body=body: decode(body[:-1]))
        raises(Malformed, lambda decode=decode, body=body: decode(body + b"x"))
    word = frames.encode_poll(Poll(1, 2, 3, 0, 5, 0, Stamp(0, 0, 3), [(6, 7, 256)], [(9, 10, 11)]))
    for body in poll, word:
        for size in range(len(body)):
            if size != len(body) - 8:        # A poll without its receipt is a poll.
                raises(Malformed, lambda body=body, size=size: frames.decode_poll(body[:size]))
    for size in range(len(data)):
        if size != frames.DATA_HEAD:
            raises(Malformed, lambda size=size: frames.decode_data(data[:size]))


def test_a_poll_that_counts_more_acknowledgements_than_it_may_is_refused():
    most = [(at, at, at) for at in range(frames.ACKS_MAX)]
    whole = frames.encode_poll(Poll(1, 2, 3, 4, 5, 9, STAMP, most, []))
    assert frames.decode_poll(whole).acks == most
    body = bytearray(whole + bytes(5))
    body[8] += 1                             # Its shape: a fifth.
    raises(Malformed, lambda: frames.decode_poll(bytes(body)))


def test_two_children_share_no_bit_of_a_poll_for_long():
    for one in range(1, 40):
        for other in range(one + 1, 300, 7):
            shared = [frames.waiting_bit(one, counter) == frames.waiting_bit(other, counter)
                      for counter in range(64)]
            assert sum(shared) < 32, (one, other)


def test_a_header_of_another_version_or_of_a_stub_is_refused():
    whole = frames.encode_header(Header(0, 0, 1, 2, 3, 4, 5)) + bytes(4)
    raises(Malformed, lambda: frames.decode_header(whole[:-1]))
    raises(Malformed, lambda: frames.decode_header(whole + bytes(255)))
    raises(Malformed, lambda: frames.decode_header(bytes((0x40,)) + whole[1:]))
