"""The documents name what an operator meets: every reason, every counter, every setting."""

import re
from pathlib import Path

from wum_cloud.ingest import store
from wum_cloud.ingest.quarantine.entries import REASONS
from wum_cloud.ingest.quarantine.store import DROPPED

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_SETTINGS = Path(__file__).resolve().parents[2] / "cloud" / "wum_cloud" / "settings.py"


def test_every_reason_and_counter_of_ingest_is_explained() -> None:
    text = (_DOCS / "ingest.md").read_text()
    words = [*REASONS, DROPPED, store.BATCHES, store.ROWS, store.DUPLICATES, store.LATE,
             store.REVISIONS, store.MISSED, store.EVENTS, store.REPLAYED]
    assert [word for word in words if "`%s`" % word not in text] == []


def test_every_setting_is_explained() -> None:
    text = (_DOCS / "head-end.md").read_text()
    settings = set(re.findall(r"WUM_[A-Z_]+", _SETTINGS.read_text()))
    assert len(settings) > 10
    assert [name for name in sorted(settings) if "`%s`" % name not in text] == []


def test_every_test_of_the_security_checklist_exists() -> None:
    root = _DOCS.parent
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([012]) \| ([^|]+) \|$",
                      (_DOCS / "security-checklist.md").read_text(), re.M)
    assert [int(row) for row, _, _ in rows] == list(range(1, 41))
    for row, score, words in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", words)
        assert score != "2" or named, row
        for file, name in named:
            text = (root / file).read_text()
            assert re.search(r"^(async )?def %s\(" % name, text, re.M), (row, name)
