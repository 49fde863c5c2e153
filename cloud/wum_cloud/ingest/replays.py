"""Which message counters of a key were heard before. No I/O; store.py keeps the ranges.

A concentrator counts upwards, and begins anywhere in 2**55 where its card is new or was wiped. So
counters are looked at in stretches: near ones belong together, and in each stretch the last WINDOW
are told apart. A replay does no harm, it is counted so that somebody can ask who sends it.
"""

WINDOW = 1024           # Counters told apart below the highest of a stretch; older ones count.
APART = 2**32           # A stretch reaches this far down and up: more than a card ever sends.
STRETCHES_MAX = 4       # So many cards of one key are remembered.

Ranges = list[tuple[int, int]]    # Each from its first to before its second.


def heard(seen: Ranges, counters: list[int]) -> tuple[int, Ranges]:
    """(how many of `counters` came before or are too old to tell, what to remember)."""
    stretches = _stretches(seen)
    here: list[Ranges] = []
    replayed = 0
    for counter in counters:
        stretch = _near(stretches, counter)
        if stretch is None:
            stretch = []
            stretches.append(stretch)
        elif counter < stretch[-1][1] - WINDOW or any(a <= counter < b for a, b in stretch):
            replayed += 1
        stretch[:] = _united([*stretch, (counter, counter + 1)])
        if not any(stretch is one for one in here):
            here.append(stretch)
    others = [one for one in reversed(stretches) if not any(one is other for other in here)]
    kept = (here[::-1] + others)[:STRETCHES_MAX]
    return replayed, _united([part for one in kept for part in _window(one)])


def _stretches(seen: Ranges) -> list[Ranges]:
    found: list[Ranges] = []
    for one in sorted(seen):
        if found and one[0] - found[-1][-1][1] < APART:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _near(stretches: list[Ranges], counter: int) -> Ranges | None:
    for stretch in stretches:
        if stretch[0][0] - APART < counter < stretch[-1][1] + APART:
            return stretch
    return None


def _window(stretch: Ranges) -> Ranges:
    floor = stretch[-1][1] - WINDOW
    return [(max(a, floor), b) for a, b in stretch if b > floor]


def _united(ranges: Ranges) -> Ranges:
    found: Ranges = []
    for first, end in sorted(ranges):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found
