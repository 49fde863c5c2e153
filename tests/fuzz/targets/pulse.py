"""Pulse meters: a counter's file and the bytes of a line, whatever they hold."""

from wum_edge.meters.pulse.journal import RECORD_SIZE, Journal, decode_kept
from wum_edge.meters.pulse.line import decode_events
from wum_edge.meters.pulse.port import CounterStore


class _File(CounterStore):
    """What is on flash."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self) -> bytes:
        """All of it."""
        return self.data

    def replace(self, data: bytes) -> None:
        """Begun anew."""
        self.data = data

    def append(self, data: bytes) -> None:
        """Added."""
        self.data += data


def run(data: bytes) -> None:
    """A file's next start, and an answer. None of them refuses with an error."""
    decode_events(data)
    decode_kept(data[:RECORD_SIZE])
    journal = Journal(_File(data))
    if not journal.lost:
        kept = journal.kept
        journal.keep(kept.at_s, kept.total, kept.rates, False)
