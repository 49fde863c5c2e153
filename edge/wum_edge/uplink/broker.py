"""What delivery needs from the connection to the head-end. A port supplies it."""


class Broker:
    """A connection that comes and goes. Nothing it says is an acknowledgement."""

    # How long an acknowledgement takes at first, at most after several tries, and after the
    # connection broke; how long a few records wait for more; bytes of the archive in a batch.
    answer_ms = 10000
    answer_max_ms = 40000     # A backlog moves within a minute of an outage.
    reconnect_ms = 3000       # A broken connection may have swallowed batch or answer.
    linger_ms = 2000          # A sweep gives rows singly.
    batch_bytes = 64 * 1024
    last: int | None = None   # What was published last, where it can be withdrawn.
    is_dear = False           # Each message takes airtime of others, and is repeated on its way.

    def has_room(self) -> bool:
        """Whether a message would be taken now: sealing one in vain costs a counter."""
        return True

    def session(self) -> int:
        """Number of the present connection, counted from 1; 0 while there is none."""
        raise NotImplementedError

    def publish(self, topic: str, payload: bytes) -> bool:
        """Whether the message was taken. Taken is not delivered: only the head-end says that."""
        raise NotImplementedError

    def answered(self, took_ms: int) -> None:
        """A batch was acknowledged so long after it was last sent."""

    def withdraw(self, number: int) -> None:
        """What was published under this number need not arrive any more."""


class Dice:
    """Chance, for jitter."""

    def below(self, limit: int) -> int:
        """A number of 0..limit-1, each as likely."""
        raise NotImplementedError
