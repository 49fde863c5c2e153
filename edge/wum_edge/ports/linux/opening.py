"""Opening an epoch with the keys folder of Linux: the cryptography of this port, and its chance.

Left out: sending (renewing.py while the gateway runs, enrolling.py before).
"""

import secrets
from pathlib import Path

from wum_edge.enrolment.joining import Crypto, Identity, Opening
from wum_edge.ports.linux import claiming
from wum_edge.ports.linux.cipher import Agreement, Cipher, Signatures

CRYPTO = Crypto(Cipher(), Signatures(), Signatures(), Agreement())


def begin_epoch(folder: Path, identity: Identity) -> Opening:
    """The opening of an epoch that was never asked for, on record before it is. Raises BadKeys,
    OSError."""
    trusted = claiming.read_trusted(folder)
    return Opening(CRYPTO, identity, trusted, claiming.next_epoch(folder),
                   secrets.token_bytes(32))
