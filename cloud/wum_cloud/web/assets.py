"""The files that browsers load: where they are, and the address under which they never change.

The address holds a digest of all of them, so that a browser may keep each for ever and still
gets the new ones after an update; files name one another relatively.
"""

from hashlib import sha256
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"


def _digest() -> str:
    total = sha256()
    for file in sorted(STATIC.rglob("*")):
        if file.is_file():
            total.update(file.relative_to(STATIC).as_posix().encode())
            total.update(file.read_bytes())
    return total.hexdigest()[:12]


ADDRESS = "/static/" + _digest()


class Assets(StaticFiles):
    """Static files that may be kept for ever: their address changes with them."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 404."""
        response = await super().get_response(path, scope)
        if response.status_code in (200, 304):
            response.headers["cache-control"] = _FOR_EVER
        return response
