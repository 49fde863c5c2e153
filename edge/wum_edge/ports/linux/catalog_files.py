"""The catalogue as files: one JSON file for each model, named for it."""

import json
from importlib import resources

from wum_edge.meters.catalog import Model, check_model

SUFFIX = ".json"
SCHEMA_NAMES = ("schema.json", ".schema.json")   # The form of the entries, not an entry.


def read_catalog() -> dict[str, Model]:
    """Every model of the catalogue, by name. Raises CatalogError for an entry that is not right."""
    folder = resources.files("wum_edge") / "catalog"
    models = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        name = file.name.removesuffix(SUFFIX)
        if file.name.endswith(SUFFIX) and not file.name.endswith(SCHEMA_NAMES):
            models[name] = check_model(json.loads(file.read_text(encoding="utf-8")), name)
    return models
