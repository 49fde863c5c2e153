"""What the archive has to tell, kept until somebody takes it. Left out: what it means (ring.py)."""

from wum_shared import fields
from wum_shared.messages import NOTE_MAX

NOTICES_MAX = 64              # Past it only the count is kept.


class Notices:
    """(event kind, note), each once."""

    def __init__(self, notices: list[tuple[int, str]]) -> None:
        self._notices = notices
        self.left_out = 0

    def tell(self, kind: int, note: str) -> None:
        """Keep a notice, unless it is kept already."""
        note = fields.fitting(note, NOTE_MAX)
        if (kind, note) in self._notices:
            return
        if len(self._notices) < NOTICES_MAX:
            self._notices.append((kind, note))
        else:
            self.left_out += 1

    def take(self) -> list[tuple[int, str]]:
        """All of them; they are not kept any longer."""
        notices, self._notices = self._notices, []
        return notices
