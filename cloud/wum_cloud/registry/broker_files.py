"""`wum-cloud broker-files DIR`: accounts and topic rights of the broker, in mosquitto's formats.

Every concentrator has its own account and reaches its own topics only, but for gateways of a mesh,
which reach those of its other concentrators as well; the head-end has one.
Nobody comes in without a password. Written by hand, because a person reads them by hand.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from wum_cloud.registry.keys import KeyFileError, write_secret
from wum_cloud.registry.registration import mosquitto_hash
from wum_cloud.registry.store import BrokerAccount
from wum_shared.ids import id_to_text
from wum_shared.topics import ROOT

PASSWORDS = "passwords"
ACL = "acl"
CONFIGURATION = "mosquitto.conf"
_PASSWORD_BYTES = 24


def passwords_text(accounts: list[BrokerAccount], user: str, password: str, salt: bytes) -> str:
    """Content of the password file: one `name:hash` a line, the head-end first."""
    lines = ["%s:%s" % (user, mosquitto_hash(password, salt))]
    lines += ["%s:%s" % (id_to_text(a.device_id), a.password_hash) for a in accounts]
    return "\n".join(lines) + "\n"


def acl_text(user: str, carried: list[tuple[bytes, list[bytes]]] | None = None) -> str:
    """Content of the rights file. Patterns hold for every user: %u is the user's own name.

    `carried`: gateways of meshes, and for whom each carries. They could always withhold what they
    carry; what they cannot do is to read it or to forge it, which is sealed.
    """
    lines: list[str] = []
    for gateway, others in carried or []:
        lines += ["", "# Carries for others of its mesh.", "user " + id_to_text(gateway)]
        for other in others:
            lines += ["topic write %s/%s/up/#" % (ROOT, id_to_text(other)),
                      "topic read %s/%s/down/#" % (ROOT, id_to_text(other))]
    return (
        "# Concentrators: their own topics, by user name.\n"
        "pattern write %(root)s/%%u/up/#\n"
        "pattern read %(root)s/%%u/down/#\n"
        "\n"
        "# The head-end.\n"
        "user %(user)s\n"
        "topic read %(root)s/+/up/#\n"
        "topic write %(root)s/+/down/#\n" % {"root": ROOT, "user": user}
    ) + "".join([line + "\n" for line in lines])


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where the broker listens: with TLS for everybody, and plain on this machine where asked for.

    `plain_port` serves boards and tests that speak no TLS: the same accounts and rights.
    `head_end_port` is for the head-end, on this machine unless `head_end_host` says otherwise.
    """

    certificate: Path
    key: Path
    port: int = 8883
    head_end_port: int = 8884
    head_end_host: str = "127.0.0.1"
    plain_port: int | None = None


def configuration_text(folder: Path, listeners: Listeners) -> str:
    """Content of mosquitto's own file. Nothing is kept over a restart: see docs/promises.md.

    A concentrator's client id is its user name whatever it says, so that nobody ends another's
    session by its id. The head-end connects several times as one user: it has its own listener.
    """
    plain = "" if listeners.plain_port is None else (
        "\n# Without TLS, for this machine alone.\nlistener %d 127.0.0.1\n"
        "use_username_as_clientid true\n" % listeners.plain_port)
    tls = "certfile %s\nkeyfile %s\ntls_version tlsv1.2\n" % (
        listeners.certificate.absolute(), listeners.key.absolute())
    return (
        "# Written by `wum-cloud broker-files`.\n"
        "per_listener_settings false\n"
        "allow_anonymous false\n"
        "password_file %(folder)s/passwords\n"
        "acl_file %(folder)s/acl\n"
        "pid_file %(folder)s/mosquitto.pid\n"
        "persistence false\n"
        "max_packet_size 131072\n"
        "\n"
        "# Concentrators.\n"
        "listener %(port)d\n"
        "use_username_as_clientid true\n%(tls)s"
        "\n"
        "# The head-end.\n"
        "listener %(head_end_port)d %(head_end_host)s\n%(tls)s" % {
            "folder": folder.absolute(), "port": listeners.port, "tls": tls,
            "head_end_port": listeners.head_end_port, "head_end_host": listeners.head_end_host}
    ) + plain


def write_configuration(folder: Path, listeners: Listeners) -> None:
    """Write mosquitto.conf into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / CONFIGURATION, configuration_text(folder, listeners))


def write_broker_files(
        folder: Path, accounts: list[BrokerAccount], user: str, password_file: Path,
        carried: list[tuple[bytes, list[bytes]]] | None = None) -> None:
    """Write both files into `folder`, whole or not at all; make the head-end's password if new.

    Raises KeyFileError when the password file cannot be used.
    """
    write_secret(password_file, secrets.token_urlsafe(_PASSWORD_BYTES) + "\n")
    password = read_password(password_file)
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / PASSWORDS, passwords_text(
        accounts, user, password, secrets.token_bytes(12)))
    _replace(folder / ACL, acl_text(user, carried))


def change_password(path: Path) -> None:
    """A new password for the head-end's own account, in place of the one in `path`."""
    _replace(path, secrets.token_urlsafe(_PASSWORD_BYTES) + "\n")


def read_password(path: Path) -> str:
    """The one line in `path`. Raises KeyFileError for a file that is missing, open or empty."""
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError("The password file %s cannot be read: %s." % (path, error)) from error
    if mode & 0o077:
        raise KeyFileError(
            "The password file %s may be read by others (mode %o): run chmod 600 %s."
            % (path, mode, path))
    if not text:
        raise KeyFileError("The password file %s is empty." % path)
    return text


def _replace(path: Path, text: str) -> None:
    # The broker may read while we write: it sees the old file or the new one.
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
