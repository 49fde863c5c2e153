"""What the core needs to know of time. A port supplies it; nothing here reads a clock.

Two clocks: the concentrator's UTC, which may be stepped or compressed, names capture times;
the monotonic one, in real milliseconds, measures deadlines.
"""


class Clock:
    """UTC by the concentrator, and a monotonic clock."""

    def now_s(self) -> int:
        """UTC seconds since 1970 by the concentrator's clock."""
        raise NotImplementedError

    def quality(self) -> int:
        """How far that can be trusted: SYNCHRONISED, FREE_RUNNING or NEVER_SET (status.py)."""
        raise NotImplementedError

    def monotonic_ms(self) -> int:
        """Real milliseconds since some moment; never goes back, never is compressed."""
        raise NotImplementedError

    def real_ms_until(self, at_s: int) -> int:
        """Real milliseconds until the concentrator's clock shows `at_s`; 0 when it has passed."""
        raise NotImplementedError
