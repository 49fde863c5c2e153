"""Runs on the board: every check of one module, each with its name and what came of it."""

import io
import sys


def run(name, checks):
    """Print `ok NAME`, or `failed NAME` and the traceback between two lines of dots."""
    module = __import__(name)
    for check in checks:
        try:
            getattr(module, check)()
        except Exception as error:
            text = io.StringIO()
            sys.print_exception(error, text)
            print("failed %s\n...\n%s..." % (check, text.getvalue()))
        else:
            print("ok %s" % check)
