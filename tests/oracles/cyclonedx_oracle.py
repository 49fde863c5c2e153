"""CycloneDX's own library finds our bills of materials valid by its schema, and reads them back.

It runs in the environment of the oracles. The bill is that of the sources of this commit; what is
broken on purpose has to be refused, or a validator that lets everything pass would do.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from promises import run

from wum_firmware import packages, sbom, sources

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
LISTED = packages.read((ROOT / packages.PATH).read_text())
LINUX = sources.collect(ROOT, "HEAD", "linux")
BILL = sbom.document(LINUX, LISTED)


def faults(bill: bytes) -> str:
    """What the validator says; empty where it is valid."""
    found = VALIDATOR.validate_str(bill.decode())
    return "" if found is None else str(found)


def changed(change: Any) -> bytes:
    """The bill after `change` of its parts."""
    parts = json.loads(BILL)
    change(parts)
    return json.dumps(parts).encode()


def test_our_bills_are_valid_by_the_strict_schema():
    assert faults(BILL) == ""
    board = sources.Sources("micropython-xtensawin", LINUX.version, LINUX.commit, "mpy-cross 1.27",
                            LINUX.project, LINUX.files)
    assert faults(sbom.document(board, [])) == ""


def test_what_is_broken_is_refused():
    for change in (
            lambda parts: parts.update(serialNumber="7"),
            lambda parts: parts.update(unknown=1),
            lambda parts: parts["components"][0].update(licenses=[{"expression": 7}]),
            lambda parts: parts["components"][-1]["hashes"][0].update(content="zz"),
            lambda parts: parts["components"][0].update(type="thing"),
            lambda parts: parts["metadata"]["component"]["licenses"][0]["license"].update(id="X"),
            lambda parts: parts["compositions"][0].update(aggregate="all of it")):
        assert faults(changed(change)), change


def test_it_is_read_back_as_it_was_meant():
    bom = Bom.from_json(json.loads(BILL))
    files = {one.name: next(iter(one.hashes)).content for one in bom.components
             if one.type.value == "file"}
    assert files == {path: sha256(data).hexdigest() for path, data, _ in LINUX.files}
    needs = {(one.name, one.version, next(iter(one.licenses)).value) for one in bom.components
             if one.type.value == "library"}
    assert needs == {(one.name, one.version, one.licence) for one in LISTED}
    assert bom.validate()                  # That every reference leads somewhere.


if __name__ == "__main__":
    sys.exit(run(globals()))
