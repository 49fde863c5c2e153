"""What delivery needs from the connection to the head-end. A port supplies it."""


class Broker:
    """A connection that comes and goes. Nothing it says is an acknowledgement."""

    def session(self) -> int:
        """Number of the present connection, counted from 1; 0 while there is none."""
        raise NotImplementedError

    def publish(self, topic: str, payload: bytes) -> bool:
        """Whether the message was taken. Taken is not delivered: only the head-end says that."""
        raise NotImplementedError


class Dice:
    """Chance, for jitter."""

    def below(self, limit: int) -> int:
        """A number of 0..limit-1, each as likely."""
        raise NotImplementedError
