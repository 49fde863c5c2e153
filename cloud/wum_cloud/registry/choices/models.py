"""Models of meters that gateways know: models.csv says what stands in their catalogue.

The file is made of edge/wum_edge/catalog, which the head-end does not carry:

    python tests/cloud/registry/known_models.py > cloud/wum_cloud/registry/choices/models.csv
"""

import csv
from functools import cache
from pathlib import Path

from wum_cloud.registry.choices.store import OFFERED_MAX, Choice


@cache
def known() -> dict[str, str]:
    """Maker, name and protocol of each model, by the model."""
    with (Path(__file__).parent / "models.csv").open(newline="", encoding="utf-8") as file:
        return {row["model"]: "%s %s, %s" % (row["make"], row["label"], row["protocol"])
                for row in csv.DictReader(file)}


def offered(search: str, used: list[Choice]) -> list[Choice]:
    """Those that meters here have first, each with its entry in the catalogue, then all others."""
    found = [Choice(one.value, known().get(one.value, "not in the catalogue, of somebody's own"))
             for one in used]
    there = {one.value for one in found}
    found += [Choice(model, about) for model, about in known().items()
              if model not in there and search.lower() in (model + " " + about).lower()]
    return found[:OFFERED_MAX]
