"""Bytes a reading and readings a second of a sealed batch, beside JSON, CBOR, SenML, Sparkplug B.

Data: kit/recorded.py. Sizes are sealed, with missed rows, absent and late registers; a reading is a
value that was delivered. The limit is the order-0 entropy of each register's differences (one
static model per register over all data of the run) plus the first values as CBOR integers.

`hour_delta_64_meters` is a day of hourly batches of 64 meters as a gateway sends them: one in full,
then each a delta that names the one before. Its limit is that of differences to the hour before.
"""

import json
import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable

import cbor2

from kit.concentrator import Sodium
from kit.figures import Figure, arguments, per_second, report
from kit.peers import cbor_maps, deflated, gateway_json, senml_cbor, sparkplug_b
from kit.recorded import CONCENTRATOR, HOUR_S, METERS, START_S, Recorded, recorded
from wum_cloud.ingest.accept import read_opened
from wum_cloud.ingest.opened import Opened, read_records
from wum_shared import cbor, cose, topics
from wum_shared.bases import Base, heads_after
from wum_shared.batch import Batch, decode_batch, encode_batch
from wum_shared.ids import batch_digest
from wum_shared.messages import DirectionKey, Schema

DAY_S = 86_400
GOALS = {"day_64_meters": "value <= 1.0", "day_1_meter": "value <= 1.2",
         "hour_delta_64_meters": "value <= 1.1"}       # At 10 Wh.
FLOOR_GOAL = "ratio <= 1.10"
KEY = DirectionKey(bytes(32), bytes(12))
COUNTER = 2**54              # Counters begin at random in 2**55: nearly all take 7 bytes.
_SEQUENCE = operator.attrgetter("sequence")
_LIMIT = "order-0 entropy of differences + first values"


def sealed(batch: Batch, schema: Schema) -> bytes:
    """What goes on the wire."""
    return _sealed(encode_batch(batch, schema=schema))


def _sealed(plain: bytes) -> bytes:
    return cose.seal(Sodium(), KEY, cose.key_id(CONCENTRATOR, 0), COUNTER, plain, topics.UP,
                     "default", topics.BATCH)


def chain_bytes_a_reading(source: Recorded, days: int) -> float:
    """Hourly batches of all meters, each a delta on the one before, but for one in full a day.

    Each is read again by the heads of its base.
    """
    size = count = 0
    base: Base | None = None
    heads: dict[tuple[int, int], tuple[int, ...]] | None = None
    for hour in range(24 * days):
        if hour % 24 == 0:
            base = heads = None
        batch = source.batch(first_s=START_S + hour * HOUR_S, last_s=START_S + (hour + 1) * HOUR_S,
                             first_sequence=1_000_001 + METERS * hour)
        plain = encode_batch(batch, base, heads)
        again = decode_batch(plain, source.schema, heads)
        assert sorted(again.rows, key=_SEQUENCE) == sorted(batch.rows, key=_SEQUENCE)
        heads = heads_after(heads, again.rows)
        base = Base(batch.last_sequence, batch_digest(plain))
        size += len(_sealed(plain))
        count += readings(batch)
    return size / count


def opened(data: bytes, source: Recorded) -> Batch:
    """The way back, by the reference decoder."""
    plain = cose.unseal(Sodium(), KEY, data, topics.UP, "default", topics.BATCH)
    return decode_batch(plain, source.schema)


def opened_in_columns(data: bytes, source: Recorded) -> Opened:
    """The way back as the head-end goes it: columns in NumPy, no object per row."""
    plain = cose.unseal(Sodium(), KEY, data, topics.UP, "default", topics.BATCH)
    return read_records(read_opened(plain)[1], source.schema)


def readings(batch: Batch) -> int:
    """Values that were delivered."""
    return sum(value is not None for row in batch.rows for value in row.values)


def bytes_a_reading(batches: Iterable[Batch], encode: Callable[[Batch], bytes]) -> float:
    """Over all batches together."""
    size = count = 0
    for batch in batches:
        size += len(encode(batch))
        count += readings(batch)
    return size / count


def limit(source: Recorded, *, first_values_each_s: int) -> float:
    """Bytes a reading below which no coder of differences with one model per register can go.

    Each meter's first value in every such span of time is told as a CBOR integer; 0: nowhere.
    """
    steps: list[Counter[int]] = [Counter() for _ in source.rows[0].values]
    before: dict[tuple[int, int, int], int] = {}
    first_bytes = count = 0
    for row in source.rows:
        span = (row.captured_at_s - START_S) // first_values_each_s if first_values_each_s else 0
        for place, value in enumerate(row.values):
            if value is None:
                continue
            key = (span, row.meter, place)
            if key in before:
                steps[place][value - before[key]] += 1
                count += 1
            elif first_values_each_s:
                first_bytes += len(cbor.encode(value))
                count += 1
            before[key] = value
    bits = -sum(n * math.log2(n / sum(counter.values()))
                for counter in steps for n in counter.values())
    return (bits / 8 + first_bytes) / count


def days_of(source: Recorded, days: int) -> list[Batch]:
    """A batch of all meters for each day."""
    return [source.batch(first_s=START_S + d * DAY_S, last_s=START_S + (d + 1) * DAY_S)
            for d in range(days)]


def sizes(source: Recorded, days: int, suffix: str, goals: dict[str, str]) -> list[Figure]:
    """The three sizes at one resolution, each against its limit."""
    meter_days = [source.batch(first_s=START_S, last_s=START_S + DAY_S, meter=m)
                  for m in range(METERS)]
    day_limit, hour_limit = (limit(source, first_values_each_s=each_s) for each_s in (DAY_S, 0))
    unit = "bytes a reading"

    def wire(batch: Batch) -> bytes:
        return sealed(batch, source.schema)

    return [
        Figure("day_64_meters" + suffix, bytes_a_reading(days_of(source, days), wire), unit,
               _LIMIT, day_limit, goals.get("day_64_meters")),
        Figure("day_1_meter" + suffix, bytes_a_reading(meter_days, wire), unit, _LIMIT,
               day_limit, goals.get("day_1_meter")),
        Figure("hour_delta_64_meters" + suffix, chain_bytes_a_reading(source, days), unit,
               "order-0 entropy of differences to the hour before", hour_limit,
               goals.get("hour_delta_64_meters")),
    ]


def beside_peers(source: Recorded, ours: float) -> list[Figure]:
    """The day of 64 meters against others' encodings of the same rows."""
    day = source.batch(first_s=START_S, last_s=START_S + DAY_S)
    count = readings(day)
    found = []
    for name, encode in (("gateway JSON", gateway_json), ("CBOR maps", cbor_maps),
                         ("SenML-CBOR", senml_cbor), ("Sparkplug B", sparkplug_b)):
        plain = encode(day.rows, source.schema)
        for whole, data in ((name, plain), (name + " + deflate", deflated(plain))):
            found.append(Figure(
                f"day_64_meters_vs_{_word(whole)}", ours, "bytes a reading", whole,
                len(data) / count))
    return found


def rates(source: Recorded, least_s: float) -> list[Figure]:
    """Readings a second, one day of 64 meters at a time, with the seal.

    `encode` and `decode` are the portable reference in pure Python, `head_end_decode` is the
    head-end's NumPy; the peers' codecs are in C and theirs have no seal.
    """
    day = source.batch(first_s=START_S, last_s=START_S + DAY_S)
    count = readings(day)
    wire = sealed(day, source.schema)
    assert sorted(opened(wire, source).rows, key=_SEQUENCE) == sorted(day.rows, key=_SEQUENCE)
    maps, senml = cbor_maps(day.rows, source.schema), senml_cbor(day.rows, source.schema)
    text = gateway_json(day.rows, source.schema)
    peers = ["gateway JSON", "CBOR maps", "SenML-CBOR"]
    encoded = per_second([
        lambda: sealed(day, source.schema), lambda: gateway_json(day.rows, source.schema),
        lambda: cbor_maps(day.rows, source.schema), lambda: senml_cbor(day.rows, source.schema),
    ], count, least_s)
    decoded = per_second([
        lambda: opened_in_columns(wire, source), lambda: opened(wire, source),
        lambda: json.loads(text), lambda: cbor2.loads(maps), lambda: cbor2.loads(senml),
    ], count, least_s)
    head_end, *decoded = decoded
    return [
        Figure(f"{way}_readings_per_s_vs_{_word(name)}", ours, "readings/s", name + " (C)", peer)
        for way, (ours, *others) in (
            ("encode", encoded), ("decode", decoded), ("head_end_decode", [head_end, *decoded[1:]]))
        for name, peer in zip(peers, others, strict=True)]


def _word(name: str) -> str:
    return name.lower().replace(" + ", "_").replace(" ", "_").replace("-", "_")


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    days = 7 if quick else 28
    found: list[Figure] = []
    days_beside_floor: list[Figure] = []
    for suffix, scaler, goals in (("", 1, GOALS), ("_1wh", 0, {})):
        source = recorded(days=days, energy_scaler=scaler)
        found += sizes(source, days, suffix, goals)
        days_beside_floor.append(found[-3])
        if not suffix:
            found += beside_peers(source, found[0].value)
            found += rates(source, 1.0 if quick else 4.0)
    worse = max(days_beside_floor, key=lambda figure: figure.ratio)
    found.append(Figure("day_64_meters_vs_floor", worse.value, worse.unit, _LIMIT,
                        worse.reference, FLOOR_GOAL))
    report("batch", found)


if __name__ == "__main__":
    main()
