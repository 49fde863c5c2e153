"""What can go wrong for a person to mend: each is a sentence, never a traceback."""


class DemoRefused(Exception):
    """The root of them; the text names the thing, what was wanted and what came."""


class StepFailed(DemoRefused):
    """A step of the start did not succeed."""


class AlreadyRunning(DemoRefused):
    """Another runner works in this folder."""


class ClockRefused(DemoRefused):
    """The wanted speed does not fit the data that are there."""


class PortTaken(DemoRefused):
    """The port that was asked for is in use."""


class PostgresFailed(DemoRefused):
    """The database server did not start or stop; the text says why and where its log is."""


class NoPostgres(DemoRefused):
    """There are no PostgreSQL programs on this machine."""


class NoAccount(DemoRefused):
    """There is no account that may run the database over these data."""


class NoHome(DemoRefused):
    """There is no place for the data that the server's account can reach."""
