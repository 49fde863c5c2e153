"""What the workbench verifies with stands Wycheproof's vectors."""

from tests import wycheproof
from wum_firmware.cipher import Ed25519


def test_the_workbenchs_signatures_stand_all_vectors() -> None:
    assert wycheproof.signing(Ed25519()) == []
