"""`make demo-update`: a gateway of the running demo goes to a better release, then meets a bad one.

Beside a demo that runs: one more cabinet, claimed as a person would, under the launcher; two
releases, made and signed here; and two campaigns, each asked for by one account and approved by
another. Starts command lines and imports no room.
"""

import json
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
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
_SECOND = "bert"                # Agrees to what `admin` asks for.
_PLAN = {"canary": False, "shares": [100], "spread_s": 0, "soak_s": 60, "settle_s": 10,
         "worse_points": 30}
_PATIENCE_S = 600.0
_LOOK_S = 1.0


class Update:
    """One more cabinet of the demo in `place`, and what is sent to it."""

    def __init__(self, place: Place) -> None:
        """Raises DemoRefused where no demo runs."""
        if not place.read_parts() or not place.environment.exists():
            raise DemoRefused("no demo runs here: `make demo` starts one, in another terminal")
        self._place = place
        self._environment: dict[str, str] = json.loads(place.environment.read_text())
        if json.loads(place.clock.read_text()).get("speed", 1) != 1:
            raise DemoRefused("orders are good for a time: this needs a demo without SPEED")
        self._cabinet = Cabinet(NUMBER, place.cabinet(NUMBER), METERS)
        self._releases = place.root / "releases"
        self._parts: list[Part] = []
        self._tokens: dict[str, str] = {}

    @property
    def _address(self) -> str:
        return "http://127.0.0.1:%s" % self._environment["WUM_WEB_PORT"]

    def run(self) -> None:
        """Until both campaigns are over; its cabinet ends with it, its data stay."""
        try:
            self._prepare()
            for name in ("admin", _SECOND):
                self._tokens[name] = self._token(name)
            self._start()
            for kind in (BETTER, CRASHING):
                self._campaign(kind)
            self._say(f"read on: {self._address}/campaigns, and the gateway's own log "
                      f"{self._place.logs / 'edge-9.log'}")
        finally:
            for part in reversed(self._parts):
                part.ask_to_end()
                part.await_end(time.monotonic() + 3)

    def _prepare(self) -> None:
        if not (self._releases / CRASHING.name / "envelope.suit").exists():
            if self._releases.exists():
                raise DemoRefused(f"{self._releases} is half made: remove it, then again")
            prepare(self._releases, ROOT, self._step)
        if not (self._place.root / "root.key").exists():
            self._step("orders: a trust document, signed by a root of its own",
                       ["wum-cloud", "trust", str(self._place.root / "root.key")])

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

    def _campaign(self, kind: Kind) -> None:
        token = self._place.root / "token"
        token.touch(0o600)
        token.write_text(self._tokens["admin"])
        said = self._step(f"handing in {kind.version}, which is {kind.name}", [
            "wum-firmware", "release", str(self._releases / kind.name), "--to", self._address,
            "--token-file", str(token)])
        number = re.findall(r"release (\d+) of http", said)[0]
        self._until("its first word", lambda: self._try_to_ask(int(number), kind))

    def _try_to_ask(self, release: int, kind: Kind) -> bool:
        try:
            made = self._ask("admin", "/campaigns", {
                "release": release, "name": f"to {kind.version}, which is {kind.name}",
                "reason": "somebody watches", "plan": _PLAN})
        except StepFailed as error:
            if "there are 0" in str(error):        # The gateway has not told yet what it runs.
                return False
            raise
        self._ask(_SECOND, f"/campaigns/{made['id']}/approval", {})
        self._say(f"watch it: {self._address}/campaigns/{made['id']}")
        shown: list[str] = []
        self._until("its end", lambda: self._is_over(int(str(made["id"])), shown))
        return True

    def _is_over(self, number: int, shown: list[str]) -> bool:
        """Says what is new in its log."""
        items = self._ask("admin", f"/campaigns/{number}/log")["items"]
        assert isinstance(items, list)
        lines = [f"  {line['what']:10} {line['words']}" for line in reversed(items)]
        for line in lines[len(shown):]:
            self._say(line)
        shown[:] = lines
        return self._ask("admin", f"/campaigns/{number}")["state"] in ("done", "stopped", "aborted")

    def _until(self, what: str, look: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not look():
            for part in self._parts:
                if not part.is_running():
                    raise StepFailed(f"{part.name} ended:\n{part.last_words()}")
            if time.monotonic() > deadline:
                raise StepFailed(f"{what} did not come within {_PATIENCE_S:.0f} s")
            time.sleep(_LOOK_S)

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
