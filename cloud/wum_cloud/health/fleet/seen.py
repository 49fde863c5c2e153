"""What was seen of a tenant's fleet, as figures for a monitoring system.

Left out: the questions (store.py). Labels are words of this program, whose number the code bounds;
what is not known makes no line, so that nobody mistakes it for nought.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from wum_cloud.health.alarms.store import Raised, is_raised
from wum_cloud.health.fleet.store import Backup, Commands, Concentrators, Keys
from wum_cloud.health.overview import Overview

# Of the head-end itself, not of a tenant's fleet.
OF_INSTALLATION = frozenset({"wum_last_backup_timestamp_seconds", "wum_last_backup_bytes",
                             "wum_database_bytes", "wum_trust_document_timestamp_seconds"})


@dataclass(frozen=True, slots=True)
class Yesterday:
    """The last day that is over everywhere: intervals that were due, are here, were here by six."""

    expected: int
    received: int
    by_six: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything, as of one moment."""

    overview: Overview
    concentrators: Concentrators
    keys: Keys
    commands: list[Commands]
    counted: Mapping[str, int]
    missing: int
    quarantined: int
    yesterday: Yesterday | None
    ledger_until: datetime | None
    alarms: list[Raised]
    backup: Backup | None
    size_bytes: int


def families(seen: Seen) -> Iterator[Metric]:
    """One family for each figure."""
    reporting = seen.overview.reporting
    yield _by("wum_meters", "Meters by whether they gave a row within two of their periods.",
              "state", {"reporting": reporting.reporting,
                        "late": reporting.meters - reporting.reporting})
    yield from _of_concentrators(seen.concentrators)
    yield _by("wum_intervals_today", "Whole intervals since midnight at each meter.", "state", {
        "expected": seen.overview.today.expected, "received": seen.overview.today.received})
    if seen.yesterday is not None:
        yield _by("wum_intervals_yesterday", "Intervals of the last day that is over everywhere; "
                  "by_six: those that were here by six in the morning.", "state", {
                      "expected": seen.yesterday.expected, "received": seen.yesterday.received,
                      "by_six": seen.yesterday.by_six})
    yield from _moment("wum_ledger_counted_until_timestamp_seconds",
                       "Up to when the ledger of completeness is counted.", seen.ledger_until)
    yield _one("wum_records_missing", "Records that concentrators have, or had, and that are "
               "still to come.", seen.missing)
    yield _by("wum_ingest_counted_today", "What ingest counted since midnight UTC, of all "
              "processes and restarts.", "what", seen.counted)
    yield _one("wum_quarantine_entries", "Messages and parts of them that are kept because they "
               "were refused.", seen.quarantined)
    yield _by("wum_alarms", "Events of the last 24 hours that speak of an attack; 0 where there "
              "are too few to call somebody.", "kind", {
                  one.alarm.kind: one.n if is_raised(one) else 0 for one in seen.alarms})
    yield from _of_commands(seen.commands, seen.overview.as_of)
    yield from _of_keys(seen.keys)
    if seen.backup is not None:
        yield from _moment("wum_last_backup_timestamp_seconds",
                           "When the last backup was written whole.", seen.backup.made_at)
        yield _one("wum_last_backup_bytes", "How long it is.", seen.backup.size_bytes)
    yield _one("wum_database_bytes", "The database on its disk.", seen.size_bytes)


def _of_concentrators(found: Concentrators) -> Iterator[Metric]:
    yield _by("wum_concentrators", "Concentrators by state; behind: nothing new for two periods; "
              "never: has not delivered yet.", "state", {
                  "delivering": found.delivering, "behind": found.behind, "never": found.never,
                  "revoked": found.revoked})
    for name, what, age_s in (
            ("wum_newest_capture_age_seconds", "Age of the newest reading of the whole fleet.",
             found.newest_capture_age_s),
            ("wum_newest_contact_age_seconds", "Since when nobody of the fleet was heard.",
             found.newest_contact_age_s)):
        if age_s is not None:
            yield GaugeMetricFamily(name, what, value=age_s)


def _of_commands(found: Iterable[Commands], now: datetime) -> Iterator[Metric]:
    by_state = GaugeMetricFamily(
        "wum_commands", "Commands by state; those that are over, of the last day.",
        labels=["state"])
    oldest = GaugeMetricFamily(
        "wum_commands_oldest_seconds", "Age of the oldest of them.", labels=["state"])
    for one in found:
        by_state.add_metric([one.state], one.n)
        oldest.add_metric([one.state], max(0.0, (now - one.oldest_at).total_seconds()))
    yield by_state
    yield oldest


def _of_keys(found: Keys) -> Iterator[Metric]:
    yield _one("wum_epochs_opened_last_day", "Concentrators that opened a new epoch of keys within "
               "24 hours.", found.epochs_opened_last_day)
    yield _one("wum_epochs_late", "Concentrators that were heard within the day, and whose keys "
               "are older than three.", found.epochs_late)
    yield from _moment("wum_broker_passwords_oldest_timestamp_seconds", "When the oldest password "
                       "of a concentrator that was heard within the day was given.",
                       found.oldest_password_at)
    yield from _moment("wum_trust_document_timestamp_seconds", "When the trust document in force "
                       "was made.", found.trust_made_at)


def _one(name: str, what: str, value: int) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _by(name: str, what: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


def _moment(name: str, what: str, at: datetime | None) -> Iterator[Metric]:
    if at is not None:
        yield GaugeMetricFamily(name, what, value=at.timestamp())
