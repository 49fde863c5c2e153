"""One image after another: who is asked for the next one, and when it begins."""

from tests.edge.mesh.test_spread import Sender, Shelf, alone, image_of, sent_by
from wum_edge.mesh.frames import ALL, LACK
from wum_edge.mesh.page import PAGE_SIZE
from wum_edge.mesh.spreadframes import decode_lack


def after_a_page():
    """A station that has got a page of its own by 98, and knows of an image since."""
    air, before = alone(0, size=900, is_one=True)
    server = Sender(air, 98, before)
    server.tell(1, 0, ALL, 5)
    server.send(0, range(5))
    before.run(0.1)
    assert sorted(before.pages[2]) == [0]
    count = len(sent_by(air, LACK))
    shelf = Shelf(air, image_of(3 * PAGE_SIZE))
    shelf.skip()
    shelf.begin(2)
    return air, shelf, server, count


def asked(air, count):
    return [decode_lack(frame[12:-4])[1:4] for frame in sent_by(air, LACK)[count:]]


def test_who_served_a_page_is_asked_for_the_next_image_and_nobody_is_sought_while_it_may_tell():
    air, shelf, server, count = after_a_page()
    shelf.run(0.9)
    assert asked(air, count) == []               # Others may still need that page.
    shelf.run(1.5)
    assert asked(air, count) == [(0, 40, 98)]
    shelf.run(5)
    assert asked(air, count) == [(0, 40, 98)]    # It was asked, and will tell; no others are.
    server.shelf = shelf
    server.tell(1, 0, ALL, 5)
    shelf.run(1)
    assert asked(air, count)[1:] and set(asked(air, count)) == {(0, 40, 98)}
    air, shelf, _, count = after_a_page()
    shelf.run(20)
    found = asked(air, count)
    assert found[0] == (0, 40, 98) and (0, 40, ALL) in found     # Not for ever.


def test_an_image_begins_when_those_near_have_what_tells_of_it_or_after_a_quarter_of_an_hour():
    air, shelf, server, count = after_a_page()
    late = Sender(air, 97, server.shelf)
    for _ in range(13):
        shelf.run(0.9)
        late.tell(0, 5, 98)
        shelf.run(0.05)
        assert asked(air, count) == []
    for _ in range(5):
        shelf.run(0.9)
        late.tell(0, 5, 98)
    assert asked(air, count)[0] == (0, 40, 98)
