"""What goes wrong on a line: on command, and by a plan that the dice make. No wire here.

A fault hits the answers of one meter or of all, for all its registers or for those of one range,
for ever or so many times. Which answer is hit is decided here; bus.py does it to the bytes.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from wum_simulator.meters.server import Request
from wum_simulator.world import Dice, Stream

FAULTS_MAX = 1000            # On command, at one time.
PLAN_STEP_S = 60             # The plan throws anew for each meter and minute of the town's time.
MS_MAX = 60_000
SLOW_MS = 800                # How much later where nobody says; two meters answer at once.


class Kind(StrEnum):
    """How an answer suffers."""

    SILENCE = "silence"          # Nothing is said.
    NOISE = "noise"              # Bytes get bit errors, are lost, or come in between.
    SLOW = "slow"                # It comes late, over whatever is said then.
    WRONG_CRC = "wrong-crc"      # Whole, but its check does not hold.
    EXCEPTION = "exception"      # The meter refuses, with a code.
    STALE = "stale"              # The answer before it on this line is said again instead.
    TWINS = "twins"              # A second meter has the same address and answers too.
    ECHO = "echo"                # The master hears what it says itself: of the line, not a meter.

PLANNED = (Kind.SILENCE, Kind.NOISE, Kind.SLOW, Kind.WRONG_CRC, Kind.EXCEPTION, Kind.STALE)


class BadFault(ValueError):
    """A fault that cannot be: the text says what was wanted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `address` None hits all meters; `first`..`last` are register addresses.

    `rate` is the share of bytes that noise hits, `ms` the delay of SLOW and of the second of TWINS
    (None: SLOW_MS, and 0), `code` that of EXCEPTION. `times` None goes on until it is cleared.
    """

    kind: Kind
    address: int | None = None
    first: int = 0
    last: int = 65535
    times: int | None = None
    rate: float = 0.1
    ms: int | None = None
    code: int = 4

    def late_ms(self) -> int:
        """By how much the answer is late, or the second of two."""
        return (SLOW_MS if self.kind is Kind.SLOW else 0) if self.ms is None else self.ms

    def hits(self, address: int, request: Request | None) -> bool:
        """Whether it hits that meter's answer to that request (None: nobody knows which)."""
        if self.address not in (None, address):
            return False
        if request is None or not request.count:
            return self.first == 0 and self.last == 65535
        return request.first <= self.last and self.first < request.first + request.count


def checked(fault: Fault) -> Fault:
    """`fault` when it can be. Raises BadFault."""
    for name, value, least, most in (
            ("address", fault.address, 1, 247), ("first", fault.first, 0, 65535),
            ("last", fault.last, fault.first, 65535), ("times", fault.times, 1, 10**9),
            ("rate", fault.rate, 0, 1), ("ms", fault.ms, 0, MS_MAX)):
        if value is not None and not least <= value <= most:
            raise BadFault(f"{name}: wanted {least}..{most}, got {value}")
    if fault.code not in EXCEPTION_CODES:
        raise BadFault(f"code: wanted one of {EXCEPTION_CODES}, got {fault.code}")
    return fault


EXCEPTION_CODES = (1, 2, 3, 4, 5, 6, 8, 10, 11)   # MODBUS Application Protocol V1.1b3, 7.


class Faults:
    """The faults of one line that are in force.

    `share` is the part of each meter's minutes (0..1) in which the plan gives it a fault.
    """

    def __init__(self, dice: Dice, share: float = 0.0) -> None:
        if not 0 <= share <= 1:
            raise BadFault(f"fault-share: wanted 0..1, got {share}")
        self._dice = dice
        self._share = share
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Put a fault in force. Raises BadFault when it cannot be, or there are too many."""
        if len(self._ordered) >= FAULTS_MAX:
            raise BadFault(f"there are {FAULTS_MAX} faults already: clear some")
        self._ordered.append(checked(fault))

    def clear(self, address: int | None = None) -> int:
        """End the faults of one meter, or all; returns how many. The plan goes on."""
        before = len(self._ordered)
        self._ordered = [f for f in self._ordered if address is not None and f.address != address]
        return before - len(self._ordered)

    def in_force(self) -> list[Fault]:
        """Those on command, in their order."""
        return list(self._ordered)

    def echoes(self) -> bool:
        """Whether the line gives back what is said on it."""
        return any(fault.kind is Kind.ECHO for fault in self._ordered)

    def twins(self) -> set[int | None]:
        """Addresses that two meters have; None: every meter has a second one."""
        return {fault.address for fault in self._ordered if fault.kind is Kind.TWINS}

    def twin_ms(self, address: int) -> int:
        """How much later than the first the second meter at `address` answers."""
        return next((fault.late_ms() for fault in self._ordered
                     if fault.kind is Kind.TWINS and fault.address in (None, address)), 0)

    def hitting(
            self, address: int, request: Request | None, at_s: int,
            *, exceptions: bool) -> list[Fault]:
        """The faults that this answer suffers; each is used up once.

        With `exceptions` only EXCEPTION, which a meter decides before it answers; without, all
        others, which happen to the answer.
        """
        found = [f for f in self._ordered
                 if (f.kind is Kind.EXCEPTION) == exceptions and f.kind is not Kind.ECHO
                 and f.hits(address, request)]
        for fault in found:
            self._use(fault)
        planned = self.planned(address, at_s)
        if planned and (planned.kind is Kind.EXCEPTION) == exceptions:
            found.append(planned)
        return found

    def planned(self, address: int, at_s: int) -> Fault | None:
        """The plan's fault of that meter at that second: a pure function of the seed."""
        if not self._share:
            return None
        step = at_s // PLAN_STEP_S
        if self._dice.below(10**9, "fault?", address, step) >= self._share * 10**9:
            return None
        throw = self._dice.below(len(PLANNED), "fault kind", address, step)
        return Fault(PLANNED[throw], address)

    def _use(self, fault: Fault) -> None:
        if fault.times is None:
            return
        place = next(i for i, f in enumerate(self._ordered) if f is fault)
        if fault.times == 1:
            del self._ordered[place]
        else:
            self._ordered[place] = replace(fault, times=fault.times - 1)


def noisy(data: bytes, rate: float, stream: Stream) -> bytes:
    """`data` after a line where each byte is hit with probability `rate`.

    Of the hits three in five are a flipped bit, one a lost byte, one a byte that nobody sent.
    """
    out = bytearray()
    for byte in data:
        if stream.random() >= rate:
            out.append(byte)
            continue
        throw = stream.randrange(5)
        if throw < 3:
            out.append(byte ^ 1 << stream.randrange(8))
        elif throw == 3:
            out += bytes((byte, stream.randrange(256)))
    return bytes(out)
