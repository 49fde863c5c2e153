"""What the ledger has to say, reckoned plainly from schedules, readings and register sets.

No SQL of the ledger and none of its days: every interval of every schedule is walked through.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from wum_cloud.ledger.reckoning import SETTLED_AFTER

Counts = dict[tuple[str, date, frozenset[str]], tuple[int, int, int, int]]


def reckoned(url: str, zones: dict[int, str], now: datetime) -> Counts:
    """(expected, received, late, by six) of each meter, local day and set, by its codes."""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        schedules = connection.execute(
            "select meter_id, serial, valid_from, x.concentrator_id, x.period_s, x.offset_s,"
            "   register_sets from meter_schedule x join meter using (meter_id)"
            " order by 1, 3, part").fetchall()
        sets = {number: frozenset([register["obis"] for register in registers])
                for number, registers in connection.execute(
                    "select register_set_id, registers from register_set")}
        rows: dict[int, list[tuple[int, int, datetime]]] = {}
        for meter, at, number, arrived in connection.execute(
                "select meter_id, captured_at, register_set_id, arrived_at from reading"
                " where profile = 0"):
            rows.setdefault(meter, []).append((int(at.timestamp()), number, arrived))
        homes = dict(connection.execute("select meter_id, concentrator_id from meter").fetchall())
    found: dict[Any, list[int]] = {}
    settled_s = (now - SETTLED_AFTER).timestamp()
    for place, (meter, serial, since, _, period_s, offset_s, numbers) in enumerate(schedules):
        if period_s is None:
            continue
        # Sets of one moment stand beside each other: they end together.
        behind = [one[2] for one in schedules[place + 1:] if one[0] == meter and one[2] > since]
        until_s = min(behind).timestamp() if behind else settled_s
        start_s = -(-(int(since.timestamp()) - offset_s) // period_s) * period_s + offset_s
        while start_s + period_s <= min(until_s, settled_s):
            zone = ZoneInfo(zones[homes[meter]])
            day = datetime.fromtimestamp(start_s, UTC).astimezone(zone).date()
            six = datetime.combine(
                day + timedelta(days=1), datetime.min.time().replace(hour=6), zone)
            inside = [row for row in rows.get(meter, [])
                      if start_s <= row[0] < start_s + period_s]
            for number in numbers:
                arrivals = [row[2] for row in inside if sets[row[1]] >= sets[number]]
                counts = found.setdefault((serial, day, sets[number]), [0, 0, 0, 0])
                counts[0] += 1
                if arrivals:
                    first = min(arrivals)
                    counts[1] += 1
                    counts[2] += first.timestamp() > start_s + 3 * period_s
                    counts[3] += first <= six
            start_s += period_s
    return {key: (a, b, c, d) for key, (a, b, c, d) in found.items()}
