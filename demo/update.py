"""Updates in the demo: two releases that wait for somebody to start them, a good one and a bad one.

`make demo` runs `Offer` as a part: one more cabinet, claimed as a person would, under the launcher;
two releases, made and signed here; and a campaign for each, which one account has asked for and
another has to approve, on its page. `make demo-update` approves them in the place of a person.
Starts command lines and imports no room.
"""

import json
import math
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from demo.clock import Clock
from demo.errors import DemoRefused, StepFailed
from demo.parts import Part
from demo.place import Place
from demo.releases import BETTER, CRASHING, TRUST, Kind, prepare
from demo.steps import run_step
from demo.street import Cabinet

ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
NUMBER, METERS = 9, 4           # Of its cabinet.
_SECOND = "bert"                # Asks for what `admin` has to agree to.
_PLAN = {"canary": False, "shares": [100], "spread_s": 0, "soak_s": 60, "settle_s": 10,
         "worse_points": 30}
_PATIENCE_S = 600.0
_LOOK_S = 1.0
_OVER = ("done", "stopped", "aborted")


class Campaigns:
    """What both have to do with the running demo in `place`."""

    def __init__(self, place: Place) -> None:
        """Raises DemoRefused where no demo runs that updates can be shown in."""
        if not place.environment.exists():
            raise DemoRefused("no demo runs here: `make demo` starts one, in another terminal")
        self._place = place
        self._environment: dict[str, str] = json.loads(place.environment.read_text())
        if json.loads(place.clock.read_text()).get("speed", 1) != 1:
            raise DemoRefused("orders are good for a time: this needs a demo without SPEED")
        self._parts: list[Part] = []
        self._tokens: dict[str, str] = {}

    @property
    def _address(self) -> str:
        return "http://127.0.0.1:%s" % self._environment["WUM_WEB_PORT"]

    def _until(self, what: str, look: Callable[[], bool], patience_s: float = _PATIENCE_S) -> None:
        deadline = time.monotonic() + patience_s
        while not look():
            for part in self._parts:
                if not part.is_running():
                    raise StepFailed(f"{part.name} ended:\n{part.last_words()}")
            if time.monotonic() > deadline:
                raise StepFailed(f"{what} did not come within {patience_s:.0f} s")
            time.sleep(_LOOK_S)

    def _campaign(self, kind: Kind) -> Mapping[str, object] | None:
        """The newest campaign about a release; None where there is none."""
        items = self._ask(_SECOND, "/campaigns")["items"]
        assert isinstance(items, list)
        found = [one for one in items if one["name"] == _name(kind) and one["state"] != "withdrawn"]
        return found[0] if found else None

    def _token(self, name: str) -> str:
        kept = self._place.root / f"token-{name}"
        if not kept.exists():
            if name == _SECOND:
                self._step(f"accounts: {name}, who has to agree", [
                    "wum-cloud", "account", "add", name, "--role", "operator"])
            said = self._step(f"accounts: a token of {name}", [
                "wum-cloud", "token", "create", f"demo-{name}", "--account", name, "--role",
                "operator"])
            kept.touch(0o600)
            kept.write_text(re.findall(r"wum_\S+", said)[0])
        return kept.read_text()

    def _ask(self, name: str, path: str, body: object = None) -> Mapping[str, object]:
        request = urllib.request.Request(
            self._address + "/api/v1" + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": "Bearer " + self._tokens[name], "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: Mapping[str, object] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            raise StepFailed(f"{path}: {error.read().decode()}") from None

    def _part(self, name: str, command: list[str]) -> None:
        part = Part(name, command, self._environment, self._place.logs / f"{name}.log", ROOT)
        part.start()
        self._parts.append(part)
        self._say(f"{name}: started (process {part.pid})")

    def _step(self, title: str, words: list[str]) -> str:
        self._say(title)
        program = shutil.which("git") if words[0] == "git" else str(_BIN / words[0])
        if program is None:
            raise StepFailed("git is not installed; a release is built from a commit")
        return run_step(title, [program, *words[1:]], self._environment, ROOT)

    def _say(self, line: str) -> None:
        print(line, flush=True)


class Offer(Campaigns):
    """One more cabinet of the demo, and what waits for somebody to start it."""

    def __init__(self, place: Place) -> None:
        """Raises DemoRefused."""
        super().__init__(place)
        self._cabinet = Cabinet(NUMBER, place.cabinet(NUMBER), METERS)
        self._releases = place.root / "releases"

    def run(self) -> None:
        """Until it is ended. Its cabinet ends with it, its data stay; started again it goes on."""
        try:
            self._prepare()
            for name in ("admin", _SECOND):
                self._tokens[name] = self._token(name)
            self._start()
            for kind in (BETTER, CRASHING):
                if self._campaign(kind) is None:
                    number = self._handed_in(kind)
                    self._until("its first word", partial(self._requested, number, kind))
                self._say(f"{kind.version}, which is {kind.name}, waits: {self._address}/campaigns")
                self._until("its end", partial(self._is_over, kind), math.inf)
            self._until("the end", lambda: False, math.inf)
        finally:
            for part in reversed(self._parts):
                part.ask_to_end()
                part.await_end(time.monotonic() + 3)

    def _prepare(self) -> None:
        if not (self._releases / CRASHING.name / "envelope.suit").exists():
            if self._releases.exists():
                raise DemoRefused(f"{self._releases} is half made: remove it, then again")
            prepare(self._releases, ROOT, self._step)

    def _start(self) -> None:
        cabinet, clock = self._cabinet, Clock(int(time.time()), int(time.time()), 1)
        cabinet.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        cabinet.bus.unlink(missing_ok=True)
        self._part("meters-9", [str(_BIN / "wum-simulator"), *cabinet.serve(clock)])
        self._enrol()
        cabinet.write_configuration(int(self._environment["WUM_BROKER_PORT"]), clock)
        (cabinet.keys / TRUST).write_bytes((self._releases / TRUST).read_bytes())
        slots = cabinet.folder / "slots"
        slots.mkdir(mode=0o700, exist_ok=True)
        self._part("edge-9", [
            sys.executable, "-P", "-m", "wum_edge.ports.linux.launcher", str(slots),
            *cabinet.read()])

    def _enrol(self) -> None:
        keys = self._cabinet.keys
        if (keys / "trusted.toml").exists():
            return
        said = self._step("cabinet-9: an identity and a claim code",
                          ["wum-edge", "claim", "--keys", str(keys)])
        code = re.findall(r"Claim code: (\S+)", said)[0]
        self._step("cabinet-9: claiming it", ["wum-cloud", "claim", code, "--name", "cabinet-9"])
        self._step("cabinet-9: it is let in", [
            "wum-edge", "enrol", "--keys", str(keys), "--broker", "127.0.0.1", "--port",
            self._environment["WUM_BROKER_PORT"], "--plain", "--wait-s", "60"])

    def _handed_in(self, kind: Kind) -> int:
        token = self._place.root / "token"
        token.touch(0o600)
        token.write_text(self._tokens[_SECOND])
        said = self._step(f"handing in {kind.version}, which is {kind.name}", [
            "wum-firmware", "release", str(self._releases / kind.name), "--to", self._address,
            "--token-file", str(token)])
        return int(re.findall(r"release (\d+) of http", said)[0])

    def _requested(self, release: int, kind: Kind) -> bool:
        try:
            self._ask(_SECOND, "/campaigns", {
                "release": release, "name": _name(kind), "reason": "somebody watches",
                "plan": _PLAN})
        except StepFailed as error:
            if "there are 0" in str(error):        # The gateway has not told yet what it runs.
                return False
            raise
        return True

    def _is_over(self, kind: Kind) -> bool:
        found = self._campaign(kind)
        return found is None or found["state"] in _OVER


class Update(Campaigns):
    """Presses the button in the place of a person, and says what comes of it."""

    def run(self) -> None:
        """Until both campaigns are over."""
        for name in ("admin", _SECOND):
            self._until("the part `updates` of the demo", partial(self._has_token, name))
        for kind in (BETTER, CRASHING):
            self._until(f"{kind.version} to be ready", partial(self._is_ready, kind))
            found = self._campaign(kind)
            assert found is not None
            number = int(str(found["id"]))
            if found["state"] == "requested":
                self._ask("admin", f"/campaigns/{number}/approval", {})
            self._say(f"watch it: {self._address}/campaigns/{number}")
            shown: list[str] = []
            self._until("its end", partial(self._told, number, shown))
        self._say(f"read on: {self._address}/campaigns, and the gateway's own log "
                  f"{self._place.logs / 'edge-9.log'}")

    def _has_token(self, name: str) -> bool:
        kept = self._place.root / f"token-{name}"
        if not kept.exists() or not kept.read_text():
            return False
        self._tokens[name] = kept.read_text()
        return True

    def _is_ready(self, kind: Kind) -> bool:
        return self._campaign(kind) is not None

    def _told(self, number: int, shown: list[str]) -> bool:
        """Says what is new in its log; whether it is over."""
        items = self._ask("admin", f"/campaigns/{number}/log")["items"]
        assert isinstance(items, list)
        lines = [f"  {line['what']:10} {line['words']}" for line in reversed(items)]
        for line in lines[len(shown):]:
            self._say(line)
        shown[:] = lines
        return self._ask("admin", f"/campaigns/{number}")["state"] in _OVER


def _name(kind: Kind) -> str:
    return f"to {kind.version}, which is {kind.name}"
