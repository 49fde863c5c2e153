"""Where the core says what a person should know. A port supplies it; events are another matter."""


class Log:
    """Sentences for whoever looks after the concentrator. No secret belongs into one."""

    def say(self, text: str) -> None:
        """Something that happens in the course of things."""
        raise NotImplementedError

    def batch(self, incarnation: bytes, first: int, last: int, what: str) -> None:
        """What happens to a batch, for a port that keeps such lines; the others say nothing."""

    def warn(self, text: str) -> None:
        """Something that a person may have to act upon."""
        raise NotImplementedError
