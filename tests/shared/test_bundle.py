"""The content of an update: its table of files, and the chunks that it comes in."""

from hashlib import sha256

from tests.portable import raises
from wum_shared import bundle, cbor
from wum_shared.errors import Malformed

PROGRAM = b"".join([b"%4d" % n for n in range(750)])
FILES = [("wum_edge/agent.py", PROGRAM, bundle.PLAIN), ("run", b"#!", bundle.EXECUTABLE),
         ("wum_edge/empty.py", b"", bundle.PLAIN)]
CONTENT = bundle.content_of(FILES)


def row(path="a", size=1, digest=bytes(32), mode=bundle.PLAIN):
    return [path, size, digest, mode]


def table(*rows):
    return cbor.encode(rows)


def test_the_table_says_where_every_file_is():
    end = bundle.table_size(CONTENT[:9])
    files = bundle.open_table(CONTENT[:end], len(CONTENT))
    assert [file.path for file in files] == ["run", "wum_edge/agent.py", "wum_edge/empty.py"]
    known = {path: data for path, data, _ in FILES}
    for file in files:
        data = CONTENT[end:end + file.size]
        assert data == known[file.path] and sha256(data).digest() == file.digest
        end += file.size
    assert end == len(CONTENT)


def test_the_order_of_the_files_does_not_matter():
    assert bundle.content_of(list(reversed(FILES))) == CONTENT


def test_the_size_of_the_table_needs_its_first_bytes():
    assert bundle.table_size(b"") is None
    assert bundle.table_size(CONTENT[:1]) is None
    assert bundle.table_size(CONTENT[:2]) == bundle.table_size(CONTENT)
    assert "byte string first" in raises(Malformed, lambda: bundle.table_size(b"\x84"))
    assert "at most" in raises(Malformed, lambda: bundle.table_size(b"\x5a\xff\xff\xff\xff"))


def test_files_that_do_not_fill_the_content():
    for size in (len(CONTENT) - 1, len(CONTENT) + 1):
        assert "its files end" in raises(
            Malformed, lambda size=size: bundle.open_table(CONTENT, size))
    assert "ends within" in raises(
        Malformed, lambda: bundle.open_table(CONTENT[:20], len(CONTENT)))


def test_paths_that_lead_elsewhere():
    for path in ("/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "./a", ""):
        assert "path" in raises(
            Malformed, lambda path=path: bundle.decode_table(table(row(path)))), path
    for path in ("A.py", "a b", "a\\b", "a\x00", "\xe4", "a:b", "a" * 101, 7, b"a"):
        assert "path" in raises(
            Malformed, lambda path=path: bundle.decode_table(table(row(path)))), path


def test_files_that_stand_in_each_others_way():
    assert "stands behind" in raises(
        Malformed, lambda: bundle.decode_table(table(row("a"), row("a"))))
    assert "stands behind" in raises(
        Malformed, lambda: bundle.decode_table(table(row("b"), row("a"))))
    assert "folder of others" in raises(
        Malformed, lambda: bundle.decode_table(table(row("a"), row("a/b"))))


def test_modes_and_sizes_out_of_range():
    for wrong in (row(mode=0o777), row(mode=0o4755), row(size=-1), row(size=2**40),
                  row(digest=b""), row()[:3]):
        raises(Malformed, lambda wrong=wrong: bundle.decode_table(table(wrong)))
    raises(Malformed, lambda: bundle.decode_table(table()))


def test_every_chunk_has_a_hash_of_its_own():
    index = bundle.index_of(CONTENT)
    chunks = [CONTENT[at:at + 1024] for at in range(0, len(CONTENT), 1024)]
    assert len(index) == 16 * len(chunks)
    for place in range(len(chunks)):
        assert bundle.chunk_fits(index, place, chunks[place], len(CONTENT))
        assert not bundle.chunk_fits(index, place, chunks[place][:-1], len(CONTENT))
        assert not bundle.chunk_fits(index, place, chunks[place - 1], len(CONTENT))
        changed = b"x" + chunks[place][1:]
        assert not bundle.chunk_fits(index, place, changed, len(CONTENT))
    assert not bundle.chunk_fits(index, len(chunks), b"", len(CONTENT))


def test_only_chunks_with_something_new_are_wanted():
    end = bundle.table_size(CONTENT)
    files = bundle.open_table(CONTENT, len(CONTENT))
    every = list(range((len(CONTENT) + 1023) // 1024))
    assert bundle.chunks_wanted(files, end, len(CONTENT), set()) == every
    program = [file for file in files if file.path == "wum_edge/agent.py"][0]
    assert bundle.chunks_wanted(files, end, len(CONTENT), {program.digest}) == [0]
    others = {file.digest for file in files if file.size != 3000}
    assert bundle.chunks_wanted(files, end, len(CONTENT), others) == every
