"""Who signs above a cap, as a trust document names them."""

from dataclasses import dataclass

from wum_shared.enrolment import kept_trust


@dataclass(frozen=True, slots=True)
class Approvers:
    """Their public keys, and how many of them have to sign; none: nobody can."""

    keys: tuple[bytes, ...]
    consents: int


NOBODY = Approvers((), 0)


def named_in(root_key: bytes, signed: bytes) -> Approvers:
    """Those of a signed trust document, which names this root. Raises WireError."""
    trust = kept_trust(root_key, signed)
    return Approvers(trust.approvers, trust.consents)
