"""A registry file of a town of any size, and 50 faults planted into it, for tests and benchmark."""

import psycopg

from wum_cloud.registry.bulk.columns import COLUMNS
from wum_cloud.registry.bulk.file import written

METERS_EACH = 60
FAULTS = 50
Rows = list[dict[str, str]]


def device(number: int) -> str:
    """The id of a concentrator of the town."""
    return "%016x" % (0xA000 + number)


def register_town(url: str, meters: int) -> None:
    """The concentrators of a town, as claims would have left them."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into concentrator (tenant_id, device_id, identity_key, name,"
            " broker_password_hash) values (1, %s, %s, %s, 'x')",
            [(bytes.fromhex(device(n)), bytes(32), device(n))
             for n in range(-(-meters // METERS_EACH))])


def town(meters: int) -> Rows:
    """Rows of a town: a district with streets, a concentrator and a bus to every 60 meters."""
    rows = [{"kind": "site", "name": "Ciocana", "time_zone": "Europe/Chisinau"},
            {"kind": "schedule", "name": "hourly", "period_s": "3600"},
            {"kind": "schedule", "name": "quarter", "period_s": "900", "offset_s": "30"}]
    cabinets = range(-(-meters // METERS_EACH))
    rows += [{"kind": "site", "name": "Strada %d" % n, "site": "Ciocana",
              "street": "Strada %d, 1" % n, "time_zone": "Europe/Chisinau"} for n in cabinets]
    rows += [{"kind": "concentrator", "name": "cabinet %d" % n, "concentrator": device(n),
              "site": "Strada %d" % n} for n in cabinets]
    rows += [{"kind": "bus", "name": "rs485", "concentrator": device(n), "port": "/dev/ttyS1"}
             for n in cabinets]
    return rows + [_meter(n) for n in range(meters)]


def _meter(n: int) -> dict[str, str]:
    return {"kind": "meter", "name": "M%07d" % n, "concentrator": device(n // METERS_EACH),
            "model": "eastron-sdm630", "delivery_point": "DP%07d" % n, "bus": "rs485",
            "address": str(1 + n % METERS_EACH), "schedule": "quarter" if n % 3 else "hourly"}


def plant(rows: Rows) -> set[tuple[int, str]]:
    """Break 50 meters' cells, in ways of every kind; (row, column) of each fault."""
    first = next(i for i, row in enumerate(rows) if row["kind"] == "meter")
    step = (len(rows) - first - 1) // FAULTS
    assert step > 1, "a fault has a good row before it, which it clashes with"
    planted = set()
    for n in range(FAULTS):
        at = first + 1 + n * step
        column, cell = _WRONG[n % len(_WRONG)]
        rows[at][column] = rows[at - 1][column] if cell == "same" else cell
        if column == "address" and cell == "same":
            for key in ("concentrator", "bus"):
                rows[at][key] = rows[at - 1][key]
        planted.add((at + 2, column))       # The header is row 1.
    return planted


_WRONG = (
    ("name", "same"), ("name", "with space"), ("name", ""), ("concentrator", "00ff00ff00ff00ff"),
    ("concentrator", "cabinet"), ("model", ""), ("delivery_point", "a/b"), ("bus", "mbus"),
    ("schedule", "weekly"), ("state", "gone"), ("address", "same"), ("port", "/dev/ttyS9"),
    ("kind", "metre"))


def content(rows: Rows) -> bytes:
    """The rows as a file."""
    return written([COLUMNS, *[[row.get(column, "") for column in COLUMNS]
                               for row in rows]]).encode()
