"""What the tests of the portable core share: it runs under pytest and on MicroPython."""

import sys

ON_MICROPYTHON = sys.implementation.name == "micropython"


def raises(error, action):
    """Text of the `error` that `action()` raises; it fails when nothing or another is raised."""
    raised = None
    try:
        result = action()
    except error as caught:
        raised = caught
    assert raised is not None, "wanted %s, got the result %r" % (error, result)
    assert type(raised) is error, "wanted %s, got %r" % (error, raised)
    return str(raised)


def keep(name, data):
    """On MicroPython, leave `data` in a file that a test on CPython opens afterwards.

    `python tests/run_micropython.py --out FOLDER` puts it there; on CPython nothing is written.
    """
    if ON_MICROPYTHON:
        with open("/out/" + name, "wb") as file:
            file.write(data)
