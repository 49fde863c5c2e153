"""AES as boards have it: ECB and CBC, by whole blocks."""

import _board
import _memory


class aes:
    """One cipher with one key; CBC goes on from call to call."""

    def __init__(self, key, mode, iv=None):
        if mode not in (1, 2) or len(key) not in (16, 32) or (mode == 2) != (iv is not None):
            raise ValueError("mode")
        self._key, self._mode, self._iv = bytes(key), mode, bytes(iv or b"")

    def encrypt(self, data, out=None):
        made = self._made(True, data, out)
        if self._mode == 2:
            self._iv = bytes(memoryview(made)[len(data) - 16:len(data)])
        return bytes(made) if out is None else None

    def decrypt(self, data, out=None):
        last = bytes(memoryview(data)[len(data) - 16:])
        made = self._made(False, data, out)
        if self._mode == 2:
            self._iv = last
        return bytes(made) if out is None else None

    def _made(self, is_sealing, data, out):
        if len(data) % 16:
            raise ValueError("blksize % 16")
        made = bytearray(len(data)) if out is None else out
        held, address, size = _memory.given(data)
        if size:
            _board.aes(self._mode, is_sealing, _memory.address(self._key), len(self._key),
                       _memory.address(self._iv) if self._iv else 0, address, size,
                       _memory.address(made))
        return made
