"""What the tests of the portable core share: it runs under pytest and on MicroPython."""


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
