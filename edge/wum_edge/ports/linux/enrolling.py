"""`wum-edge claim` and `wum-edge enrol`: from an empty folder to keys that the gateway runs with.

Left out: what is said (enrolment/joining.py), the files (claiming.py), the broker
(enrolment_broker.py).
"""

import secrets
import sys
import time
from pathlib import Path
from typing import TextIO

import segno

from wum_edge.enrolment.joining import Claiming, Crypto, Identity, Opening, Trusted
from wum_edge.ports.linux import claiming
from wum_edge.ports.linux.cipher import Agreement, Cipher, Signatures
from wum_edge.ports.linux.enrolment_broker import Where, ask
from wum_edge.ports.linux.keys import read_password
from wum_shared.claim import QR_PREFIX
from wum_shared.ids import id_to_text

_CRYPTO = Crypto(Cipher(), Signatures(), Signatures(), Agreement())


def print_claim(folder: Path, out: TextIO, *, again: bool) -> int:
    """Print the claim code as text and as a QR code; `again` wipes all keys first."""
    if again:
        claiming.wipe(folder)
    code = claiming.claim_code(folder)
    segno.make(QR_PREFIX + code, error="m").terminal(out, compact=True, border=2)
    print(f"Claim code: {code}", file=out)
    print("Type it, or scan it, under New concentrators in the console. It is good once.", file=out)
    return 0


def enrol(folder: Path, where: Where, wait_s: float, out: TextIO = sys.stdout) -> int:
    """Be let in by the claim code; or, where that was done, open the next epoch: new keys.

    Raises NotEnrolled, BadKeys.
    """
    deadline = time.monotonic() + wait_s
    identity = claiming.read_identity(folder)
    if not claiming.is_granted(folder):
        claiming.keep_grant(folder, *_claim(folder, identity, where, deadline, out))
    trusted, password = claiming.read_trusted(folder), read_password(folder / claiming.PASSWORD)
    epoch = claiming.next_epoch(folder)
    opening = Opening(_CRYPTO, identity, trusted, epoch, secrets.token_bytes(32))
    user = identity.concentrator
    keys, newest = ask(where, user, password, opening.message(), opening.opened, deadline, out)
    claiming.keep_epoch(folder, keys, newest)
    print(f"Concentrator {id_to_text(user)} has the keys of epoch {epoch}, tenant {keys.tenant}.",
          file=out)
    return 0


def _claim(
        folder: Path, identity: Identity, where: Where, deadline: float, out: TextIO,
) -> tuple[Trusted, str]:
    talk = Claiming(_CRYPTO, identity, claiming.read_code(folder), secrets.token_bytes(16))
    return ask(where, talk.name, talk.password, talk.request(), talk.granted, deadline, out)
