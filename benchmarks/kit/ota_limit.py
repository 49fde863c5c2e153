"""What no protocol undercuts by much: the least connected set of stations that reaches all.

A link counts that gets nine full frames in ten through; then an image sent once by each of the set
is had by everybody, but for what the links lose. The set is found, or its size bounded from below,
by an integer program that HiGHS solves; that it is connected is demanded where it was not. Beside
it stands a bound without any threshold: what all receivers get of all senders adds up to an image
(a perfect code), as a linear program. Left out: what is really sent (ota.py).
"""

import math
import random
import time

import highspy

from kit.mesh_bounds import Link
from wum_edge.mesh.spreadframes import SYMBOLS_OF_PAGE

RELIABLE = 0.9
FIND_S = 15.0
PAGES = 50
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


def dominating(links: list[Link], gateway: int, limit_s: float = SOLVE_S) -> tuple[float, float]:
    """(proven lower bound of the size of the least connected dominating set with the gateway in
    it, size of the least one that was found): the same, where there was time enough.
    """
    into, out = _neighbours(links, gateway)
    end_s = time.monotonic() + limit_s
    found = len(best_found(out, gateway, min(limit_s / 10, FIND_S)))
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    chosen = {number: solver.addBinary() for number in sorted(into)}
    solver.addConstr(chosen[gateway] == 1)
    for number in sorted(into.keys() - {gateway}):
        solver.addConstr(sum(chosen[other] for other in sorted(into[number])) >= 1)
    bound = 1
    while bound < found:
        solver.setOptionValue("time_limit", solver.getRunTime() + max(end_s - time.monotonic(), 1))
        solver.minimize(sum(chosen.values()))
        bound = max(bound, math.ceil(solver.getInfo().mip_dual_bound - 1e-6))
        if (solver.getModelStatus() != highspy.HighsModelStatus.kOptimal
                or time.monotonic() > end_s):
            break
        members = {number for number in into if solver.val(chosen[number]) > 0.5}
        cuts = _cuts(members, out, into, gateway)
        if not cuts:
            return float(len(members)), float(len(members))
        for border in cuts:
            solver.addConstr(sum(chosen[other] for other in sorted(border)) >= 1)
    return float(min(bound, found)), float(found)


def best_found(out: dict[int, set[int]], gateway: int, limit_s: float) -> set[int]:
    """A connected dominating set, by many greedy ones: who joins reaches most that are not yet,
    with some luck; whoever is not needed leaves.
    """
    dice, best = random.Random(1), set(out)
    end_s = time.monotonic() + limit_s
    while True:
        members = {gateway}
        covered = {gateway} | out[gateway]
        while len(covered) < len(out):
            worth = {number: len(out[number] - covered) for number in covered - members}
            most = max(worth.values())
            number = dice.choice([number for number in sorted(worth) if worth[number] and
                                  worth[number] >= most * dice.choice((0.6, 0.8, 1.0))])
            members.add(number)
            covered |= out[number]
        for number in dice.sample(sorted(members), len(members)):
            if number != gateway and is_connected_dominating(members - {number}, out, gateway):
                members.remove(number)
        if len(members) < len(best):
            best = members
        if time.monotonic() > end_s:
            return best


def with_losses(chances: dict[Link, float], gateway: int, limit_s: float = FIND_S) -> float:
    """Images that the set that is found sends if each, in its turn, sends symbols of a page
    until all that hear it well have enough of them, of whomever: with fading, and without
    collisions, asking or headers. Mean of PAGES pages.
    """
    _, out = _neighbours([link for link, chance in chances.items() if chance >= RELIABLE], gateway)
    members, dice, sent = best_found(out, gateway, limit_s), random.Random(1), 0
    hears = [[(other, chance) for (sender, other), chance in sorted(chances.items())
              if sender == number] for number in range(1 + max(number for number, _ in chances))]
    for _ in range(PAGES):
        found = {other: 0 for _, other in chances}
        found[gateway] = SYMBOLS_OF_PAGE
        waiting, done = sorted(members - {gateway}), [gateway]
        while done:
            number = done.pop(0)
            behind = [other for other, chance in hears[number] if chance >= RELIABLE]
            while any(found[other] < SYMBOLS_OF_PAGE for other in behind):
                sent += 1
                for other, chance in hears[number]:
                    found[other] += dice.random() < chance
            done += [other for other in waiting if found[other] >= SYMBOLS_OF_PAGE]
            waiting = [other for other in waiting if found[other] < SYMBOLS_OF_PAGE]
    return sent / PAGES / SYMBOLS_OF_PAGE


def is_connected_dominating(members: set[int], out: dict[int, set[int]], gateway: int) -> bool:
    """Whether what the gateway sends comes to all if these, and nobody else, hand it on."""
    covered, waiting = {gateway}, [gateway]
    while waiting:
        number = waiting.pop()
        if number in members:
            waiting += out[number] - covered
            covered |= out[number]
    return len(covered) == len(out)


def _neighbours(links: list[Link], gateway: int) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """By station that can be reached: whom it hears, who hears it."""
    inside = reached(links, gateway)
    into: dict[int, set[int]] = {number: set() for number in inside}
    out: dict[int, set[int]] = {number: set() for number in inside}
    for sender, receiver in links:
        if sender in inside:
            into[receiver].add(sender)
            out[sender].add(receiver)
    return into, out


def _cuts(members: set[int], out: dict[int, set[int]], into: dict[int, set[int]], gateway: int,
          ) -> list[set[int]]:
    """Sets of stations, of each of which one must be in: what is between those that the gateway
    has joined and somebody whom they do not reach, seen from either side.
    """
    joined, waiting = {gateway}, [gateway]
    while waiting:
        for other in out[waiting.pop()] & members - joined:
            joined.add(other)
            waiting.append(other)
    brink = set[int]().union(*(out[number] for number in joined)) - joined
    found: list[set[int]] = []
    for number in sorted(into.keys() - joined - brink):
        for inside in (into.keys() - brink, members - joined):
            border = _border(number, inside, into)
            if border not in found:
                found.append(border)
    return found


def _border(number: int, inside: set[int], into: dict[int, set[int]]) -> set[int]:
    """Whom a frame passes last before it has only stations of `inside` to go, on to `number`."""
    seen, waiting, border = {number}, [number], set()
    while waiting:
        for other in into[waiting.pop()] - seen:
            if other in inside:
                seen.add(other)
                waiting.append(other)
            else:
                border.add(other)
    return border


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
