"""The port's native SHA-512 on a machine whose interpreter has no code emitter: Node.js's own.

Stands where a board has wum_edge/ports/micropython/sha512_viper.py.
"""

import _board
import _memory


def sha512(data):
    """64 bytes."""
    data, made = bytes(data), bytearray(64)
    # Of nothing there is no address.
    _board.sha512(_memory.address(data) if data else 0, len(data), _memory.address(made))
    return bytes(made)
