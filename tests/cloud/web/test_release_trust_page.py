"""Who signs releases, as the console and the API say it: what came with the machines, and since."""

from dataclasses import replace
from pathlib import Path

import httpx

from tests.cloud.campaigns.signed import Roots
from tests.cloud.web.people import People


async def test_who_signs_is_shown_with_every_rotation(
        app: httpx.ASGITransport, database_url: str, tmp_path: Path) -> None:
    roots, people = Roots(), People(database_url, app)
    state = app.app.state   # type: ignore[attr-defined]
    state.settings = replace(
        state.settings, release_trust=roots.trust(tmp_path / "t.json", "ada"))
    async with people.browser("administrator", name="ina") as client:
        page = (await client.get("/releases")).text
        assert "Who signs releases" in page and "came with the machines" in page
        assert "ada (1 wanted)" in page and "root-0, root-1 (2 wanted)" in page
        assert "grace" not in page
        handed = await client.post(
            "/api/v1/release-trust", content=roots.document(2, "grace", "lin"))
        assert handed.status_code == 200 and handed.json() == {"number": 2, "is_new": True}
        page = (await client.get("/releases")).text
        assert "grace, lin (1 wanted)" in page and "ina" in page
        told = (await client.get("/api/v1/release-trust")).json()
        assert [(one["number"], one["signers"], one["holders"]) for one in told] == [
            (1, ["ada"], None), (2, ["grace", "lin"], 0)]
        refused = await client.post(
            "/api/v1/release-trust", content=roots.document(4, "lin"))
        assert refused.status_code == 422 and "wanted document 3 next, got 4" in refused.text
