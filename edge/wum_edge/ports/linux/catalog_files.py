"""The catalogue as files: one JSON file for each model, named for it; every mistake with its line.

Left out: what an entry must be (meters/catalog.py).
"""

import json
import re
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from wum_edge.errors import CatalogError
from wum_edge.meters.catalog import Model, check_model
from wum_edge.ports.linux.config_file import line_of
from wum_edge.ports.linux.json_lines import lines_of

SUFFIX = ".json"
SCHEMA_NAMES = ("schema.json", ".schema.json")   # The form of the entries, not an entry.
OWN_MAX = 1000                   # Files of a user's own: a wrong folder is known by them.
FILE_BYTES_MAX = 256 * 1024      # 128 registers take about 30 kB.
_NAMED = re.compile(r"^registers\[(?P<name>[^\]]*)\](?P<rest>.*)$")


class BadCatalogFiles(Exception):
    """Entries that cannot be used; `sentences` names every mistake with file and line."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


def read_catalog(own: Path | None = None) -> dict[str, Model]:
    """Every model of the catalogue, by name, and those of the user's `own` folder. Raises
    BadCatalogFiles with every mistake; that two files have one name is one.
    """
    return read_entries(entry_files(own))


def entry_files(own: Path | None = None) -> list[Traversable | Path]:
    """The files of the catalogue and of the user's `own` folder, sorted by name. Raises
    BadCatalogFiles for two of one name: nobody could say which of them a meter is read by.
    """
    given = _entries(resources.files("wum_edge") / "catalog")
    mine = _entries(own) if own is not None else []
    if len(mine) > OWN_MAX:
        raise BadCatalogFiles([f"{own}: wanted at most {OWN_MAX} entries, got {len(mine)}"])
    by_name = {file.name: file for file in given}
    twice = [f"{file}: wanted a name that the catalogue has not, got that of {by_name[file.name]}: "
             "give the file and its `model` another one" for file in mine if file.name in by_name]
    if twice:
        raise BadCatalogFiles(twice)
    return sorted([*given, *mine], key=lambda file: file.name)


def _entries(folder: Traversable | Path) -> list[Traversable | Path]:
    try:
        return sorted((file for file in folder.iterdir() if file.name.endswith(SUFFIX)
                       and not file.name.endswith(SCHEMA_NAMES)), key=lambda file: file.name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadCatalogFiles(
            [f"{folder}: wanted a folder of entries (NAME{SUFFIX}), got: {reason}"]) from error


def read_entries(files: Iterable[Traversable | Path]) -> dict[str, Model]:
    """The models in these files, by name. Raises BadCatalogFiles with every mistake of all."""
    models = {}
    sentences: list[str] = []
    for file in files:
        try:
            model = read_entry(file)
            models[model.model] = model
        except BadCatalogFiles as error:
            sentences += error.sentences
    if sentences:
        raise BadCatalogFiles(sentences)
    return models


def read_entry(file: Traversable | Path) -> Model:
    """The model in one file, which is named for it. Raises BadCatalogFiles."""
    text = _text(file)
    try:
        document = json.loads(text)
    except ValueError as error:
        line = f" line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadCatalogFiles(
            [f"{file.name}{line}: JSON: wanted valid JSON, got: {error}"]) from error
    except RecursionError as error:
        raise BadCatalogFiles(
            [f"{file.name}: JSON: wanted a flat document, got brackets without end"]) from error
    lines, twice = lines_of(text)
    found = [(line, path, "a key that stands once", "it twice") for line, path in twice]
    try:
        model = check_model(document, file.name.removesuffix(SUFFIX))
    except CatalogError as error:
        found += [_placed(path, wanted, got, document, file.name, lines)
                  for path, wanted, got in error.mistakes]
    if found:
        raise BadCatalogFiles([
            f"{file.name} line {line}: {path + ': ' if path else ''}wanted {wanted}, got {got}"
            for line, path, wanted, got in sorted(found)])
    return model


def _text(file: Traversable | Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise BadCatalogFiles(
                [f"{file.name}: wanted at most {FILE_BYTES_MAX} bytes, got more"])
        return data.decode("utf-8")
    except OSError as error:
        raise BadCatalogFiles(
            [f"{file.name}: wanted a readable file, got: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise BadCatalogFiles([f"{file.name}: wanted UTF-8, got: {error}"]) from error


def _placed(
        path: str, wanted: str, got: str, document: object, file_name: str,
        lines: dict[str, int],
) -> tuple[int, str, str, str]:
    """(line, path without the model's name, wanted, got) of one mistake."""
    entry = document if isinstance(document, dict) else {}
    for known in (str(entry.get("model", "")), file_name.removesuffix(SUFFIX)):
        if known and (path == known or path.startswith(known + ".")):
            path = path[len(known) + 1:]
            break
    return line_of(_by_number(path, entry), lines) or 1, path, wanted, got


def _by_number(path: str, entry: dict[str, object]) -> str:
    """registers[voltage].scale as registers[3].scale. Of two with one name the last is meant."""
    named = _NAMED.match(path)
    registers = entry.get("registers")
    if named is None or not isinstance(registers, list):
        return path
    for number in reversed(range(len(registers))):
        register = registers[number]
        if isinstance(register, dict) and register.get("name") == named["name"]:
            return f"registers[{number}]{named['rest']}"
    return path
