"""What a command line cannot be asked. A file of its own: `run` needs nothing else of the commands
that raise it.
"""


class BadQuestion(Exception):
    """The command line asks for what cannot be; the text says what was wanted."""
