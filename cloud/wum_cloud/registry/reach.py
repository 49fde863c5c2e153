"""Reach: whose things somebody gets to see."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """A tenant's things: all of them, or those of one branch of its tree of sites."""

    tenant_id: int
    site_id: int | None = None      # The root of the branch; None: the whole tenant.
