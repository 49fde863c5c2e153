"""Writes what the head-end offers as models: those of the gateways' catalogue, by name."""

import csv
import json
import sys
from pathlib import Path

CATALOG = Path(__file__).parents[3] / "edge" / "wum_edge" / "catalog"
COLUMNS = ("model", "make", "label", "protocol")


def known_models() -> list[list[str]]:
    """A row for each entry."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in CATALOG.glob("*.json")]
    return sorted([[str(entry[column]) for column in COLUMNS]
                   for entry in documents if "registers" in entry])


if __name__ == "__main__":
    csv.writer(sys.stdout, lineterminator="\n").writerows([COLUMNS, *known_models()])
