"""The root's key, and a first trust document."""

from pathlib import Path

import pytest

from wum_cloud.enrolment.trust.documents import make_document
from wum_cloud.registry.keys import Vault


@pytest.fixture
async def root(database_url: str, vault: Vault, tmp_path: Path) -> Path:
    """The root's key."""
    assert await make_document(database_url, vault, tmp_path / "root.key") == 1
    return tmp_path / "root.key"
