"""A catalogue entry as a file: any bytes give a model, or sentences that name file and line."""

import io
from dataclasses import dataclass
from typing import Any

from wum_edge.ports.linux.catalog_files import BadCatalogFiles, read_entry


@dataclass(frozen=True, slots=True)
class _File:
    """A file of these bytes, without a file system."""

    data: bytes
    name: str = "entry.json"

    def open(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self.data)


def run(data: bytes) -> None:
    """Read one entry."""
    file: Any = _File(data)
    try:
        read_entry(file)
    except BadCatalogFiles:
        return
