"""What pulse counting needs from a board or a machine. A port supplies it.

Left out: counting (counter.py). Inputs by IEC 62053-31 (S0) or an optical head; a contact for
magnet or cover is such an input too.
"""


class PulseInput:
    """One input with its edges."""

    def edges(self) -> list[tuple[int, bool]]:
        """The edges since the last call, oldest first: (milliseconds of the monotonic clock,
        whether the contact is closed after it). At most some thousand: what a queue holds.
        """
        raise NotImplementedError

    def dropped(self) -> int:
        """Edges since the start that found no place in the queue. Never goes back."""
        raise NotImplementedError


class CounterStore:
    """One small file that only grows, until it is begun anew. Every method may raise OSError."""

    def read(self) -> bytes:
        """All that it holds; empty where there is none."""
        raise NotImplementedError

    def append(self, data: bytes) -> None:
        """Add `data`; durable on return. A cut meanwhile may leave a part of it."""
        raise NotImplementedError

    def replace(self, data: bytes) -> None:
        """Begin anew with `data`: after a cut there is the old or the new, whole."""
        raise NotImplementedError
