"""The port's native ChaCha20 on a machine whose interpreter has no code emitter: Node.js's own.

Stands where a board has wum_edge/ports/micropython/chacha_viper.py.
"""

import _board
import _memory


def xor(state, data):
    """`data`, a bytearray, XOR the key stream from `state` on: 64 bytes whose counter goes on."""
    if len(data):
        _board.chacha(_memory.address(state), _memory.address(data), len(data))
