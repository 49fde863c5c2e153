"""Who may come in and what they may say, for amqtt: read from the files mosquitto reads."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session


@dataclass
class Files:
    """Where `passwords` and `acl` lie; amqtt fills this from its configuration."""

    folder: str = ""


class Passwords(BaseAuthPlugin):
    """Lets in who knows the password of an account in `passwords`; nobody else."""

    Config = Files

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._file = Path(self._get_config_option("folder")) / "passwords"

    async def authenticate(self, *, session: Session) -> bool | None:
        lines = self._file.read_text().splitlines()
        kept = dict(line.split(":", 1) for line in lines if ":" in line)
        return is_password(kept.get(session.username or ""), session.password or "")


class Rights(BaseTopicPlugin):
    """Allows what `acl` allows: `user`, `topic` and `pattern` lines; everything else is refused."""

    Config = Files

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._file = Path(self._get_config_option("folder")) / "acl"

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool | None:
        user = (session.username if session else None) or ""
        wanted = "write" if action == Action.PUBLISH else "read"
        rules = self._file.read_text().splitlines()
        return any(covers(rule, topic or "") for rule in allowed(rules, user, wanted))


def is_password(kept: str | None, password: str) -> bool:
    """Whether `password` matches mosquitto's `$7$rounds$salt$digest` (PBKDF2 with SHA-512)."""
    if kept is None or not kept.startswith("$7$"):
        return False
    rounds, salt, digest = kept.removeprefix("$7$").split("$")
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(rounds))
    return hmac.compare_digest(made, base64.b64decode(digest))


def allowed(lines: list[str], user: str, wanted: str) -> list[str]:
    """The topic filters that `user` may `read` or `write`, as mosquitto.conf(5) says it."""
    found: list[str] = []
    section = ""
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "user":
            section = words[1]
        elif len(words) == 3 and words[1] in (wanted, "readwrite"):
            if words[0] == "pattern" and user and not set("+#/") & set(user):
                found.append(words[2].replace("%u", user))
            elif words[0] == "topic" and section == user:
                found.append(words[2])
    return found


def covers(rule: str, topic: str) -> bool:
    """Whether the filter `rule` covers `topic`, which may be a filter itself (MQTT 3.1.1, 4.7)."""
    rules, levels = rule.split("/"), topic.split("/")
    for place, wanted in enumerate(rules):
        if wanted == "#":
            return True
        if place >= len(levels) or levels[place] == "#":
            return False
        if wanted not in ("+", levels[place]):
            return False
    return len(rules) == len(levels)
