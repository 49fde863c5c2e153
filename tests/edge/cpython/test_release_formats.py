"""What a release says of its archives is what the sources do."""

from pathlib import Path

import wum_edge.archive
from tests.edge import test_archive_formats
from wum_edge.archive import segment
from wum_edge.update import formats


def test_the_file_that_travels_says_what_this_version_reads_and_writes() -> None:
    text = (Path(wum_edge.archive.__file__).parent / "formats.txt").read_bytes()
    assert text == formats.stated(formats.READS, formats.WRITES)
    assert formats.WRITES == segment.FORMAT and formats.WRITES in formats.READS


def test_every_format_that_is_said_to_be_read_has_an_archive_of_then_that_is() -> None:
    kept = Path(test_archive_formats.__file__).parent.parent / "vectors" / "archive"
    assert sorted(path.name for path in kept.iterdir() if path.is_dir()) == [
        str(one) for one in sorted(formats.READS)]
