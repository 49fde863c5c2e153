"""Figures on their way between processes: as JSON, and back, with a word for whose they are.

Left out: counting (counted.py), the database (store.py).
"""

import json
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST as TEXT
from prometheus_client.exposition import generate_latest as text
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPEN_METRICS
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics

TOLD_MAX = 1024 * 1024   # Bytes of one process's figures; more are not told.


class Unreadable(Exception):
    """What a process told is not what processes tell."""


def as_json(families: Iterable[Metric]) -> str:
    """What `of_json` reads again."""
    return json.dumps([[one.name, one.documentation, one.type, [
        [sample.name, sample.labels, sample.value] for sample in one.samples]]
        for one in families], separators=(",", ":"))


def of_json(told: str) -> list[Metric]:
    """The families that `as_json` was given. Raises Unreadable."""
    try:
        families = []
        for name, documentation, kind, samples in json.loads(told):
            family = Metric(name, documentation, kind)
            for called, labels, value in samples:
                family.add_sample(called, {str(k): str(v) for k, v in labels.items()},
                                  float(value))
            families.append(family)
    except (ValueError, TypeError, AttributeError) as error:
        raise Unreadable(str(error)) from error
    return families


def merged(by_process: dict[str, list[Metric]]) -> list[Metric]:
    """One family of each name, whose samples say of which process they are."""
    found: dict[str, Metric] = {}
    for process, families in by_process.items():
        for family in families:
            into = found.setdefault(
                family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                into.add_sample(sample.name, {**sample.labels, "process": process}, sample.value)
    return list(found.values())


class _Once:
    """A collector of what is given."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def exposition(families: list[Metric], accepted: str) -> tuple[bytes, str]:
    """The text for a monitoring system and its media type, by what the request accepts."""
    registry = CollectorRegistry()
    registry.register(_Once(families))
    if "application/openmetrics-text" in accepted:
        return open_metrics(registry), OPEN_METRICS  # type: ignore[no-untyped-call]
    return text(registry), TEXT
