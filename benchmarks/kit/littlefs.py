"""What LittleFS would program and erase for the archive's writes: a model, not a LittleFS.

Rules of LittleFS 2 (DESIGN.md): blocks of 4 kB, programmed 256 bytes at a time; a file's last
block is not written twice, so an append after a sync copies what stands in it into a fresh block;
every sync, rename and removal is a commit to the folder's metadata pair, filled up to 256 bytes;
a full metadata block is compacted into an erased one; files of at most 256 bytes live in the
metadata. Left out: pointers of the block list (8 bytes a block on average), the superblock.
"""

from wum_simulator.flash import SimulatedFlash

BLOCK = 4096
PROGRAM = 256
_COMMIT = 64                 # A commit's own bytes: tags, structure, CRC. Filled up to PROGRAM.
_ENTRY = 48                  # Of a file in a compacted metadata block: name, structure, tags.


class LittleFs(SimulatedFlash):
    """A simulated flash that counts bytes programmed and blocks erased."""

    def __init__(self) -> None:
        super().__init__()
        self.programmed = self.erased = self.handed_in = 0
        self._committed = 0          # Bytes in the metadata block so far.

    def sync(self, name: str) -> None:
        """The pending bytes of a file go out, behind a copy of its last block's beginning."""
        size, pending = self.size(name), self.pending_bytes()
        super().sync(name)
        start = (size - pending) // BLOCK * BLOCK
        self.handed_in += pending
        self.programmed += _filled_up(size - start)
        self.erased += -(-(size - start) // BLOCK)
        self._commit(_COMMIT)

    def replace(self, name: str, data: bytes) -> None:
        """A new file, and its rename."""
        super().replace(name, data)
        self.handed_in += len(data)
        self._commit(_COMMIT)
        if len(data) <= PROGRAM:
            self._commit(_COMMIT + len(data))
        else:
            self.programmed += _filled_up(len(data))
            self.erased += -(-len(data) // BLOCK)
            self._commit(_COMMIT)
        self._commit(_COMMIT)

    def remove(self, name: str) -> None:
        """One commit; blocks are erased when they are used again."""
        super().remove(name)
        self._commit(_COMMIT)

    def _commit(self, size: int) -> None:
        size = _filled_up(size)
        if self._committed + size > BLOCK:
            live = sum(_ENTRY + (self.size(n) if self.size(n) <= PROGRAM else 0)
                       for n in self.names())
            self._committed = _filled_up(live)
            self.programmed += self._committed
            self.erased += 1
        self._committed += size
        self.programmed += size


def _filled_up(size: int) -> int:
    return -(-size // PROGRAM) * PROGRAM
