"""Runs on the board: every check of one module, each with its name and what came of it."""

import asyncio
import io
import sys


async def run(name, checks):
    """Print `ok NAME`, or `failed NAME` and the traceback between two lines of dots. What yields is
    gone through to its end, each step in a turn of its own.
    """
    module = __import__(name)
    for check in checks:
        try:
            for _ in getattr(module, check)() or ():
                await asyncio.sleep_ms(0)
        except Exception as error:
            text = io.StringIO()
            sys.print_exception(error, text)
            print("failed %s\n...\n%s..." % (check, text.getvalue()))
        else:
            print("ok %s" % check)
