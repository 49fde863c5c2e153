"""The trust document for a concentrator whose first keys the workbench made.

With the two files in its folder of keys it opens epochs like one that was claimed: keys and
password change by themselves, and it takes orders. Neither file is secret; who writes there is
trusted, as with all of that folder. Left out: concentrators with a claim code, who get both with
the grant.
"""

import json
import os
from pathlib import Path

from wum_cloud.database import Connection
from wum_cloud.enrolment.trust import store
from wum_cloud.registry.registration import RegistrationRefused

TRUSTED, TRUST = "trusted.toml", "trust.cose"       # As the gateway reads them.


async def hand_trust(connection: Connection, folder: Path, tenant: str) -> str:
    """Write the newest trust document into `folder`; a sentence. Raises RegistrationRefused."""
    newest = await store.newest(connection)
    if newest is None:
        raise RegistrationRefused("There is no trust document yet: `wum-cloud trust ROOT.KEY` "
                                  "makes the first one.")
    try:
        _write(folder / TRUST, newest.signed)
        _write(folder / TRUSTED, ('root = "%s"\ntenant = %s\n' % (
            newest.next_root_key.hex(), json.dumps(tenant))).encode())
    except OSError as error:
        raise RegistrationRefused("%s cannot be written: %s." % (
            error.filename, error.strerror)) from error
    return "Wrote trust document %d into %s: it belongs into the folder of its keys." % (
        newest.number, folder)


def _write(path: Path, content: bytes) -> None:
    """For its owner alone, whole or not at all: the gateway takes no other."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
