"""The configuration file: TOML into checked records, every mistake with its line number.

Left out: what a configuration must be (config.py). This file adds what only a file system knows:
line numbers, folders relative to the file, and whether what it names exists.
"""

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from wum_edge import config
from wum_edge.errors import ConfigError

FILE_BYTES_MAX = 1024 * 1024     # 1,024 meters take about 150 kB.
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend. `line` counts from 1; 0 where the file has no line for it."""

    line: int
    path: str
    wanted: str
    got: str

    def sentence(self) -> str:
        """For a person."""
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.path}: wanted {self.wanted}, got {self.got}"


class BadConfigFile(Exception):
    """The file cannot be used; `mistakes` lists all that was found, in the order of the file."""

    def __init__(self, path: Path, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda m: (m.line, m.path))
        many = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__("\n".join(
            [f"{path}: {many}"] + ["  " + m.sentence() for m in self.mistakes]))


def read_config(
        path: Path, models: dict[str, str], *, files: bool = True) -> config.Config:
    """The configuration in the file at `path`, its folders made absolute.

    `models` are those of the catalogue, with their protocols. With `files` the keys and the
    CA file must be there. Raises BadConfigFile with every mistake at once.
    """
    text = _read(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise BadConfigFile(path, [Mistake(
            int(line.group(1)) if line else text.count("\n") + 1, "TOML", "valid TOML",
            str(error))]) from error
    lines = lines_of(text)
    found: list[Mistake] = []
    try:
        checked = config.check(document, models)
    except ConfigError as error:
        found = [Mistake(line_of(where, lines), where, wanted, got)
                 for where, wanted, got in error.mistakes]
    if files:
        found += _missing_files(document, path.parent, lines)
    if found:
        raise BadConfigFile(path, found)
    return absolute(checked, path.resolve().parent)


def own_entries(path: Path) -> Path | None:
    """The folder of the user's own catalogue entries, as the configuration at `path` names it; None
    where it names none. What is wrong with the file `read_config` says, which needs the catalogue.
    """
    try:
        document = tomllib.loads(_read(path))
    except (BadConfigFile, tomllib.TOMLDecodeError):
        return None
    part = document.get("concentrator")
    name = part.get("catalog") if isinstance(part, dict) else None
    if not isinstance(name, str) or not name:
        return None
    folder = path.resolve().parent / name
    if not folder.is_dir():
        where = "concentrator.catalog"
        raise BadConfigFile(path, [Mistake(
            line_of(where, lines_of(_read(path))), where,
            "a folder of catalogue entries (NAME.json)", f'no folder "{folder}"')])
    return folder


def archive_of(path: Path) -> Path:
    """The archive's folder, as the configuration at `path` names it. Raises BadConfigFile."""
    try:
        name = tomllib.loads(_read(path))["concentrator"]["archive"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadConfigFile(path, [Mistake(0, "concentrator.archive", "a folder",
                                           "nothing")]) from error
    return path.resolve().parent / str(name)


def folders_of(path: Path) -> tuple[Path, Path, frozenset[Path]]:
    """Folders of the keys and of the archive, and files that the configuration at `path` names
    beside them: whatever else is wrong with it. Raises BadConfigFile."""
    archive, folder = archive_of(path), path.resolve().parent
    document = tomllib.loads(_read(path))
    keys = document["concentrator"].get("keys")
    if not isinstance(keys, str) or not (folder / keys).is_dir():
        raise BadConfigFile(path, [Mistake(0, "concentrator.keys", "a folder", repr(keys))])
    ca_file = (document.get("broker") or {}).get("ca_file")
    return folder / keys, archive, frozenset(
        [folder / ca_file] if isinstance(ca_file, str) and ca_file else [])


def lines_of(text: str) -> dict[str, int]:
    """Line number of every table and key, by path: meter[3].address. Array tables count from 0."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    inside = ""                  # The quotes of a text over several lines that has not ended.
    for number, line in enumerate(text.splitlines(), start=1):
        if inside:
            inside = "" if inside in line else inside
            continue
        header = _HEADER.match(line)
        key = _KEY.match(line)
        if header:
            table = _below(_plain(header.group(2)), counts)
            if header.group(1) == "[[":
                counts[table] = counts.get(table, -1) + 1
                lines.setdefault(table, number)
                table = f"{table}[{counts[table]}]"
            lines.setdefault(table, number)
        elif key:
            lines.setdefault(f"{table}.{_plain(key.group(1))}".lstrip("."), number)
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2:
                inside = quotes
    return lines


def line_of(path: str, lines: dict[str, int]) -> int:
    """Line of a path, or of what is around it: a missing key is missing from its table."""
    while path and path not in lines:
        path = path[:max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)


def _below(table: str, counts: dict[str, int]) -> str:
    """The path of a table that may be a part of the last one of an array: meter.access."""
    first, dot, rest = table.partition(".")
    return f"{first}[{counts[first]}].{rest}" if dot and first in counts else table


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BadConfigFile(path, [Mistake(0, "file", f"at most {FILE_BYTES_MAX} bytes",
                                               f"{path.stat().st_size}")])
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadConfigFile(path, [Mistake(0, "file", "a readable file",
                                           error.strerror or str(error))]) from error
    except UnicodeDecodeError as error:
        raise BadConfigFile(path, [Mistake(0, "file", "UTF-8", str(error))]) from error


def _missing_files(
        document: dict[str, object], folder: Path, lines: dict[str, int]) -> list[Mistake]:
    found = []
    for table, key, kind in (("concentrator", "keys", "folder"), ("broker", "ca_file", "file")):
        part = document.get(table)
        name = part.get(key) if isinstance(part, dict) else None
        if not isinstance(name, str) or not name:
            continue                 # config.check says what is wrong with it.
        there = folder / name
        if not (there.is_dir() if kind == "folder" else there.is_file()):
            hint = " that `wum-firmware provision` wrote" if key == "keys" else ""
            found.append(Mistake(line_of(f"{table}.{key}", lines), f"{table}.{key}",
                                 f"a {kind}{hint}", f'no {kind} "{there}"'))
    return found


def absolute(checked: config.Config, folder: Path) -> config.Config:
    """`checked` with its folders and files as seen from `folder`, in which its file stands."""
    c = checked.concentrator
    b = checked.broker
    if b is not None and b.ca_file:
        b = b._replace(ca_file=os.path.join(folder, b.ca_file))
    return checked._replace(
        concentrator=c._replace(keys=os.path.join(folder, c.keys),
                                archive=os.path.join(folder, c.archive),
                                catalog=os.path.join(folder, c.catalog) if c.catalog else ""),
        broker=b)
