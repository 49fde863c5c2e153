"""The account of what was sent in a sub-band: it refuses a frame rather than break the law.

Left out: which sub-band a channel lies in (regions.py). The limit holds for every hour, wherever it
begins (EN 300 220-1, 4.3.3): one burst at the end of a clock hour and one at the start of the next
break it.
"""

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
FRAME_MAX_US = MINUTE_US     # No frame takes a minute; the account's grain rests on it.
# A host may be late to begin, and its hour some 70 ms shorter than a true one (20 ppm).
START_LATE_US = 1_000_000
_TOUCHED = 61                # The sliding hour touches 61 whole minutes: all of them are counted.
_SLOTS = _TOUCHED + 1        # A frame is booked where it ends, if that is the next minute.
# Kept back for acknowledgements, commands and alarms: without them what was sent is sent again.
RESERVE_PERMYRIAD = 1500


class Ledger:
    """Airtime of one station in one sub-band over the last hour.

    `t_us` are microseconds of a clock that never runs backwards; a frame that is asked for begins
    then. RAM: 62 numbers. What was sent before a restart is not known, so an account starts as if
    the whole limit had just been used, unless it is told a bound of that: `spent_us`, 0 when it
    was off for an hour.
    """

    def __init__(self, duty_permyriad: int, t_us: int, was_silent: bool = False,
                 spent_us: int | None = None) -> None:
        assert 0 < duty_permyriad <= 10_000
        self.limit_us = HOUR_US * duty_permyriad // 10_000
        self._minute = t_us // MINUTE_US
        self._spent = [0] * _SLOTS       # By the minute in which a frame ends.
        if not was_silent:
            before_us = self.limit_us if spent_us is None else min(spent_us, self.limit_us)
            self._spent[self._minute % _SLOTS] = before_us

    def spent_us(self, t_us: int) -> int:
        """Airtime that any hour which ends from now on may have seen."""
        self._move(t_us)
        return sum(self._spent)

    def free_us(self, t_us: int, is_urgent: bool = False) -> int:
        """Airtime that may be sent now. Without `is_urgent` the reserve is left alone."""
        return max(self._usable_us(is_urgent) - self.spent_us(t_us), 0)

    def take(self, t_us: int, airtime_us: int, is_urgent: bool = False) -> bool:
        """Book a frame that begins at `t_us`; False: it must not be sent, and nothing is booked."""
        assert 0 < airtime_us < FRAME_MAX_US - START_LATE_US
        if airtime_us > self.free_us(t_us, is_urgent):
            return False
        ends_us = t_us + airtime_us + START_LATE_US
        self._spent[ends_us // MINUTE_US % _SLOTS] += airtime_us
        return True

    def give_back(self, t_us: int, airtime_us: int) -> None:
        """A frame that was booked at `t_us`, at most a minute ago, was not sent after all."""
        at = (t_us + airtime_us + START_LATE_US) // MINUTE_US % _SLOTS
        assert self._spent[at] >= airtime_us
        self._spent[at] -= airtime_us

    def wait_us(self, t_us: int, airtime_us: int, is_urgent: bool = False) -> int | None:
        """How long until such a frame may be sent, if nothing else is: 0 for now, None for never.
        """
        limit_us = self._usable_us(is_urgent)
        left_us = self.spent_us(t_us)
        if left_us + airtime_us <= limit_us:
            return 0
        if airtime_us > limit_us:
            return None
        minute = self._minute
        while left_us + airtime_us > limit_us:
            minute += 1
            left_us -= self._spent[(minute - _TOUCHED) % _SLOTS]
        return minute * MINUTE_US - t_us

    def _usable_us(self, is_urgent: bool) -> int:
        if is_urgent:
            return self.limit_us
        return self.limit_us - self.limit_us * RESERVE_PERMYRIAD // 10_000

    def _move(self, t_us: int) -> None:
        """Forget the minutes that no hour touches any more; their slots are for what comes."""
        minute = t_us // MINUTE_US
        assert minute >= self._minute
        for entered in range(self._minute + 1, min(minute, self._minute + _SLOTS) + 1):
            self._spent[(entered + 1) % _SLOTS] = 0
        self._minute = minute
