"""Updates over the mesh: the frames, what is gathered, who is believed, what it costs."""

from hashlib import sha256

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.quiet_air import QuietAir
from tests.portable import raises
from wum_edge.mesh import erasure, spreadframes
from wum_edge.mesh.erasure import FIRST_MORE
from wum_edge.mesh.frames import ALL, LACK, SYMBOL, Malformed, decode_header
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.page import CHUNK_SIZE, PAGE_SIZE, Page, pages_of, symbols_of
from wum_edge.mesh.spread import SHARE_PERCENT
from wum_edge.mesh.spreadframes import Lack, decode_lack, encode_lack

MINUTE_US = 60_000_000


def image_of(size):
    return b"".join([sha256(b"%d" % at).digest() for at in range(size // 32 + 1)])[:size]


def index_of(image):
    return b"".join([sha256(image[at:at + CHUNK_SIZE]).digest()[:16]
                     for at in range(0, len(image), CHUNK_SIZE)])


def page_of(image, page):
    return image[page * PAGE_SIZE:(page + 1) * PAGE_SIZE]


class Shelf:
    """What each station keeps of one image; `begin` after a start. `is_one`: a page that comes
    without hashes of its chunks, and is told by its own.
    """

    def __init__(self, air, image, is_one=False):
        self.air, self.image, self.name = air, image, sha256(image).digest()[:4]
        self._index, self._whole = index_of(image), b""
        if is_one:
            self._index, self._whole = b"", sha256(image).digest()
        self.pages, self.spoilt, self._at = {}, [], 0

    def begin(self, address, has_all=False):
        if has_all:
            self.pages[address] = {at: page_of(self.image, at)
                                   for at in range(pages_of(len(self.image)))}
        have = sum([1 << page for page in self.pages.setdefault(address, {})])
        self.air.do(address, "take_up", self.name, len(self.image), self._index, have,
                    self._whole)

    def skip(self):
        """What was told so far is of something else."""
        self._at = len(self.air.told)

    def run(self, minutes):
        """Whether all have all of it by then."""
        until_us = self.air.now + minutes * MINUTE_US
        while self.air.now < until_us:
            self.air.run(self.air.now + 500_000)
            told, self._at = self.air.told[self._at:], len(self.air.told)
            for _, address, what, *rest in told:
                if what == "page":
                    assert rest[2] == page_of(self.image, rest[1])
                    self.pages[address][rest[1]] = rest[2]
                elif what == "read page":
                    self.air.do(address, "give_page", rest[0], rest[1],
                                self.pages[address].get(rest[1]))
                elif what == "spoilt":
                    self.spoilt.append((address, rest[2]))
            if self.is_done():
                return True
        return False

    def is_done(self):
        return all(len(pages) == pages_of(len(self.image)) for pages in self.pages.values())


class Dice:
    def __init__(self, seed):
        self._state = seed

    def __call__(self):
        self._state = self._state * 1_103_515_245 + 12_345 & 0x7FFFFFFF
        return self._state >> 8


def test_frames_are_read_as_written_and_no_other_length_passes():
    lack = Lack(b"name", 7, 40, ALL, 12, 3)
    assert decode_lack(encode_lack(lack)) == lack
    body = spreadframes.encode_symbol(b"name", 9, 255, 1 << 1639)
    assert spreadframes.decode_symbol(body) == (b"name", 9, 255, 1 << 1639)
    for size in range(len(body)):
        raises(Malformed, lambda size=size: spreadframes.decode_symbol(body[:size]))
    for size in range(len(encode_lack(lack))):
        raises(Malformed, lambda size=size: decode_lack(encode_lack(lack)[:size]))
    for wrong in (Lack(b"name", 7, 41, ALL, 0, 0), Lack(b"name", 2049, 1, ALL, 0, 0)):
        raises(Malformed, lambda wrong=wrong: decode_lack(encode_lack(wrong)))
    for page, number in ((2048, 0), (0, 40), (0, 63)):
        raises(Malformed, lambda page=page, number=number: spreadframes.decode_symbol(
            spreadframes.encode_symbol(b"name", page, number, 0)))


def test_a_page_that_is_not_what_was_signed_is_refused_and_its_only_sender_named():
    image = image_of(3 * CHUNK_SIZE)
    page = Page(len(image), index_of(image), 0)
    symbols = symbols_of(image)
    for number in range(15):
        assert page.take(7, number, symbols[number] ^ (1 if number == 3 else 0))
    assert page.open() is None and page.spoilt(9) == 7 and page.lacks == 15


def test_who_spoilt_a_page_that_several_sent_is_known_once_it_is_whole():
    image = image_of(PAGE_SIZE)
    page = Page(len(image), index_of(image), 0)
    symbols = symbols_of(image)
    for number in range(40):
        page.take(7 if number % 8 else 6, number, symbols[number] ^ (0 if number % 8 else 5))
    assert page.open() is None and page.spoilt(7) is None
    assert not page.take(6, 0, symbols[0])           # One alone is listened to from here on.
    for number in range(FIRST_MORE, FIRST_MORE + 40):
        assert page.take(7, number, erasure.more(symbols, number))
    assert page.open() == image and page.liars(image) == [6]


def street(length, size=3 * PAGE_SIZE - 700, duty=10_000, is_one=False):
    air = QuietAir({1}, [(at, at + 1) for at in range(1, length)], duty)
    air.run(60_000_000)
    shelf = Shelf(air, image_of(size), is_one)
    for address in range(1, length + 1):
        shelf.begin(address, address == 1)
    return air, shelf


def test_a_street_has_all_of_it_and_the_image_was_sent_once_by_each_that_had_to():
    air, shelf = street(5)
    assert shelf.run(90)
    symbols = [address for address, frame in air.sent if decode_header(frame).kind == SYMBOL]
    wanted = 5 * (-(-len(shelf.image) // CHUNK_SIZE))
    assert [symbols.count(address) for address in (1, 2, 3, 4, 5)] == [wanted] * 4 + [0]
    assert not shelf.spoilt


def test_what_is_lost_on_the_way_is_asked_for_until_all_is_there():
    for seed in (1, 2):
        air, shelf = street(3)
        dice = Dice(seed)
        air.loses = lambda frame, dice=dice: dice() % 100 < 25
        assert shelf.run(240), seed


def test_it_goes_on_after_power_cuts_where_it_was():
    air, shelf = street(4)
    dice = Dice(5)
    for _ in range(12):
        shelf.run(1)
        address = 1 + dice() % 4
        before = len(shelf.pages[address])
        air.boot(address)
        shelf.begin(address)
        assert len(shelf.pages[address]) == before
    assert shelf.run(240)


def test_a_station_in_between_that_takes_no_part_is_not_troubled():
    air, shelf = street(2)
    assert shelf.run(60)
    assert not [address for address, what in [entry[1:3] for entry in air.told]
                if what == "page" and address not in (2,)]


def test_nothing_of_an_update_is_said_where_there_is_none():
    air = QuietAir({1}, [(1, 2), (2, 3)])
    air.run(3_600_000_000)
    assert not [frame for _, frame in air.sent if decode_header(frame).kind in (LACK, SYMBOL)]


def test_its_share_of_the_law_s_airtime_is_not_exceeded_in_any_hour():
    air, shelf = street(3, size=12 * PAGE_SIZE, duty=100)
    sent = []
    for _ in range(24):
        shelf.run(5)
    assert shelf.is_done() or shelf.pages[2]
    for address in (1, 2, 3):
        ledger = air.relays[address].spread.ledger
        assert ledger.limit_us == 36_000_000 * SHARE_PERCENT // 100
        assert ledger.spent_us(air.now) <= ledger.limit_us
        sent.append(ledger.spent_us(air.now))
    assert max(sent) > 0


class Liar:
    """A member of the mesh, between two stations, that answers with what was never signed."""

    def __init__(self, air, address, shelf):
        self.air, self.shelf = air, shelf
        self._guard = Guard(DigestSeal(b"k"), 7, 1, address, 0)
        self._guard.reserve()

    def say(self, station, kind, aux, body, snr_q4=60):
        if self._guard.must_reserve():
            self._guard.reserve()
        relay = self.air.relays[station]
        relay.on_rx(self.air.now, self._guard.seal(kind, 3, ALL, aux, body), -60, snr_q4, 0)
        self.air._act(station)


def test_a_lying_neighbour_cannot_poison_it_and_is_reported():
    for is_one in (False, True):
        air, shelf = street(3, 3200 if is_one else 3 * PAGE_SIZE - 700, is_one=is_one)
        liar = Liar(air, 99, shelf)
        for _ in range(400):
            for station in (2, 3):
                page = len(shelf.pages[station])
                for number in range(3):
                    liar.say(station, SYMBOL, 0, spreadframes.encode_symbol(
                        shelf.name, page, FIRST_MORE + number, 12345))
            if shelf.run(1):
                break
        assert shelf.is_done()
        assert shelf.spoilt and {source for _, source in shelf.spoilt} == {99}


class Sender(Liar):
    """A station whose symbols are heard by one other."""

    def send(self, page, numbers, spoils=0):
        symbols = symbols_of(page_of(self.shelf.image, page))
        for number in numbers:
            symbol = symbols[number] if number < len(symbols) else erasure.more(symbols, number)
            self.say(2, SYMBOL, 0, spreadframes.encode_symbol(
                self.shelf.name, page, number, symbol ^ spoils))

    def tell(self, page, lacks, server, reach=0, snr_q4=60):
        self.say(2, LACK, 0, encode_lack(Lack(self.shelf.name, page, lacks, server, reach, 0)),
                 snr_q4)


def alone(pages, has_all=False, size=0, is_one=False):
    """A station that gathers an image and hears nobody but who is made up."""
    air = QuietAir(set(), [(2, 2)])
    air.run(60_000_000)
    shelf = Shelf(air, image_of(size or pages * PAGE_SIZE), is_one)
    shelf.begin(2, has_all)
    if has_all:
        shelf.pages[1] = {}          # Never done: it runs as long as it is told to.
    return air, shelf


def sent_by(air, kind):
    return [frame for _, frame in air.sent if decode_header(frame).kind == kind]


def test_a_server_owes_less_by_what_another_sends_of_the_page():
    for is_liar in (False, True):
        air, shelf = alone(2, has_all=True)
        asking, other = Sender(air, 99, shelf), Sender(air, 98, shelf)
        if is_liar:
            air.relays[2].spread.images[0].holders.lies(98)
        asking.tell(0, 40, 2)
        while not sent_by(air, SYMBOL):
            air.run(air.now + 100_000)
            shelf.run(0.01)
        shelf.run(0.05)
        assert 0 < len(sent_by(air, SYMBOL)) < 20
        other.send(0, range(200, 210))
        shelf.run(5)
        assert len(sent_by(air, SYMBOL)) == (40 if is_liar else 30)


def test_a_page_is_offered_unless_another_offers_it_to_as_many():
    for snr_q4, reach, offers in ((60, None, 1), (60, 0, 1), (60, 1, 0),
                                  (-20, None, 1), (-20, 0, 0)):
        air, shelf = alone(2, has_all=True)
        seeking, other = Sender(air, 99, shelf), Sender(air, 98, shelf)
        seeking.tell(0, 40, ALL, snr_q4=snr_q4)
        shelf.run(0.1)
        if reach is not None:
            other.tell(1, 0, ALL, reach)
        shelf.run(2)
        assert len(sent_by(air, LACK)) == offers, (snr_q4, reach)


def test_who_has_a_server_waits_for_it_but_not_for_ever():
    air, shelf = alone(3)
    server, other = Sender(air, 98, shelf), Sender(air, 97, shelf)
    server.tell(1, 0, ALL, 5)
    server.send(0, (70,))
    shelf.run(1)
    asked = [decode_lack(frame[12:-4]) for frame in sent_by(air, LACK)]
    assert asked and asked[-1][1:4] == (0, 39, 98)
    server.send(0, range(40))
    shelf.run(0.2)
    assert sorted(shelf.pages[2]) == [0]
    count = len(sent_by(air, LACK))
    other.tell(2, 40, ALL)           # Another has the next one; of the server it is not known.
    shelf.run(0.5)
    assert len(sent_by(air, LACK)) == count
    shelf.run(14)                    # Four times that it may still tell.
    assert len(sent_by(air, LACK)) > count


def test_pages_behind_the_one_that_is_asked_for_are_kept_and_handed_over_when_they_are_whole():
    air, shelf = alone(5)
    sender = Sender(air, 99, shelf)
    for page in (3, 2, 1):
        sender.send(page, range(39))
    shelf.run(1)
    assert shelf.pages[2] == {}
    sender.send(2, range(39, 40))
    shelf.run(1)
    assert sorted(shelf.pages[2]) == [2]
    for page in (0, 4):
        sender.send(page, range(FIRST_MORE, FIRST_MORE + 40))
    sender.send(1, (200,))
    sender.send(3, (200,))
    shelf.run(1)
    assert shelf.is_done() and not shelf.spoilt


def test_of_pages_behind_it_those_that_come_first_have_the_room():
    air, shelf = alone(9)
    sender = Sender(air, 99, shelf)
    for page in (8, 7, 6, 5):
        sender.send(page, range(39))
    assert [page.number for page in air.relays[2].spread.images[0].ahead] == [7, 6, 5]
    sender.send(8, range(40))
    sender.send(1, range(40))
    shelf.run(1)
    assert sorted(shelf.pages[2]) == [1]


def test_a_page_behind_it_that_is_spoilt_is_found_out_at_its_turn():
    air, shelf = alone(3)
    liar, honest = Sender(air, 99, shelf), Sender(air, 98, shelf)
    liar.send(1, range(40), spoils=1)
    shelf.run(1)
    assert not shelf.pages[2] and not shelf.spoilt
    for page in (0, 1, 2):
        honest.send(page, range(40))
    shelf.run(1)
    assert shelf.is_done() and shelf.spoilt == [(2, 99)]


def test_a_station_that_says_that_it_has_all_and_sends_nothing_holds_nobody_up():
    air, shelf = street(3)
    liar = Liar(air, 99, shelf)
    for _ in range(240):
        liar.say(3, LACK, 0, encode_lack(Lack(shelf.name, 3, 0, ALL, 255, 0)))
        if shelf.run(1):
            break
    assert shelf.is_done()


def test_a_page_that_cannot_be_read_any_more_is_gathered_again():
    air, shelf = street(3)
    assert shelf.run(60)
    del shelf.pages[2][0]                            # Which its relay does not hold any more.
    air.boot(3)
    shelf.pages[3] = {}
    shelf.begin(3)
    assert shelf.run(240)


def test_of_more_images_than_it_may_know_the_oldest_is_dropped():
    air, shelf = street(2)
    relay = air.relays[2]
    for name in (b"aaaa", b"bbbb", b"aaaa"):
        relay.take_up(air.now, name, 5, bytes(16), 0)
    assert [image.name for image in relay.spread.images] == [b"bbbb", b"aaaa"]
    for name in (b"1111", b"2222", b"3333", b"4444", b"5555"):    # Pages that come before others.
        relay.take_up(air.now, name, 5, b"", 0, bytes(32))
    assert [image.name for image in relay.spread.images] == [
        b"2222", b"3333", b"4444", b"5555", b"bbbb", b"aaaa"]
