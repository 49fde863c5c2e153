"""A batch for a warehouse: what stands in the folders, in the list, and on the labels."""

import csv
import re
import stat
from html.parser import HTMLParser

import pytest

from wum_firmware import warehouse
from wum_firmware.__main__ import main
from wum_shared.claim import code_from_text, secrets_of


@pytest.fixture
def batch(tmp_path):
    """A folder with five."""
    assert main(["provision", "--out", str(tmp_path / "batch"), "--batch", "5"]) == 0
    return tmp_path / "batch"


def rows_of(folder):
    """The list's rows."""
    return list(csv.DictReader((folder / warehouse.LIST).read_text().splitlines()))


def test_the_list_says_of_each_folder_whose_it_is_and_which_code_it_has(batch):
    rows = rows_of(batch)
    assert len(rows) == 5 and len({row["claim_code"] for row in rows}) == 5
    for row in rows:
        code = (batch / row["id"] / "claim.code").read_text().strip()
        assert code == row["claim_code"] and len(code_from_text(code)) == 16
        assert secrets_of(code_from_text(code)).name.hex() == row["id"]


def test_no_identity_is_made_outside_of_the_concentrator(batch):
    for row in rows_of(batch):
        assert [path.name for path in (batch / row["id"]).iterdir()] == ["claim.code"]


def test_only_the_owner_reads_any_of_it(batch):
    for path in [batch, *batch.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_the_sheet_has_a_picture_and_a_code_for_each_and_fetches_nothing(batch):
    class Labels(HTMLParser):
        def __init__(self):
            super().__init__()
            self.sources = []

        def handle_starttag(self, tag, attributes):
            self.sources += [value for name, value in attributes if name in ("src", "href")]

    text = (batch / warehouse.SHEET).read_text()
    labels = Labels()
    labels.feed(text)
    assert len(labels.sources) == 5 == len(set(labels.sources))
    assert all(source.startswith("data:image/svg+xml") for source in labels.sources)
    codes = re.findall(r"<code>([0-9A-Z-]+)</code>", text)
    rows = rows_of(batch)
    assert codes == [row["claim_code"] for row in rows]


def test_no_code_and_no_identity_is_printed(batch, capsys, tmp_path):
    assert main(["provision", "--out", str(tmp_path / "other"), "--batch", "1"]) == 0
    said = capsys.readouterr().out
    row = rows_of(tmp_path / "other")[0]
    assert row["claim_code"] not in said


@pytest.mark.parametrize("count", ["0", "-1", "10001"])
def test_a_number_that_cannot_be_is_refused(tmp_path, capsys, count):
    assert main(["provision", "--out", str(tmp_path / "x"), "--batch", count]) == 1
    assert "wanted 1..10000" in capsys.readouterr().err and not (tmp_path / "x").exists()


def test_a_folder_that_holds_anything_is_left_as_it_is(batch, capsys):
    before = sorted(batch.iterdir())
    assert main(["provision", "--out", str(batch), "--batch", "1"]) == 1
    assert "empty folder" in capsys.readouterr().err and sorted(batch.iterdir()) == before
