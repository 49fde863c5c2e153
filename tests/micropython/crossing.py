"""What was sealed on MicroPython, opened on CPython by libsodium.

Runs the portable test of the upward path on MicroPython, which leaves its sealed messages; whoever
opens them here shares neither the interpreter nor the cipher with whoever wrote them.

usage: python tests/micropython/crossing.py
"""

import importlib
import sys
import tempfile
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent.parent
TEST = "tests/edge/test_upward_path.py"
sys.path[:0] = [str(ROOT)] + [str(ROOT / member) for member in ("shared", "edge", "simulator")]


def main() -> int:
    """The exit code: 0 when CPython read what MicroPython sealed."""
    run_micropython = importlib.import_module("tests.run_micropython")
    with tempfile.TemporaryDirectory() as folder:
        failed = run_micropython.main(["--out", folder, str(ROOT / TEST)])
        if failed:
            return int(failed)
        found = mistakes(Path(folder))
    print("\n".join(found) or "CPython opens what MicroPython sealed")
    return len(found)


def mistakes(out: Path) -> list[str]:
    """What is wrong with the messages in `out`; empty when all is as it should be."""
    path = importlib.import_module("tests.edge.test_upward_path")
    sealed = {stream: out / f"upward-path-{stream}" for stream in ("schema", "batch")}
    missing = [f"{TEST}: it left no {file.name}" for file in sealed.values() if not file.exists()]
    return missing or _compare(path, *(file.read_bytes() for file in sealed.values()))


def _compare(path: ModuleType, sealed_schema: bytes, sealed_batch: bytes) -> list[str]:
    from wum_edge.ports.linux.cipher import Cipher
    from wum_shared import cose
    from wum_shared.batch import decode_batch
    from wum_shared.messages import decode_schema

    wanted = path.schema_sent()
    keys, cipher = path.KEYS, Cipher()
    opened = [cose.unseal(cipher, keys.uplink, sealed, "up", keys.tenant, stream)
              for sealed, stream in ((sealed_schema, "schema"), (sealed_batch, "batch"))]
    schema = decode_schema(opened[0])
    batch = decode_batch(opened[1], schema)
    rows = {(row.meter, row.values) for row in batch.rows}
    expected = {(meter, path.VALUES) for meter in range(path.METERS) if meter != path.SILENT_METER}
    found = []
    if schema != wanted:
        found.append(f"{TEST}: the schema is {schema}, wanted {wanted}")
    if rows != expected:
        found.append(f"{TEST}: the rows are {sorted(rows)}, wanted {sorted(expected)}")
    return found


if __name__ == "__main__":
    sys.exit(main())
