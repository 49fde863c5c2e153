"""Who is in which wave: a snapshot, drawn once when a campaign is asked for. Pure.

The canary has one of each kind of bus in each branch, since what breaks on one kind of meter or on
one network has to show before the many. The rest follows by shares, in an order that is by chance
but for those that were not heard for long: they come last, so that they stop nobody else.
"""

from dataclasses import dataclass
from hashlib import sha256

from wum_cloud.campaigns.plan import Plan

CANARY_MOST_PERCENT = 10      # However many kinds there are; at least one.


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concentrator. `buses`: the kinds of its buses with the models on each; `branch`: its mesh,
    or the site above its own. `is_heard`: within the last day.
    """

    concentrator_id: int
    device_id: bytes
    buses: str
    branch: str
    is_heard: bool


def waves_of(plan: Plan, seed: bytes, candidates: list[Candidate]) -> list[list[int]]:
    """Numbers of concentrators, wave by wave; each stands in one of them, and none is empty."""
    ordered = sorted(candidates, key=lambda one: (
        not one.is_heard, sha256(seed + one.device_id).digest()))
    canary: list[Candidate] = []
    if plan.canary:
        kinds: set[tuple[str, str]] = set()
        most = max(1, len(ordered) * CANARY_MOST_PERCENT // 100)
        for one in ordered:
            if one.is_heard and (one.buses, one.branch) not in kinds and len(canary) < most:
                kinds.add((one.buses, one.branch))
                canary.append(one)
        canary = canary or ordered[:1]
    taken = {one.concentrator_id for one in canary}
    rest = [one.concentrator_id for one in ordered if one.concentrator_id not in taken]
    waves, begun = [[one.concentrator_id for one in canary]], 0
    for share in plan.shares:
        end = -(-len(rest) * share // 100)
        waves.append(rest[begun:end])
        begun = end
    return [wave for wave in waves if wave]
