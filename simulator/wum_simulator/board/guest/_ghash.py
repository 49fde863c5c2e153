"""The port's native GHASH on a machine whose interpreter has no code emitter: JavaScript's.

Stands where a board has wum_edge/ports/micropython/ghash_viper.py.
"""

import _board
import _memory


def ghash(h, aad, sealed):
    """GHASH with the key `h` over both and their lengths: 16 bytes in a bytearray."""
    made = bytearray(16)
    held, aad_at, aad_size = _memory.given(aad)
    kept, sealed_at, sealed_size = _memory.given(sealed)
    _board.ghash(_memory.address(h), aad_at, aad_size, sealed_at, sealed_size,
                 _memory.address(made))
    return made


def mix(data, stream, passed):
    """`data`, a bytearray, XOR `stream` behind its first `passed` bytes."""
    if len(data):
        _board.mix(_memory.address(data), _memory.address(stream) + passed, len(data))
