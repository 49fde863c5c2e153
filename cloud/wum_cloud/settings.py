"""Settings of the head-end: the environment as one frozen record.

Left out: secrets themselves. A setting names the file that holds a secret; the room that needs it
reads it. Every mistake is found at once, so that a person corrects the environment once.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wum_cloud import logs

_TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_T = TypeVar("_T")
_GROUP_MAX = 64  # Characters of a shared subscription's name.
# The ledger counts 400 days again from the readings; no concentrator delivers later than that.
KEEP_DAYS_MIN = 450


class SettingsError(Exception):
    """The environment cannot be used: one sentence for each mistake, each on its own line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `wum-cloud` was told. Paths are None where nothing was said; see `required`."""

    database_url: str               # WUM_DATABASE_URL, as libpq reads it
    broker_host: str                # WUM_BROKER_HOST
    broker_port: int                # WUM_BROKER_PORT, 1..65535
    broker_user: str                # WUM_BROKER_USER, the head-end's own account on the broker
    broker_password_file: Path | None  # WUM_BROKER_PASSWORD_FILE
    broker_folder: Path | None      # WUM_BROKER_FOLDER: its files are kept up to date there
    broker_pid_file: Path | None    # WUM_BROKER_PID_FILE: who is told that they changed
    broker_tls: bool                # WUM_BROKER_TLS; plain is for brokers on this machine only
    broker_ca_file: Path | None     # WUM_BROKER_CA_FILE; None: the system's authorities
    shared_group: str | None        # WUM_SHARED_GROUP: parallel ingest shares one subscription
    key_file: Path | None           # WUM_KEY_FILE: seals the concentrators' keys in the database
    release_trust: Path | None      # WUM_RELEASE_TRUST: whose releases are taken in
    ahead_s: int                    # WUM_AHEAD_S: a row captured later than this is set aside
    keep_days: int                  # WUM_KEEP_DAYS: older readings are dropped; 0: never
    log: str                        # WUM_LOG: text for people, json for machines
    web_host: str                   # WUM_WEB_HOST
    web_port: int                   # WUM_WEB_PORT, 1..65535
    web_workers: int                # WUM_WEB_WORKERS: processes that answer, 1..16
    web_requests_per_s: int         # WUM_WEB_REQUESTS_PER_S, of one account; 0: no limit
    web_first_password_file: Path | None  # WUM_WEB_FIRST_PASSWORD_FILE; None: it is printed


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`. Raises SettingsError with a sentence for every mistake."""
    mistakes: list[str] = []
    read = _Reader(environment, mistakes)
    host = read.text("WUM_BROKER_HOST", "127.0.0.1")
    tls = read.truth("WUM_BROKER_TLS", False)
    settings = Settings(
        database_url=read.text("WUM_DATABASE_URL", ""),
        broker_host=host,
        broker_port=read.number("WUM_BROKER_PORT", 8883 if tls else 1883, 1, 65535),
        broker_user=read.text("WUM_BROKER_USER", "head-end"),
        broker_password_file=read.path("WUM_BROKER_PASSWORD_FILE"),
        broker_folder=read.path("WUM_BROKER_FOLDER"),
        broker_pid_file=read.path("WUM_BROKER_PID_FILE"),
        broker_tls=tls,
        broker_ca_file=read.path("WUM_BROKER_CA_FILE"),
        shared_group=read.text("WUM_SHARED_GROUP", "") or None,
        key_file=read.path("WUM_KEY_FILE"),
        release_trust=read.path("WUM_RELEASE_TRUST"),
        ahead_s=read.number("WUM_AHEAD_S", 300, 0, 86400),
        keep_days=read.number("WUM_KEEP_DAYS", 0, 0, 36500),
        log=read.word("WUM_LOG", logs.TEXT, logs.FORMS),
        web_host=read.text("WUM_WEB_HOST", "127.0.0.1"),
        web_port=read.number("WUM_WEB_PORT", 8000, 1, 65535),
        web_workers=read.number("WUM_WEB_WORKERS", 1, 1, 16),
        web_requests_per_s=read.number("WUM_WEB_REQUESTS_PER_S", 50, 0, 10_000),
        web_first_password_file=read.path("WUM_WEB_FIRST_PASSWORD_FILE"),
    )
    mistakes += _contradictions(settings)
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return settings


def required(path: Path | None, name: str, why: str) -> Path:
    """`path`, when the setting `name` was given. Raises SettingsError saying `why` it is needed."""
    if path is None:
        raise SettingsError("%s is not set: wanted the path of %s." % (name, why))
    return path


def _contradictions(settings: Settings) -> list[str]:
    mistakes = []
    if not settings.database_url:
        mistakes.append(
            "WUM_DATABASE_URL is not set: wanted the address of a PostgreSQL database, "
            "such as postgresql://user@host:5432/wum.")
    if not settings.broker_tls and not is_loopback(settings.broker_host):
        mistakes.append(
            "WUM_BROKER_HOST is %s, which is not this machine, and WUM_BROKER_TLS is off: "
            "set WUM_BROKER_TLS=true. A password never travels in the clear."
            % settings.broker_host)
    if settings.broker_pid_file and not settings.broker_folder:
        mistakes.append("WUM_BROKER_PID_FILE is set and WUM_BROKER_FOLDER is not: set both.")
    if settings.broker_ca_file and not settings.broker_tls:
        mistakes.append("WUM_BROKER_CA_FILE is set and WUM_BROKER_TLS is off: set both or none.")
    if 0 < settings.keep_days < KEEP_DAYS_MIN:
        mistakes.append(
            "WUM_KEEP_DAYS is %d: wanted 0 (readings are kept for ever) or %d days or more, for "
            "the ledger counts 400 days again from them." % (settings.keep_days, KEEP_DAYS_MIN))
    group = settings.shared_group or ""
    if len(group) > _GROUP_MAX or any(c in "/+#" for c in group):
        mistakes.append(
            "WUM_SHARED_GROUP is %r: wanted up to %d characters without / + #."
            % (group, _GROUP_MAX))
    return mistakes


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: `localhost`, or an address that never leaves it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # Another name; where it leads is not looked up.
        return False


class _Reader:
    """Reads one variable at a time and notes what is wrong with it."""

    def __init__(self, environment: Mapping[str, str], mistakes: list[str]) -> None:
        self._environment = environment
        self._mistakes = mistakes

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name, "") or default

    def path(self, name: str) -> Path | None:
        text = self._environment.get(name, "")
        return Path(text) if text else None

    def truth(self, name: str, default: bool) -> bool:
        return self._parsed(name, default, lambda text: _TRUTH[text.lower()], "true or false")

    def word(self, name: str, default: str, words: tuple[str, ...]) -> str:
        return self._parsed(name, default, lambda text: words[words.index(text)],
                            " or ".join(words))

    def number(self, name: str, default: int, least: int, most: int) -> int:
        def parse(text: str) -> int:
            number = int(text)
            if not least <= number <= most:
                raise ValueError
            return number
        return self._parsed(name, default, parse, "a whole number of %d..%d" % (least, most))

    def _parsed(self, name: str, default: _T, parse: Callable[[str], _T], wanted: str) -> _T:
        text = self._environment.get(name, "")
        if not text:
            return default
        try:
            return parse(text)
        except (ValueError, KeyError):
            self._mistakes.append("%s is %r: wanted %s." % (name, text, wanted))
            return default
