"""A page that is an image, as the hashes of a release's chunks are: it is checked as a whole."""

from hashlib import sha256

from tests.edge.mesh.test_spread import (
    MINUTE_US,
    Dice,
    Sender,
    Shelf,
    alone,
    image_of,
    page_of,
    sent_by,
    street,
)
from wum_edge.mesh import spreadframes
from wum_edge.mesh.erasure import SYMBOL_SIZE
from wum_edge.mesh.frames import ALL, SYMBOL
from wum_edge.mesh.page import CHUNK_SIZE, Page, symbols_of


def test_a_page_without_hashes_of_its_chunks_is_told_by_its_own_and_goes_as_any():
    air, shelf = street(3, 3200, is_one=True)
    dice = Dice(7)
    air.loses = lambda frame: dice() % 100 < 15
    assert shelf.run(240) and not shelf.spoilt
    assert air.relays[3].spread.images[0].pages == 1


def test_every_flipped_byte_of_such_a_page_is_noticed_and_its_sender_named():
    image = image_of(3200)
    symbols = symbols_of(image)
    page = Page(len(image), b"", 0, sha256(image).digest())
    for at in range(len(image)):
        # Of the last byte of each chunk's symbols nothing is the page's.
        place, inside = at // CHUNK_SIZE, at % CHUNK_SIZE
        wrong = place * 5 + inside // SYMBOL_SIZE
        flip = 1 << 8 * (SYMBOL_SIZE - 1 - inside % SYMBOL_SIZE)
        for number in range(len(symbols)):
            page.take(7, number, symbols[number] ^ (flip if number == wrong else 0))
        if at % 97 == 0 or at == len(image) - 1:     # Each opening takes a while on a board.
            assert page.open() is None, at
        assert page.spoilt(7) == 7
    for number in range(len(symbols)):
        page.take(7, number, symbols[number])
    assert page.open() == image


def test_of_such_a_page_nothing_foreign_and_nothing_beyond_it_is_taken():
    air, shelf = alone(1, size=3200, is_one=True)
    sender, image = Sender(air, 99, shelf), air.relays[2].spread.images[0]
    wanted = image.lacks
    assert wanted == 20
    for name, page, number in ((b"other", 0, 0), (shelf.name, 1, 0), (shelf.name, 2047, 0),
                               (shelf.name, 0, 20), (shelf.name, 0, 39)):
        sender.say(2, SYMBOL, 0, spreadframes.encode_symbol(name[:4], page, number, 5))
        assert image.lacks == wanted and not image.ahead, (name, page, number)
    sender.tell(1, 0, ALL)
    sender.tell(2048, 40, ALL)                       # As if there were more.
    shelf.run(0.5)
    sender.send(0, range(20))
    shelf.run(0.1)
    assert shelf.is_done() and not shelf.spoilt
    sender.tell(7, 40, 2)                            # Of us, what nobody has.
    shelf.pages[1] = {}
    shelf.run(2)
    assert not sent_by(air, SYMBOL)


def test_what_comes_first_is_that_without_which_nothing_is_gathered():
    air, shelf = alone(2, has_all=True)
    first = Shelf(air, image_of(3200), is_one=True)
    first.begin(2, has_all=True)
    asking = Sender(air, 99, shelf)
    asking.tell(0, 40, 2)
    Sender(air, 98, first).tell(0, 20, 2)
    for _ in range(40):
        air.run(air.now + 100_000)
        for _, address, what, *rest in air.told:
            if what == "read page":
                kept = first if rest[0] == first.name else shelf
                air.do(address, "give_page", rest[0], rest[1], page_of(kept.image, rest[1]))
        held = [image for image in air.relays[2].spread.images if image.at_hand is not None]
        assert len(held) <= 1                        # One page of all of them is in memory.
        air.told.clear()
    air.run(air.now + 5 * MINUTE_US)
    names = [spreadframes.decode_symbol(frame[12:-4])[0] for frame in sent_by(air, SYMBOL)]
    assert names[:20] == [first.name] * 20, names
