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

from wum_edge.enrolment.joining import Claiming, Granted, Identity
from wum_edge.ports.linux import claiming
from wum_edge.ports.linux.enrolment_broker import Where, ask
from wum_edge.ports.linux.keys import read_password
from wum_edge.ports.linux.opening import CRYPTO, begin_epoch
from wum_shared.claim import QR_PREFIX
from wum_shared.ids import id_to_text


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
    if claiming.is_of_warehouse(folder):
        claiming.claim_code(folder)     # Its first start: the identity is made here.
    identity = claiming.read_identity(folder)
    if not claiming.is_granted(folder):
        claiming.keep_grant(folder, _claim(folder, identity, where, deadline, out))
    keys = None
    while keys is None:      # An answer may bring newer trust documents first, to ask anew under.
        opening = begin_epoch(folder, identity)
        renewed = ask(where, identity.concentrator, read_password(folder / claiming.PASSWORD),
                      opening.message(), opening.opened, deadline, out)
        claiming.keep_renewed(folder, renewed)
        keys = renewed.keys
    print(f"Concentrator {id_to_text(keys.concentrator)} has the keys of epoch {keys.epoch}, "
          f"tenant {keys.tenant}.", file=out)
    return 0


def _claim(
        folder: Path, identity: Identity, where: Where, deadline: float, out: TextIO,
) -> Granted:
    talk = Claiming(CRYPTO, identity, claiming.read_code(folder), secrets.token_bytes(16))
    return ask(where, talk.name, talk.password, talk.request(), talk.granted, deadline, out)
