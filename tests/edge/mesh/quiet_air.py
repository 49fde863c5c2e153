"""Relays that hear each other without loss, for tests on both Pythons. Physics: the simulator's."""

from tests.edge.mesh.doubles import DigestSeal
from wum_edge.mesh.airtime import airtime_us, modulation
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting

WAYS = [modulation(7, 250_000)]
HOST_US = 5_000


class QuietAir:
    """`links`: pairs of addresses that hear each other. `loses(frame)`: what never arrives."""

    def __init__(self, gateways, links, duty=10_000):
        self.now = 0
        self.links = links
        self.loses = lambda frame: False
        self.sent, self.delivered, self.done = [], [], []
        self.stored, self.words, self.told = {}, {}, []
        self._queue, self._order = [], 0
        self._gateways, self._duty = gateways, duty
        self.relays = {}
        for address in sorted({address for link in links for address in link}):
            self.boot(address)

    def boot(self, address):
        counter, spent_us = self.stored.get(address, (0, 0))
        guard = Guard(DigestSeal(b"k"), 7, 1, address, counter)
        setting = Setting(address, address in self._gateways, WAYS, self._duty)
        self.words[address] = 0
        self.relays[address] = Relay(setting, guard, self.now, 1, spent_us)

    def submit(self, address, content):
        number = self.relays[address].submit(self.now, content, 2)
        self._act(address)
        return number

    def do(self, address, name, *arguments):
        """Call a method of a relay and let it do what it wants."""
        found = getattr(self.relays[address], name)(self.now, *arguments)
        self._act(address)
        return found

    def of(self, what):
        """(address, the rest) of the actions of one name that nobody here heeds."""
        return [entry[1:2] + entry[3:] for entry in self.told if entry[2] == what]

    def run(self, until_us):
        while True:
            self._queue.sort()       # No ties: every event has its number.
            event_us = self._queue[0][0] if self._queue else until_us + 1
            timers = sorted([(due_us, address) for due_us, address in [
                (relay.next_deadline(), address) for address, relay in self.relays.items()]
                if due_us is not None])
            if min(event_us, timers[0][0]) > until_us:
                self.now = until_us
                return
            if event_us <= timers[0][0]:
                self.now = max(self.now, event_us)
                self._happen(self._queue.pop(0))
            else:
                self.now = max(self.now, timers[0][0])
                self.relays[timers[0][1]].on_tick(self.now)
                self._act(timers[0][1])

    def _happen(self, event):
        _, _, sender, token, frame, word, airtime = event
        for one, other in self.links:
            if sender in (one, other):
                near = other if sender == one else one
                if near in self.relays and self.words[near] == word and not self.loses(frame):
                    self.relays[near].on_rx(self.now, frame, -80, 60, 0)
                    self._act(near)
        if sender in self.relays:
            self.relays[sender].on_tx_done(self.now, token, airtime)
            self._act(sender)

    def _act(self, address):
        for action in self.relays[address].actions():
            if action[0] == "tx":
                airtime = airtime_us(WAYS[0], len(action[2]))
                self._order += 1
                self.sent.append((address, action[2]))
                self._queue.append((self.now + HOST_US + airtime, self._order, address, action[1],
                                    action[2], action[4], airtime))
            elif action[0] == "listen":
                self.words[address] = action[2]
            elif action[0] == "deliver":
                self.delivered.append((action[1], action[3]))
            elif action[0] == "done":
                self.done.append((address, action[1]))
            elif action[0] == "reserve":
                self.stored[address] = (action[1], action[2])
            else:
                self.told.append((self.now, address) + action)
