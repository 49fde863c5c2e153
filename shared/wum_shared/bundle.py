"""What an update consists of: a table of files, then their bytes, one after the other.

The table names each file with its size and SHA-256, so that whoever has a file already takes it
from there; every chunk of 1 KiB has a hash of its own (suit.py), so that each is checked when it
comes. Left out: who signed it (suit.py), where the files go (a port's slots). No archive format is
used: there is no link, no owner, no absolute path and no compression to defend against.
"""

from collections import namedtuple
from hashlib import sha256

from wum_shared import cbor, fields
from wum_shared.errors import Malformed
from wum_shared.suit import CHUNK_HASH_SIZE, CHUNK_SIZE, CONTENT_BYTES_MAX, Release

FILES_MAX = 1000
PATH_MAX = 100
TABLE_BYTES_MAX = 160 * FILES_MAX
PLAIN, EXECUTABLE = 0o644, 0o755
_PATH_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_./-"


class File(namedtuple("File", ("path", "size", "digest", "mode"))):
    """One file. path: relative, of a-z 0-9 _ . / -. digest: SHA-256. mode: 0o644 or 0o755."""

    __slots__ = ()
    path: str
    size: int
    digest: bytes
    mode: int


def encode_table(files: list[File]) -> bytes:
    """The table before the bytes. Raises Malformed for files that no table may name."""
    _check_all(files)
    return cbor.encode([[file.path, file.size, file.digest, file.mode] for file in files])


def decode_table(encoded: bytes) -> list[File]:
    """The files of a table, in their order, which is that of their paths. Raises Malformed."""
    what = "update's table of files"
    rows = fields.items(cbor.decode(encoded, depth=2, most_bytes=TABLE_BYTES_MAX), FILES_MAX,
                        what, least=1)
    files = [_file(row) for row in rows]
    _check_all(files)
    return files


def table_size(beginning: bytes) -> int | None:
    """Bytes of the table, told from the first bytes of the content; None: more are needed.

    The content begins with the length of its table: a byte string's head. Raises Malformed.
    """
    if not beginning:
        return None
    short = beginning[0] & 0x1F
    if beginning[0] >> 5 != 2 or short > 26:
        raise Malformed("update's content: wanted a byte string first, got byte %d" % beginning[0])
    more = 0 if short < 24 else 1 << (short - 24)
    if len(beginning) < 1 + more:
        return None
    size = short if not more else int.from_bytes(beginning[1:1 + more], "big")
    if size > TABLE_BYTES_MAX:
        raise Malformed("update's table of files: %d bytes, at most %d are read" % (
            size, TABLE_BYTES_MAX))
    return 1 + more + size


def open_table(content_start: bytes, size: int) -> list[File]:
    """The files of a content of `size` bytes, of which `content_start` holds at least the table.

    Raises Malformed, also where the files do not fill the content exactly.
    """
    end = table_size(content_start)
    if end is None or end > len(content_start):
        raise Malformed("update's content: ends within its table of files")
    files = decode_head(content_start[:end])
    total = end + sum([file.size for file in files])
    if total != size:
        raise Malformed("update's content: its files end at byte %d, the content at %d" % (
            total, size))
    return files


def decode_head(head: bytes) -> list[File]:
    """The files of a content's beginning: its table and the table's length. Raises Malformed."""
    table = cbor.decode(head, depth=0, most_bytes=TABLE_BYTES_MAX + 8)
    if type(table) is not bytes:
        raise Malformed("update's content: wanted a byte string first")
    return decode_table(table)


def content_of(files: list[tuple[str, bytes, int]]) -> bytes:
    """Table and bytes of (path, bytes, mode) in any order. Raises Malformed."""
    ordered = sorted(files)
    table = encode_table([File(path, len(data), sha256(data).digest(), mode)
                          for path, data, mode in ordered])
    return cbor.encode(table) + b"".join([data for _, data, _ in ordered])


def chunk_hash(chunk: bytes) -> bytes:
    """What the index says of a chunk: as long as the index is genuine, no other chunk fits."""
    return sha256(chunk).digest()[:CHUNK_HASH_SIZE]


def index_of(content: bytes) -> bytes:
    """The hashes of all chunks of a content."""
    return b"".join([chunk_hash(content[at:at + CHUNK_SIZE])
                     for at in range(0, len(content), CHUNK_SIZE)])


def chunk_fits(index: bytes, place: int, chunk: bytes, size: int) -> bool:
    """Whether `chunk` is number `place` (from 0) of a content of `size` bytes."""
    wanted = index[place * CHUNK_HASH_SIZE:(place + 1) * CHUNK_HASH_SIZE]
    return (len(chunk) == min(CHUNK_SIZE, size - place * CHUNK_SIZE)
            and chunk_hash(chunk) == wanted)


def chunks_wanted(
        files: list[File], table_end: int, size: int, at_hand: set[bytes]) -> list[int]:
    """Numbers of the chunks that hold a byte of the table or of a file that is not `at_hand`.

    at_hand: SHA-256 of files that can be copied from the running slot. The others are put
    together from those.
    """
    wanted = set(range((table_end + CHUNK_SIZE - 1) // CHUNK_SIZE))
    start = table_end
    for file in files:
        end = start + file.size
        if file.size and file.digest not in at_hand:
            wanted.update(range(start // CHUNK_SIZE, (end + CHUNK_SIZE - 1) // CHUNK_SIZE))
        start = end
    assert start == size
    return sorted(wanted)


def fits(release: Release, content: bytes, index: bytes) -> bool:
    """Whether content and index are those that a release names."""
    return (len(content) == release.size and sha256(content).digest() == release.digest
            and sha256(index).digest() == release.index_digest and index == index_of(content))


def _file(row: object) -> File:
    what = "update's file"
    path, size, digest, mode = fields.record(row, 4, what)
    return File(checked_path(path), fields.number(size, 0, CONTENT_BYTES_MAX, what + " size"),
                fields.octets(digest, 32, what + " digest"),
                fields.number(mode, 0, 0o777, what + " mode"))


def checked_path(path: object) -> str:
    """`path` when a file of an update may have it. Raises Malformed."""
    if type(path) is not str or not 1 <= len(path) <= PATH_MAX:
        raise Malformed("update's file: wanted a path of 1..%d characters, got %s" % (
            PATH_MAX, fields.shown(path)))
    for c in path:
        if c not in _PATH_CHARACTERS:
            raise Malformed("update's file: path %r may not hold %r" % (path, c))
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise Malformed("update's file: path %r does not lead down" % path)
    return path


def _check_all(files: list[File]) -> None:
    """No file twice, none where another has its folder, and in order."""
    if not 1 <= len(files) <= FILES_MAX:
        raise Malformed("update's table of files: wanted 1..%d, got %d" % (FILES_MAX, len(files)))
    folders = set()
    before = ""
    for file in files:
        checked_path(file.path)
        if file.mode not in (PLAIN, EXECUTABLE):
            raise Malformed("update's file %s: mode %d is neither %d nor %d" % (
                file.path, file.mode, PLAIN, EXECUTABLE))
        if file.path <= before:
            raise Malformed("update's file %s: stands behind %s" % (file.path, before))
        before = file.path
        parts = file.path.split("/")
        for length in range(1, len(parts)):
            folders.add("/".join(parts[:length]))
    for file in files:
        if file.path in folders:
            raise Malformed("update's file %s: is a folder of others, too" % file.path)
