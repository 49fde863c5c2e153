"""Wires and radio in one route: the same relay, and which of the two it takes."""

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.quiet_air import HOST_US, QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.airtime import WIRE, airtime_us, modulation
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.hearing import is_flooded
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.mesh.timing import WIRE_SNR_Q4

MINUTE_US = 60_000_000
NOON_US = 1_700_000_000_000_000
WAYS = [modulation(7, 250_000), WIRE]
WIRE_RATE, WIRE_TAKES_US = 1, 3_000


class WiredAir(QuietAir):
    """`wires`: pairs of addresses with a wire between them, beside what their radios hear."""

    def __init__(self, gateways, links, wires, duty=10_000):
        self.wires, self.is_cut, self.by_wire = wires, False, []
        self.other = lambda address, action: None
        super().__init__(gateways, links + [wire for wire in wires if wire not in links], duty)
        self.links = links

    def boot(self, address):
        counter, spent_us = self.stored.get(address, (0, 0))
        guard = Guard(DigestSeal(b"k"), 7, 1, address, counter)
        setting = Setting(address, address in self._gateways, WAYS, self._duty)
        self.words[address] = 0
        self.relays[address] = Relay(setting, guard, self.now, 1, spent_us)

    def _act(self, address):
        for action in self.relays[address].actions():
            if action[0] == "tx":
                _, token, frame, rate, word, _ = action
                self.sent.append((address, frame))
                if rate == WIRE_RATE or is_flooded(frames.decode_header(frame)):
                    self._put(WIRE_TAKES_US, (address, token, frame, word, 0))
                if rate != WIRE_RATE:
                    airtime = airtime_us(WAYS[0], len(frame))
                    self._put(HOST_US + airtime, (address, token, frame, word, airtime))
            elif action[0] == "wire":
                self.sent.append((address, action[1]))
                self._put(WIRE_TAKES_US, (address, None, action[1], None, 0))
            elif action[0] == "listen":
                self.words[address] = action[2]
            elif action[0] == "deliver":
                self.delivered.append((action[1], action[3]))
            elif action[0] == "done":
                self.done.append((address, action[1]))
            elif action[0] == "reserve":
                self.stored[address] = (action[1], action[2])
            if action[0] not in ("tx", "wire", "listen", "reserve"):
                self.other(address, action)

    def _put(self, wait_us, event):
        self._order += 1
        self._queue.append((self.now + wait_us, self._order) + event)

    def _happen(self, event):
        _, _, sender, token, frame, word, airtime = event
        header = frames.decode_header(frame)
        if airtime:
            super()._happen(event)
            return
        for one, other in [] if self.is_cut else self.wires:
            near = other if sender == one else one
            if (sender in (one, other) and (header.destination == near or is_flooded(header))
                    and near in self.relays and not self.loses(frame)):
                self.by_wire.append(frame)
                self.relays[near].on_rx(self.now, frame, 0, WIRE_SNR_Q4, WIRE_RATE)
                self._act(near)
        if token is not None and not is_flooded(header) and sender in self.relays:
            self.relays[sender].on_tx_done(self.now, token, 1)
            self._act(sender)


def test_a_route_leads_over_radio_wire_and_radio():
    air = WiredAir({1}, [(1, 2), (3, 4)], [(2, 3)])
    air.run(2 * MINUTE_US)
    assert [air.relays[address].gradient.parent for address in (2, 3, 4)] == [1, 2, 3]
    air.submit(4, bytes(range(256)) * 3)
    air.run(4 * MINUTE_US)
    assert air.delivered == [(4, bytes(range(256)) * 3)] and len(air.done) == 1
    assert [frame for frame in air.by_wire if frames.decode_header(frame).kind == frames.DATA]


def test_a_wire_of_two_hops_is_nearer_than_one_of_radio():
    air = WiredAir({1}, [(1, 3)], [(1, 2), (2, 3)])
    air.run(2 * MINUTE_US)
    assert air.relays[3].gradient.parent == 2 and air.relays[3].gradient.rank == 2


def test_what_goes_by_wire_is_no_airtime():
    air = WiredAir({1}, [(1, 2)], [(1, 2)], duty=5)
    air.run(MINUTE_US)
    spent_us = air.relays[2].ledger.spent_us(air.now)
    for count in range(40):
        assert air.submit(2, bytes([count]) * 200) is not None
        air.run(air.now + 2_000_000)
    assert len(air.delivered) == 40          # 7 s of airtime, where the law gives 1.8 s an hour.
    asked = [frame for frame in air.sent if frames.decode_header(frame[1]).kind != frames.BEACON]
    assert len(asked) > 80 and air.relays[2].ledger.spent_us(air.now) - spent_us < 200_000


def test_a_wire_that_is_cut_is_left_for_the_radio_and_taken_again():
    air = WiredAir({1}, [(1, 2)], [(1, 2)])
    air.run(MINUTE_US)
    assert air.relays[2].neighbours.is_wired(1)
    air.is_cut = True
    air.submit(2, bytes(500))
    air.run(air.now + 5 * MINUTE_US)
    assert air.delivered == [(2, bytes(500))] and not air.relays[2].neighbours.is_wired(1)
    air.is_cut = False
    air.run(air.now + 40 * MINUTE_US)
    assert air.relays[2].neighbours.is_wired(1) and air.relays[2].gradient.rank == 1


def test_two_beacons_lost_on_a_wire_do_not_end_it():
    air = WiredAir({1}, [(1, 2)], [(1, 2)])
    air.run(MINUTE_US)
    other = air.relays[2].neighbours.get(1)
    other.came(False, True)
    other.came(False, True)
    assert other.wired == 1
    other.came(False, True)
    assert other.wired == 0


def test_who_has_wires_alone_learns_the_time_and_carries_out_a_ripple_at_its_moment():
    air, moments = WiredAir({1}, [(3, 4)], [(1, 2), (2, 3)]), []
    air.other = lambda address, action: moments.append(
        (action[0], address, air.now)) if action[0] in ("execute", "echo") else None
    air.do(1, "set_time", NOON_US)
    air.run(2 * MINUTE_US)
    for address in (2, 3, 4):
        clock = air.relays[address].clock
        assert clock.is_known and abs(clock.time_us(air.now) - NOON_US - air.now) < 15_000
    when_us = NOON_US + air.now + 4_000_000
    air.do(1, "send_ripple", frames.ALL, b"off", when_us)
    air.run(air.now + 30_000_000)
    done = [at_us for what, _, at_us in moments if what == "execute"]
    assert len(done) == 4 and max(done) - min(done) < 50_000
    assert [address for what, address, _ in moments if what == "echo"]


def test_what_comes_by_wire_and_then_by_radio_tells_the_time_of_the_radio():
    air = WiredAir({1}, [(1, 2)], [(1, 2)])
    air.do(1, "set_time", NOON_US)
    air.run(2 * MINUTE_US)
    clock = air.relays[2].clock
    assert clock.is_known and abs(clock.time_us(air.now) - NOON_US - air.now) < 1_000


def test_what_an_outsider_repeats_later_by_radio_tells_no_time():
    air = WiredAir({1}, [(1, 2)], [(1, 2)])
    air.run(MINUTE_US)
    relay, heard = air.relays[2], []
    air.other = lambda address, action: None
    air.do(1, "set_time", NOON_US)
    air.relays[1].trickle.hurry(air.now, 0)
    for _ in range(3_000):
        air.run(air.now + 1_000)
        heard = [one for one in relay.hearing._ends.items() if one[1][2]]
        if heard:
            break
    counter, end_us, _ = heard[0][1]
    frame = [frame for frame in air.by_wire if frames.decode_header(frame).counter & 255 == counter
             and frames.decode_header(frame).source == 1][-1]
    relay.on_rx(end_us + 2_000_000, frame, -80, 60, 0)
    assert relay.hearing._ends[1] == (counter, end_us, True)
    relay.on_rx(end_us + 2_000_001, frame, 0, WIRE_SNR_Q4, WIRE_RATE)
    assert relay.hearing._ends[1] == (counter, end_us, True)
