"""FORMAT.md says enough: a reader written from it alone reads every byte that the archive wrote.

It imports nothing of the archive's but what makes one to be read. Where FORMAT.md and this reader
disagree with the bytes, one of the three is wrong.
"""

from struct import pack, unpack_from
from zlib import crc32

from tests.edge.records import INCARNATION, SCHEMA_ID, STAMP, archive_on, mixed, numbered
from tests.edge.test_archive_formats import FILES_1, golden, life_1, records_1
from wum_shared.batch import Event, Missed, Row
from wum_shared.status import ABSENT
from wum_simulator.flash import SimulatedFlash


class Bits:
    """The most significant bit of a byte comes first."""

    def __init__(self, body):
        self.text = "".join(["{:08b}".format(byte) for byte in body])
        self.at = 0

    def plain(self, count):
        self.at += count
        return int(self.text[self.at - count:self.at] or "0", 2)

    def long(self):
        size = self.plain(6)
        return (1 << size | self.plain(size)) - 1


def zigzag(n):
    return 2 * n if n >= 0 else -2 * n - 1


def unzigzag(n):
    return -(n // 2) - 1 if n % 2 else n // 2


class Column:
    """The steps of one register, or of the times."""

    def __init__(self):
        self.sum, self.count, self.negative = 8, 1, False

    def step(self, bits):
        k = 0
        while k < 62 and self.count << k < self.sum:
            k += 1
        zeros = 0
        while zeros < 16 and not bits.plain(1):
            zeros += 1
        if zeros < 16:
            n = (zeros << k) + bits.plain(k)
            number = unzigzag(n) if self.negative else n
        else:
            number = unzigzag(bits.long())
        self.negative = self.negative or number < 0
        n = zigzag(number) if self.negative else number
        self.sum += min(n, 16 << k)
        self.count += 1
        if self.count == 32:
            self.sum, self.count = self.sum // 2, 16
        return number


class Run:
    """What a run remembers."""

    def __init__(self):
        self.place = (-1, 0, 0)         # Meter, register set, time quality.
        self.time = self.step = self.kept = 0
        self.missed = (0, "")
        self.rows = {}                  # (meter, set) -> [time, values, statuses]
        self.columns = {}               # set -> [number of registers, a column of each]
        self.lasts = {}                 # (meter, set) -> last value of each register
        self.times = Column()

    def record(self, bits, number):
        if bits.plain(1):
            return self.row(bits, number)
        return self.missing(bits, number) if bits.plain(1) else self.event(bits, number)

    def begin(self, bits):
        """Meter, register set, quality and time, with the remembered row."""
        meter, register_set, quality = self.place
        if bits.plain(1):
            self.place = (meter + 1, register_set, quality)
        else:
            self.place = (bits.plain(10), bits.plain(8), bits.plain(2))
        remembered = self.rows.get(self.place[:2])
        before = self.time if remembered is None else remembered[0] + self.step
        at_s = before + self.times.step(bits)
        if remembered is not None:
            self.step = at_s - remembered[0]
        self.time = at_s
        return at_s, remembered

    def row(self, bits, number):
        at_s, remembered = self.begin(bits)
        meter, register_set, quality = self.place
        leans = bits.plain(1)
        width = len(remembered[1]) if leans else bits.plain(7) + 1
        statuses = list(remembered[2]) if leans else [0] * width
        if not bits.plain(1):
            statuses = [0] * width
            for _ in range(bits.plain(8)):
                place = bits.plain(7)
                statuses[place] = bits.plain(16)
        known = self.columns.get(register_set)
        if known is None or known[0] != width:
            known = self.columns[register_set] = [width, [Column() for _ in range(width)]]
        values = []
        lasts = list(self.lasts.get((meter, register_set), [0] * width)) if leans else [0] * width
        for place in range(width):
            if statuses[place] & ABSENT:
                values.append(None)
                continue
            if leans:
                lasts[place] += known[1][place].step(bits)
            else:
                lasts[place] = unzigzag(bits.long())
            values.append(lasts[place])
        self.remember(leans, (meter, register_set), [at_s, values, statuses], lasts, width)
        return Row(number, meter, register_set, at_s, quality, tuple(values), tuple(statuses))

    def remember(self, leans, key, row, lasts, width):
        if not leans:
            old = len(self.lasts.get(key, ()))
            if self.kept - old + width > 4096:
                if key in self.rows:
                    self.rows[key][0] = row[0]
                return
            self.kept += width - old
        self.rows[key] = row
        self.lasts[key] = lasts

    def missing(self, bits, number):
        at_s, remembered = self.begin(bits)
        if remembered is not None:
            remembered[0] = at_s
        if not bits.plain(1):
            outcome = bits.plain(8)
            self.missed = (outcome, note(bits))
        return Missed(number, self.place[0], self.place[1], at_s, self.place[2], *self.missed)

    def event(self, bits, number):
        self.time += unzigzag(bits.long())
        quality, kind = bits.plain(2), bits.plain(8)
        meter = bits.plain(10) if bits.plain(1) else None
        return Event(number, self.time, quality, kind, meter, note(bits))


def note(bits):
    return bytes([bits.plain(8) for _ in range(bits.plain(8))]).decode()


def read_segment(data, number):
    """Every record of a segment's bytes; every byte is accounted for."""
    assert data[:5] == b"WUMA\x01" and unpack_from("<I", data, 13)[0] == number
    assert unpack_from("<I", data, 46)[0] == crc32(data[:46])
    first, = unpack_from("<Q", data, 17)
    salt = crc32(data[5:13] + pack("<I", number))
    at, expected, found, run = 50, first, [], None
    while at < len(data):
        assert data[at:at + 2] == b"\xd7\xa6"
        size, count, sequence, earliest, latest, body_crc, head_crc = unpack_from(
            "<HHQIIII", data, at + 2)
        assert head_crc == crc32(data[at:at + 26], salt) and sequence == expected
        body = data[at + 30:at + 30 + size]
        assert len(body) == size and body_crc == crc32(body, salt) and 30 + size <= 4096
        if count & 0x8000:
            run = Run()
        count &= 0x7FFF
        assert count <= 1024 and size >= 8 * count
        bits = Bits(body)
        records = [run.record(bits, sequence + n) for n in range(count)]
        assert set(bits.text[bits.at:]) <= {"0"}
        assert size == max(8 * count, (bits.at + 7) // 8)
        times = [r.at_s if isinstance(r, Event) else r.captured_at_s for r in records]
        assert (min(times), max(times)) == (earliest, latest)
        found += records
        expected += count
        at += 30 + size
    return found


def of(flash):
    """Every record of every segment on a simulated flash."""
    names = [name for name in flash.names() if name.startswith("segment-")]
    return [record for name in names
            for record in read_segment(flash.disk.content(name), int(name[8:], 16))]


def test_the_golden_archive_is_read_whole():
    found = of(golden("1", FILES_1))
    assert found == [numbered(r, n + 1) for n, r in enumerate(records_1())]


def test_a_life_with_a_start_in_the_middle_is_read_whole():
    assert of(life_1()) == [numbered(r, n + 1) for n, r in enumerate(records_1())]


def test_many_records_of_every_kind_are_read_whole():
    flash = SimulatedFlash()
    archive = archive_on(flash, limit_bytes=1 << 20)
    records = mixed(0, 2000)
    for start in range(0, 2000, 50):
        archive.append(records[start:start + 50], SCHEMA_ID, STAMP)
    assert of(flash) == [numbered(r, n + 1) for n, r in enumerate(records)]


def test_rows_that_lean_on_one_another_are_read_whole():
    flash = SimulatedFlash()
    archive = archive_on(flash, limit_bytes=1 << 20)
    records = []
    for hour in range(20):
        for meter in range(70):     # 70 x 64 values are more than a run remembers.
            values = tuple([10**9 + hour * (meter + place) * (-1) ** (place % 3)
                            for place in range(64)])
            absent = (hour + meter) % 17 == 0
            statuses = (ABSENT if absent else 0,) + (0,) * 63
            records.append(Row(0, meter, 1, 1760000000 + 3600 * hour + meter, 0,
                               (None if absent else values[0],) + values[1:], statuses))
            if (hour * meter) % 23 == 7:
                records.append(Missed(0, meter, 1, 1760000000 + 3600 * hour + 99, 0, 1, "silent"))
    for start in range(0, len(records), 35):
        archive.append(records[start:start + 35], SCHEMA_ID, STAMP)
    found = of(flash)           # The oldest went when the store was full.
    first = found[0].sequence
    assert len(found) > 800
    assert found == [numbered(r, first + n) for n, r in enumerate(records[first - 1:])]


def test_the_cursor_is_what_format_md_says():
    data = life_1().disk.content("cursor")
    assert data[:5] == b"WUMC\x00" and data[5:13] == INCARNATION
    assert unpack_from("<Q", data, 13)[0] == 10 and data[21] == 0
    assert len(data) == 22 + 17 * data[21] + 4
    assert unpack_from("<I", data, len(data) - 4)[0] == crc32(data[:-4])
