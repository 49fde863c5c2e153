"""A fleet of concentrators as a head-end knows them: what they tell and when, on a virtual clock.

A device does what docs/updates.md says of one, as far as it can be seen from outside: it takes an
order, fetches, waits for the word to go on, is on trial, is confirmed or comes back. `fault` says
how the new release goes wrong on it.
"""

import random
from dataclasses import dataclass, field
from hashlib import sha256

from wum_cloud.campaigns.states import Assign, CallOff, Confirm
from wum_shared import updates

FINE, CRASH, HANG, SILENT, WORSE, REFUSES, NO_SPACE, NO_HEADEND, OFFLINE, WRECKED = (
    "fine", "crash", "hang", "silent", "reads worse", "refuses", "no space", "no head-end",
    "offline", "lost")
BAD = (CRASH, HANG, SILENT, WORSE, REFUSES, NO_SPACE)
WORDS = {CRASH: "it ended before it could tell", HANG: "it hung",
         NO_HEADEND: "the head-end did not answer"}
FETCH_S, TRIAL_S, GIVEN_UP_S = 600, 120, 5400
HOME = (3, b"3" * 32)
NEW = (4, b"4" * 32)


@dataclass
class Device:
    """One concentrator. `sequence`, `digest`: what runs; `home`: what ran before."""

    number: int
    fault: str
    sequence: int = HOME[0]
    digest: bytes = HOME[1]
    state: int = updates.CONFIRMED
    assignment: int = 0
    nonce: bytes = bytes(16)
    note: str = ""
    home: tuple[int, bytes] = HOME
    goal: tuple[int, bytes] = NEW
    begins_s: float = 0
    until_s: float = 0
    moved: int = 0
    is_heard: bool = True
    changed: bool = True
    off: bool = field(default=False)

    @property
    def is_lost(self) -> bool:
        """It runs neither what it ran before nor the new release, or is on trial for ever."""
        return (self.sequence, self.digest) not in (HOME, NEW)

    def take(self, act: Assign | Confirm | CallOff, number: int, now_s: float) -> str:
        """An order comes; what its receipt says: "" for done, else why not."""
        if self.fault == OFFLINE:
            return "lost"
        if isinstance(act, Assign):
            if self.fault == REFUSES and not act.is_back:
                return "it cannot be done here: the release is not genuine: wanted 2 signers"
            if self.fault == NO_SPACE and not act.is_back:
                return "it cannot be done here: no room: 10 bytes are free, 20 are needed"
            self.assignment, self.state, self.note = number, updates.FETCHING, ""
            self.goal = HOME if act.is_back else NEW
            self.begins_s, self.until_s = act.begins_s, now_s + FETCH_S
            self._turn()
        elif isinstance(act, CallOff):
            if self.state == updates.TRIAL:
                self.sequence, self.digest = self.home
            if self.state in (updates.FETCHING, updates.STAGED, updates.TRIAL):
                self.state, self.off = updates.CALLED_OFF, True
                self._turn()
        elif act.nonce == self.nonce:
            if self.state == updates.STAGED and now_s >= self.begins_s:
                self._begin(now_s)
            elif self.state == updates.TRIAL and self.fault != SILENT:
                self.state = updates.CONFIRMED
                self._turn()
        return ""

    def tick(self, now_s: float) -> None:
        """Time passes."""
        if self.state == updates.FETCHING and now_s >= self.until_s:
            self.state = updates.STAGED
            self._turn()
        elif self.state == updates.TRIAL and now_s >= self.until_s:
            is_crash = self.fault in WORDS and self.goal == NEW
            if is_crash:
                self.sequence, self.digest = self.home
                self.state, self.note = updates.REVERTED, "release 4: " + WORDS[self.fault]
                self._turn()
            elif not self.changed:
                self._turn()

    def _begin(self, now_s: float) -> None:
        self.home = (self.sequence, self.digest)
        self.sequence, self.digest = self.goal
        self.state = updates.TRIAL
        is_quiet = self.fault in (*WORDS, SILENT) and self.goal == NEW
        self.until_s = now_s + (GIVEN_UP_S if is_quiet else TRIAL_S)
        self._turn()
        self.is_heard = not (is_quiet and self.fault != NO_HEADEND)

    def _turn(self) -> None:
        self.moved += 1
        self.nonce = sha256(b"%d %d" % (self.number, self.moved)).digest()[:16]
        self.changed, self.is_heard = True, True


def draw(seed: int, count: int, bad_percent: int, offline_percent: int) -> list[Device]:
    """A fleet of `count`, of which so many percent fail, in all ways in turn."""
    dice = random.Random(seed)
    numbers = list(range(1, count + 1))
    dice.shuffle(numbers)
    faults: dict[int, str] = {}
    bad = count * bad_percent // 100
    for place, number in enumerate(numbers[:bad]):
        faults[number] = BAD[place % len(BAD)]
    for number in numbers[bad:bad + count * offline_percent // 100]:
        faults[number] = OFFLINE
    return [Device(number, faults.get(number, FINE)) for number in range(1, count + 1)]
