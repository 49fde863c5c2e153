"""What can go wrong at a concentrator: one root for each room, named for what happened.

Left out: what is wrong with bytes of the contract (wum_shared.errors). A text names the meter,
line or field, what was wanted and what came.
"""

from wum_shared import status


class MeterError(Exception):
    """A meter gave no reading. `outcome` is the number of status.OUTCOMES that says why."""

    outcome = 0


class LineSilent(MeterError):
    """Not one byte within the deadline."""

    outcome = status.SILENT


class BadCheck(MeterError):
    """Bytes came, but no whole answer whose check holds."""

    outcome = status.BAD_CHECK


class Refused(MeterError):
    """The meter answered with an exception; `code` is its number (V1.1b3, 7), `word` what it said
    where it said words.
    """

    outcome = status.EXCEPTION

    def __init__(self, text: str, code: int, word: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.word = word


class ForeignAnswer(MeterError):
    """A whole answer of another meter, or to an earlier request, and not ours."""

    outcome = status.FOREIGN


class LineGone(Exception):
    """The line itself cannot be used: no such tty, adapter unplugged. No meter is to blame."""


class Mistakes(Exception):
    """A document from outside is not as it must be; `mistakes` lists all of it at once."""

    def __init__(self, what: str, mistakes: list[tuple[str, str, str]]) -> None:
        lines = ["%s: wanted %s, got %s" % mistake for mistake in mistakes]
        super().__init__("\n".join(["%s: %d to mend" % (what, len(mistakes))] + lines))
        self.mistakes = mistakes


class ConfigError(Mistakes):
    """The configuration; each mistake is (path, wanted, got) with a path like meter[3].address."""


class CatalogError(Mistakes):
    """An entry of the catalogue; each mistake's path names model, register and field."""
