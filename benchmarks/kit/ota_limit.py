"""What no protocol undercuts by much: the least connected set of stations that reaches all.

A link counts that gets nine full frames in ten through; then an image sent once by each of the set
is had by everybody, but for what the links lose. The set is found, or its size bounded from below,
by an integer program that HiGHS solves; that it is connected is demanded where it was not. Beside
it stands a bound without any threshold: what all receivers get of all senders adds up to an image
(a perfect code), as a linear program. Left out: what is really sent (ota.py).
"""

import math
import time

import highspy

from kit.mesh_bounds import Link

RELIABLE = 0.9
SOLVE_S = 900.0              # Of a processor that is not shared; then the bound is what counts.


def reached(links: list[Link], gateway: int) -> set[int]:
    """Who can be reached at all."""
    found, waiting = {gateway}, [gateway]
    while waiting:
        sender = waiting.pop()
        for one, other in links:
            if one == sender and other not in found:
                found.add(other)
                waiting.append(other)
    return found


def dominating(links: list[Link], gateway: int, limit_s: float = SOLVE_S) -> tuple[float, bool]:
    """(size of the least connected dominating set with the gateway in it, whether that is proven
    to be it); where time is over, a proven lower bound of it.
    """
    inside = reached(links, gateway)
    into: dict[int, set[int]] = {number: set() for number in inside}
    out: dict[int, set[int]] = {number: set() for number in inside}
    for sender, receiver in links:
        if sender in inside:
            into[receiver].add(sender)
            out[sender].add(receiver)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    chosen = {number: solver.addBinary() for number in sorted(inside)}
    solver.addConstr(chosen[gateway] == 1)
    for number in sorted(inside - {gateway}):
        solver.addConstr(sum(chosen[other] for other in sorted(into[number])) >= 1)
    end_s, bound = time.monotonic() + limit_s, 1.0
    while True:
        solver.setOptionValue("time_limit", solver.getRunTime() + max(end_s - time.monotonic(), 1))
        solver.minimize(sum(chosen.values()))
        bound = max(bound, solver.getInfo().mip_dual_bound)
        if (solver.getModelStatus() != highspy.HighsModelStatus.kOptimal
                or time.monotonic() > end_s):
            return float(math.ceil(bound - 1e-6)), False
        members = {number for number in inside if solver.val(chosen[number]) > 0.5}
        cuts = _cuts(members, out, into, gateway)
        if not cuts:
            return float(len(members)), True
        for border, number in cuts:
            solver.addConstr(sum(chosen[other] for other in sorted(border)) >= chosen[number])


def _cuts(members: set[int], out: dict[int, set[int]], into: dict[int, set[int]], gateway: int,
          ) -> list[tuple[set[int], int]]:
    """(border, station): if the station is in the set, somebody of the border must be, too."""
    joined, waiting = {gateway}, [gateway]
    while waiting:
        for other in out[waiting.pop()] & members - joined:
            joined.add(other)
            waiting.append(other)
    found, rest = [], members - joined
    while rest:
        part, waiting = set(), [min(rest)]
        while waiting:
            number = waiting.pop()
            part.add(number)
            waiting += list((out[number] | into[number]) & rest - part)
        rest -= part
        border = set[int]().union(*(into[number] for number in part)) - part
        found += [(border, number) for number in sorted(part)]
    return found


def fractional(chances: dict[Link, float], gateway: int) -> float:
    """Images that all senders together must send at least so that everybody gets one."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    inside = reached(sorted(chances), gateway)
    sent = {number: solver.addVariable(lb=0) for number in sorted(inside)}
    terms: dict[int, list[object]] = {number: [] for number in inside}
    for (sender, receiver), chance in sorted(chances.items()):
        if sender in inside and receiver in inside:
            terms[receiver].append(chance * sent[sender])
    for number in sorted(inside - {gateway}):
        solver.addConstr(sum(terms[number]) >= 1)            # type: ignore[call-overload]
    solver.addConstr(sent[gateway] >= 1)
    solver.minimize(sum(sent.values()))
    return float(sum(solver.val(one) for one in sent.values()))
