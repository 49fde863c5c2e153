"""Schema documents beside the segments that name them. Files are named by the schema's id."""

from wum_edge.archive.flash import Flash, read_whole
from wum_shared.ids import SCHEMA_SIZE, id_from_text, id_to_text, schema_id
from wum_shared.messages import SCHEMA_BYTES_MAX, Schema, decode_schema

_PREFIX = "schema-"


class Schemas:
    """The schemas on one flash."""

    def __init__(self, flash: Flash) -> None:
        """Raises OSError."""
        self._flash = flash
        self._sizes: dict[bytes, int] = {}
        self.latest = b""                # Id of the schema that was kept last; empty at first.
        for name in flash.names():
            digits = name[len(_PREFIX):]
            if name.startswith(_PREFIX) and len(digits) == 2 * SCHEMA_SIZE:
                self._sizes[id_from_text(digits, SCHEMA_SIZE)] = flash.size(name)

    @property
    def used_bytes(self) -> int:
        """Bytes of all schemas."""
        return sum(self._sizes.values())

    def keep(self, encoded: bytes) -> bytes:
        """Keep a schema durably; returns its id. Raises OSError."""
        assert len(encoded) <= SCHEMA_BYTES_MAX
        name = schema_id(encoded)
        if self.get(name) is None:
            self._flash.replace(_file(name), encoded)
            self._sizes[name] = len(encoded)
        self.latest = name
        return name

    def get(self, name: bytes) -> bytes | None:
        """The schema with this id; None when it is not here or damaged."""
        if name not in self._sizes:
            return None
        encoded = read_whole(self._flash, _file(name), SCHEMA_BYTES_MAX)
        if encoded is None or schema_id(encoded) != name:
            return None
        return encoded

    def like(self, schema: Schema) -> bytes | None:
        """A kept schema that differs from `schema` in nothing but since when it is valid.

        So that a restart does not make a new schema of the same configuration.
        """
        for name in sorted(self._sizes):
            encoded = self.get(name)
            if encoded is not None and _meaning(decode_schema(encoded)) == _meaning(schema):
                return encoded
        return None

    def forget_all_but(self, named: list[bytes]) -> None:
        """Remove schemas that no segment names; the latest stays for what comes next."""
        for name in list(self._sizes):
            if name not in named and name != self.latest:
                self._flash.remove(_file(name))
                del self._sizes[name]


def _meaning(schema: Schema) -> tuple[object, ...]:
    parts = tuple(schema)
    return parts[:2] + parts[3:]     # All but valid_from_s.


def _file(name: bytes) -> str:
    return _PREFIX + id_to_text(name)
