"""What can be wrong with bytes from the other end. One root; a room translates it at its door."""


class WireError(Exception):
    """Bytes from outside that this contract does not accept."""


class Malformed(WireError):
    """Not an encoding of any message: the text names the field, what was wanted and what came."""


class NotGenuine(WireError):
    """The seal or signature does not hold under the key that it names."""


class Unsupported(WireError):
    """Well formed, but a version, algorithm or feature that this side does not speak."""
