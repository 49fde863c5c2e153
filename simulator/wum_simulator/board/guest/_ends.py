"""How a program of the virtual board ends, in one word for main.mjs."""

import sys


class Running(BaseException):
    """Not the end: asyncio.run has left the stack, so that garbage can be collected."""


def how(error):
    """Empty for a clean end, else what is printed already."""
    if isinstance(error, Running):
        return "running"
    if isinstance(error, SystemExit):
        return "" if not error.args or error.args[0] in (None, 0) else "exit"
    sys.print_exception(error)
    return "crash"
