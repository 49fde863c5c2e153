"""The key of a street's mesh, as an operator changes it."""

import subprocess

import psycopg

from demo import mesh
from tests.system.street import Street
from wum_shared.orders import NETWORK_KEY


def network_key(street: Street, act: str) -> tuple[int, str]:
    """(exit code, what it said) of a command of the operator's."""
    given = subprocess.run(
        street.program("wum-cloud", "network-key", act, mesh.NAME), env=street.environment,
        capture_output=True, text=True, timeout=90)
    return given.returncode, given.stdout + given.stderr


def stations_have(street: Street, words: str) -> object:
    """Whether the operator is told so. Meanwhile what was not answered is sent every ten seconds,
    and not after minutes."""
    with psycopg.connect(street.database_url) as connection:
        connection.execute(
            "update command set due_at = now() + interval '10 s' where kind = %s and state = 'sent'"
            " and due_at > now() + interval '10 s'", [NETWORK_KEY])
    said = network_key(street, "show")[1]
    (street.place.logs / "network-key.log").write_text(said)    # With the logs of what failed.
    return words in said or None
