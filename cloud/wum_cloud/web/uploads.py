"""What a page takes as a file: looked at only after its session and permission, and in pieces.

Left out: what is in it. A form with a file is longer than the guard lets others be.
"""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from wum_cloud.campaigns.releases.taking import HANDED_MAX
from wum_cloud.commands.requesting import TARGETS_MAX
from wum_cloud.people.permissions import EDIT_REGISTRY
from wum_cloud.people.store import Session
from wum_cloud.registry.bulk.file import FILE_BYTES_MAX
from wum_cloud.web.access import visitor
from wum_cloud.web.rights import Needs, check_form
from wum_shared.orders import CONSENT_BYTES_MAX

OVERHEAD = 64 * 1024     # Of a form around its file.
# Where files are taken, and how long a body there may be.
# An approver's signatures of a whole request, in hexadecimal.
CONSENTS_MAX = TARGETS_MAX * (2 * CONSENT_BYTES_MAX + 64)
LONGER = {"/registry": FILE_BYTES_MAX + OVERHEAD, "/api/v1/registry/import": FILE_BYTES_MAX,
          "/api/v1/releases": HANDED_MAX, "/commands/consent": CONSENTS_MAX + OVERHEAD}
_CONSENTS = re.compile("/api/v1/command-requests/[0-9]{1,16}/consent")


def longest(path: str, usual: int) -> int:
    """How long a body may be at this address."""
    return CONSENTS_MAX if _CONSENTS.fullmatch(path) else LONGER.get(path, usual)


class UploadNeeds(Needs):
    """Of a form with a file; gives the session. The body is read after who sends it is known."""

    async def __call__(
            self, request: Request, session: Annotated[Session, Depends(visitor)],
    ) -> AsyncIterator[Session]:
        self.check(session.account)
        async with request.form(max_files=1, max_fields=8) as form:
            csrf = form.get("csrf", "")
            check_form(session, csrf if isinstance(csrf, str) else "")
            yield session


RegistryUpload = Annotated[Session, Depends(UploadNeeds(EDIT_REGISTRY))]


async def uploaded(request: Request) -> tuple[str, bytes]:
    """(name, content) of the form's file. Refuses with 422 where there is none."""
    file = (await request.form()).get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise HTTPException(422, "Choose a file first.")
    content = await file.read(FILE_BYTES_MAX + 1)
    name = "".join([c for c in file.filename if c.isprintable()])[:100]
    return name, content


async def body_of(request: Request) -> bytes:
    """The body of a request, which the guard has measured. Raises HTTPException."""
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise HTTPException(400, "The body ended too early.") from error
