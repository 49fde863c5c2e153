"""What one process counts of itself: every figure that is not in the database, with its meaning.

The library (prometheus_client) keeps the sums and knows the form; its way for several processes is
files in a folder of one machine, where ours are on several, so each tells its figures to the
database (telling.py) and whoever is asked tells all of them. Labels are words of this program and
routes, never a meter, a concentrator or a person: their number is bounded by the code.
Left out: what the database itself knows (health/fleet).
"""

import platform
from collections.abc import Callable
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()    # type: ignore[no-untyped-call]  # Twice the lines, for nothing.
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_BUILD = Gauge("wum_build_info", "Which version runs; always 1.", ["version", "python"],
               registry=REGISTRY)
_BUILD.labels(version("wum-cloud"), platform.python_version()).set(1)

# The console and the API.
REQUESTS = Counter(
    "wum_http_requests", "Requests that were answered.", ["method", "route", "status"],
    registry=REGISTRY)
REQUEST_S = Histogram(
    "wum_http_request_seconds", "From the request's head to the end of its answer.", ["route"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), registry=REGISTRY)

# Ingest.
MESSAGES = Counter(
    "wum_ingest_messages", "Messages that the broker handed over.", ["stream"],
    registry=REGISTRY)
BATCHES = Counter(
    "wum_ingest_batches", "Batches whose records were committed.", registry=REGISTRY)
ROWS = Counter("wum_ingest_rows", "Rows of readings that batches held, repetitions included, "
               "committed.", registry=REGISTRY)
REFUSED = Counter(
    "wum_ingest_refused", "Records, and messages without records, that were set aside.",
    ["reason"], registry=REGISTRY)
COMMIT_S = Histogram(
    "wum_ingest_transaction_seconds", "From gathered messages to the end of their transaction.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30), registry=REGISTRY)
DATABASE_FAILURES = Counter(
    "wum_ingest_database_failures", "Transactions that the database did not take; they are tried "
    "again.", registry=REGISTRY)
DROPPED = Counter(
    "wum_ingest_dropped", "Messages that found no room, unacknowledged: they are sent again.",
    registry=REGISTRY)
WAITING = Gauge(
    "wum_ingest_waiting_messages", "Messages that are not yet being stored.", registry=REGISTRY)
OLDEST_S = Gauge(
    "wum_ingest_oldest_unacknowledged_seconds", "How long the oldest message here has waited for "
    "its acknowledgement; 0 where none waits.", registry=REGISTRY)

# The broker, as ingest sees it.
BROKER_CONNECTED = Gauge(
    "wum_broker_connected", "1 while the subscription to the broker stands.", registry=REGISTRY)
BROKER_LOST = Counter(
    "wum_broker_lost", "Connections to the broker that failed or broke.", registry=REGISTRY)
BROKER_CERTIFICATE = Gauge(
    "wum_broker_certificate_expires_timestamp_seconds", "When the broker's certificate ends, as of "
    "the last connection; 0: not known.", registry=REGISTRY)
BROKER_PASSWORD = Gauge(
    "wum_broker_password_changed_timestamp_seconds", "When the file of the head-end's password was "
    "written; 0: not known.", registry=REGISTRY)

# The pool of connections to the database.
POOL = Gauge("wum_database_connections", "Connections of the pool.", ["state"], registry=REGISTRY)
POOL_WAITING = Gauge("wum_database_requests_waiting", "Who waits for a connection of the pool.",
                     registry=REGISTRY)
SPACE = Gauge("wum_disk_free_bytes", "Free on the disk of the key file.", registry=REGISTRY)


def watch(gauge: Gauge, ask: Callable[[], float]) -> None:
    """Let a figure be asked for when somebody wants it."""
    gauge.set_function(ask)


def watch_pool(stats: Callable[[], dict[str, int]]) -> None:
    """The figures of this process's pool; `stats` as psycopg_pool's get_stats."""
    POOL.labels("open").set_function(lambda: stats().get("pool_size", 0))
    POOL.labels("free").set_function(lambda: stats().get("pool_available", 0))
    POOL_WAITING.set_function(lambda: stats().get("requests_waiting", 0))
