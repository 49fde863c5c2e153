"""What can go wrong at the archive's door. Not damage: that is reported as lost ranges."""


class ArchiveError(Exception):
    """The archive did not do what was asked."""


class ArchiveRefused(ArchiveError):
    """Flash took no more: full, read-only or failing. The first `kept` records are safe.

    The others have no sequence number and may be offered again. `errno` is flash's own.
    """

    def __init__(self, text: str, kept: int, errno: int) -> None:
        super().__init__(text)
        self.kept = kept
        self.errno = errno
