"""What a new version has to show before it is home: the archive, a meter, the head-end.

Each is seen from what happens anyway: records that flash took, a row that a meter gave, an answer
to what this version told. Left out: what follows from it (updater.py).
"""

from wum_edge.update.boot import NO_ARCHIVE, NO_HEADEND, NO_METER, UNTOLD

TRIAL_MS = 1_200_000          # Then it gives up by itself; the launcher waits longer.


class Trial:
    """One start of a version on trial, begun at `now_ms` by a clock that nobody sets."""

    def __init__(self, now_ms: int, *, has_meters: bool) -> None:
        self._ends_ms = now_ms + TRIAL_MS
        self._archive_took = False
        self._meter_answered = not has_meters
        self._headend_answered = False

    def archived(self, *, has_row: bool) -> None:
        """Flash took records; whether a meter's row was among them."""
        self._archive_took = True
        self._meter_answered = self._meter_answered or has_row

    def answered(self) -> None:
        """The head-end heard what this version told."""
        self._headend_answered = True

    @property
    def lacks(self) -> int:
        """What it lacks most; UNTOLD where it lacks nothing."""
        if not self._archive_took:
            return NO_ARCHIVE
        if not self._meter_answered:
            return NO_METER
        return UNTOLD if self._headend_answered else NO_HEADEND

    def is_over(self, now_ms: int) -> bool:
        """Whether it had its time."""
        return now_ms >= self._ends_ms
