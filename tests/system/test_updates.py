"""A real gateway goes from one version to the next by order, under load; a bad one comes back.

The real launcher, gateway, broker, head-end, database and workbench, by their command lines; what a
campaign is asked for and approved by goes over the API.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from demo.loopback import free_port
from demo.releases import BETTER, CRASHING, KEY, TRUST, prepare
from tests.system.street import ROOT
from tests.system.test_configuration import is_listening
from tests.system.test_enrolment import PATIENCE_S, Place, configuration_of, no_hole, place
from wum_cloud.campaigns import faults
from wum_edge.update import boot
from wum_shared.status import EVENT_STARTED

__all__ = ["place"]     # The fixture: a head-end and its broker, running.
_BIN = Path(sys.executable).parent
PERIOD_S = 3            # A machine that is busy may hold a sweep up for longer than a second.
PLAN = {"spread_s": 0, "soak_s": 9, "settle_s": 3, "canary": False, "shares": [100],
        "worse_points": 60}     # A start takes some of the few seconds that are compared.


class Api:
    """What an account does over the API, by a token of its own."""

    def __init__(self, place: Place, port: int, account: str) -> None:
        if account != "admin":
            place.run("wum-cloud", "account", "add", account, "--role", "operator")
        said = place.run("wum-cloud", "token", "create", account + "s", "--account", account,
                         "--role", "operator")
        self.token = re.findall(r"wum_\S+", said)[0]
        self._address = "http://127.0.0.1:%d/api/v1" % port

    def ask(self, path: str, body: object = None) -> dict[str, object]:
        """What it answers: to a POST with `body`, else to a GET."""
        request = Request(self._address + path, None if body is None else json.dumps(body).encode(),
                          {"Authorization": "Bearer " + self.token,
                           "Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=180) as answer:
                found: dict[str, object] = json.load(answer)
                return found
        except HTTPError as error:
            raise AssertionError(error.read().decode()) from error


def made(place: Place) -> Path:
    """Two releases and the trust in them, which may be rotated; the folder that they are in."""
    folder = place.folder / "releases"

    def step(_: str, words: list[str]) -> None:
        program = words[0] if words[0] == "git" else str(_BIN / words[0])
        subprocess.run([program, *words[1:]], check=True, capture_output=True,
                       timeout=PATIENCE_S, env=place.environment)
    prepare(folder, ROOT, step)
    (folder / TRUST).unlink()
    for name in ("root", "lin"):
        place.run("wum-firmware", "keys", "make", name, "--out", str(folder), *unlocked(folder))
    place.run("wum-firmware", "trust", str(folder / (KEY + ".pub")), "--target", "linux",
              "--threshold", "1", "--root", str(folder / "root.pub"), "--root-threshold", "1",
              "--out", str(folder / TRUST))
    return folder


def unlocked(folder: Path) -> list[str]:
    return ["--passphrase-file", str(folder / "passphrase")]


def rotate(place: Place, ada: Api, folder: Path) -> None:
    """Lin signs releases from here on, and the one of the demo no longer."""
    chain, document = ["--from", str(folder / TRUST)], str(folder / "rotation-2")
    place.run("wum-firmware", "keys", "rotate", "--signers", str(folder / "lin.pub"), "--out",
              document, *chain)
    place.run("wum-firmware", "keys", "agree", document, "--key", str(folder / "root.key"),
              "--yes", *unlocked(folder), *chain)
    place.run("wum-firmware", "keys", "hand-in", document, *handed_by(place, ada))
    place.wait_for("its word that it follows", lambda: place.ask(
        "select from update_standing where trust = 2"))


def handed_by(place: Place, account: Api) -> list[str]:
    """Where to, and with what token."""
    token = place.folder / "token"
    token.write_text(account.token)
    return ["--to", account._address.removesuffix("/api/v1"), "--token-file", str(token)]


def claimed(place: Place, keys: Path) -> None:
    code = re.findall(r"Claim code: (\S+)", place.run("wum-edge", "claim", "--keys", str(keys)))[0]
    place.run("wum-cloud", "claim", code, "--name", "cabinet 12")
    place.run("wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
              str(place.port), "--ca-file", str(place.certificate), "--wait-s", "60")


def asked_for(place: Place, ada: Api, release: Path) -> str:
    """Hand a release in, and ask for it; where the campaign is."""
    said = place.run("wum-firmware", "release", str(release), *handed_by(place, ada))
    number = int(re.findall(r"(?:Taken in|It was there already): release (\d+)", said)[0])
    asked = ada.ask("/campaigns", {"release": number, "name": "to " + release.name,
                                   "reason": "a test of the way", "plan": PLAN})
    return "/campaigns/%s" % asked["id"]


def campaign(place: Place, ada: Api, bob: Api, where: str,
             patience_s: float = PATIENCE_S) -> str:
    """Agree to it; the state in which it ends."""
    bob.ask(where + "/approval", {})
    place.wait_for("end of " + where, lambda: ada.ask(where)["state"] in ("done", "stopped"),
                   patience_s)
    return str(ada.ask(where)["state"])


def test_it_goes_from_one_version_to_the_next_and_a_bad_one_comes_back_and_nothing_is_lost(
        place: Place) -> None:
    releases, keys, bus = made(place), place.folder / "keys", place.folder / "bus"
    port = free_port()
    place.environment.update({
        "WUM_WEB_HOST": "127.0.0.1", "WUM_WEB_PORT": str(port),
        "WUM_WEB_FIRST_PASSWORD_FILE": str(place.folder / "console.password"),
        "WUM_RELEASE_TRUST": str(releases / "release-trust.json")})
    place.run(sys.executable, "-m", "wum_cloud.web.vendor")
    claimed(place, keys)
    (keys / "release-trust.json").write_bytes((releases / "release-trust.json").read_bytes())
    slots = place.folder / "slots"
    slots.mkdir(mode=0o700)
    configuration = configuration_of(place, keys, bus)
    configuration.write_text(configuration.read_text().replace(
        "period_s = 1", "period_s = %d" % PERIOD_S))
    run = [sys.executable, "-P", "-m", "wum_edge.ports.linux.launcher", "--trial-s", "40",
           str(slots), "run", "--config", str(configuration)]
    with (place.started("web", [str(_BIN / "wum-cloud"), "web"]),
          place.started("meters", [str(_BIN / "wum-simulator"), "serve", "--link", str(bus)])):
        place.wait_for("line", bus.exists)
        place.wait_for("console", lambda: is_listening(port))
        ada, bob = Api(place, port, "admin"), Api(place, port, "bob")
        with place.started("edge", run) as process:
            place.wait_for("first reading", lambda: place.ask("select from reading"))
            place.wait_for("its word", lambda: place.ask("select from update_standing"))
            assert place.ask("select sequence from update_standing") == [(0,)]    # The premise.
            retired_keys_sign_nothing_any_more(place, ada, bob, releases)
            where = asked_for(place, ada, releases / BETTER.name)
            assert campaign(place, ada, bob, where) == "done"
            assert member(place, where) == ("good", "")
            assert runs(place) == (BETTER.sequence, "3")
            which_concentrators_have_a_package_is_found_by_the_bill(ada)
            where = asked_for(place, ada, releases / CRASHING.name)
            assert campaign(place, ada, bob, where) == "stopped"
            assert member(place, where) == ("failed", faults.CRASHED)
            place.wait_for("its way back", lambda: runs(place)[0] == BETTER.sequence)
            # The factory, 1.1.0 on trial, and 1.1.0 again after the other one; a crash at import
            # tells nothing, and has read nothing either. After each it reads.
            place.wait_for("its starts", lambda: place.ask(
                "select from event where kind = %d having count(*) = 3"
                " and max(at) + interval '%d s' < (select max(captured_at) from reading)" % (
                    EVENT_STARTED, PERIOD_S)))
            place.wait_for("rows enough to judge by", lambda: place.ask(
                "select 1 from (select distinct extract(epoch from captured_at)::bigint / %d"
                " from reading) as one having count(*) > 20" % PERIOD_S))
            no_hole(place)
            assert process.poll() is None, "all under one launcher"
        every_interval_is_there_or_says_why(place)
    said = (place.folder / "edge.log").read_text()
    assert said.count("starting slot b") == 3 and "made to crash" in said
    assert "audit" not in place.run("wum-cloud", "audit", "verify")


def retired_keys_sign_nothing_any_more(place: Place, ada: Api, bob: Api, folder: Path) -> None:
    """What was taken in before a rotation is refused by the gateway itself, which came with the
    keys of before; signed anew, it and what comes after it are taken.
    """
    where = asked_for(place, ada, folder / BETTER.name)
    rotate(place, ada, folder)
    assert campaign(place, ada, bob, where) == "stopped"
    assert member(place, where) == ("failed", faults.REFUSED)
    ((words,),) = place.ask("select words from campaign_member where campaign_id = %s"
                            % where.split("/")[-1])
    assert "not genuine" in str(words) and "wanted 1 signers that are trusted, got 0" in str(words)
    said = place.run("wum-firmware", "release", str(folder / CRASHING.name),
                     *handed_by(place, ada), code=1)
    assert "wanted 1 signers that are trusted, got 0" in said
    for kind in (BETTER, CRASHING):
        place.run("wum-firmware", "sign", str(folder / kind.name), "--yes", "--key",
                  str(folder / "lin.key"), *unlocked(folder))


def which_concentrators_have_a_package_is_found_by_the_bill(ada: Api) -> None:
    """Step 3 of SECURITY.md's drill: which releases hold it, and how many run those."""
    def running(package: str) -> dict[object, object]:
        releases = ada.ask("/releases")["items"]
        assert isinstance(releases, list)
        return {one["sequence"]: one["running"] for one in releases if any(
            part["name"] == package for part in bill_of(one)["components"])}

    def bill_of(release: dict[str, object]) -> dict[str, list[dict[str, str]]]:
        return ada.ask("/releases/%s/bill" % release["id"])       # type: ignore[return-value]

    assert running("cryptography") == {BETTER.sequence: 1}
    assert running("a package of somebody else") == {}


def member(place: Place, where: str) -> object:
    """(state, fault) of the one concentrator of a campaign."""
    (found,) = place.ask("select state, fault from campaign_member where campaign_id = %s"
                         % where.split("/")[-1])
    return found


def every_interval_is_there_or_says_why(place: Place) -> None:
    """Before, during and after both updates: a reading, a row that says what the meter did not do,
    or a time in which no gateway ran, which ends with the event of its start.
    """
    read = {int(str(at)) // PERIOD_S for at, in place.ask(
        "select extract(epoch from captured_at)::bigint from reading")}
    missed = {int(str(at)) // PERIOD_S for at, in place.ask(
        "select extract(epoch from captured_at)::bigint from missed")}
    starts = [int(str(at)) // PERIOD_S for at, in place.ask(
        "select extract(epoch from at)::bigint from event where kind = %d" % EVENT_STARTED)]
    gone = set()
    for start in starts:
        last = max((at for at in read if at < start), default=start)
        gone |= set(range(last + 1, min(at for at in read if at >= start)))
    due = set(range(min(read), max(read) + 1))
    assert len(read) > 20 and due - read - missed - gone == set()
    assert len(gone) < len(due) / 2, (len(gone), len(due))   # Most of it was read, trials included.


def runs(place: Place) -> tuple[object, str]:
    """(sequence, state) that the gateway told last."""
    ((sequence, state),) = place.ask("select sequence, state from update_standing")
    return sequence, "3" if state in (4, 5) else str(state)


def test_every_word_that_a_gateway_has_for_a_failure_has_a_class_at_the_head_end() -> None:
    for words in boot.WHYS.values():
        assert faults.fault_of("release 4: " + words) != faults.UNKNOWN, words
    offers = (ROOT / "edge" / "wum_edge" / "update" / "offer.py").read_text()
    offers += (ROOT / "edge" / "wum_edge" / "update" / "updater.py").read_text()
    found = re.findall(r'OfferRefused\(\s*"([^"]+)"', offers)
    assert len(found) > 8                               # The premise: they are found.
    for words in found:
        assert faults.fault_of(words) != faults.UNKNOWN, words
