"""A concentrator is planned, claimed and told with its keys what to read; changed, and refuses what
is wrong whole; its meter is replaced, and the delivery point's series goes on.
"""

import re
import socket
import sys
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from demo.loopback import free_port
from tests.system.test_enrolment import Place, place

__all__ = ["place"]     # The fixture: a head-end and its broker, running.
_BIN = Path(sys.executable).parent


class Console:
    """A browser of the operator's, without a window."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        """A page."""
        return self._open(Request(self._address + path))

    def post(self, path: str, page: str = "", **fields: str | list[str]) -> str:
        """The answer to a form that stands on `page`."""
        if page:
            found = re.search(r'name="csrf" value="([^"]+)"', self.get(page))
            assert found is not None
            fields["csrf"] = found[1]
        return self._open(Request(self._address + path, urlencode(fields, doseq=True).encode(), {
            "Sec-Fetch-Site": "same-origin"}))

    def _open(self, request: Request) -> str:
        try:
            with self._opener.open(request, timeout=180) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            return error.read().decode()


@pytest.fixture
def console(place: Place) -> Iterator[Console]:
    """Somebody is signed in."""
    password = place.folder / "console.password"
    port = free_port()
    place.environment.update({
        "WUM_WEB_HOST": "127.0.0.1", "WUM_WEB_PORT": str(port),
        "WUM_WEB_FIRST_PASSWORD_FILE": str(password)})
    place.run(sys.executable, "-m", "wum_cloud.web.vendor")
    with place.started("web", [str(_BIN / "wum-cloud"), "web"]):
        place.wait_for("console", lambda: is_listening(port))
        found = Console("http://127.0.0.1:%d" % port)
        found.post("/sign-in", name="admin", password=password.read_text().strip())
        yield found


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def registry_file(place: Place, device: str, port: int, model: str) -> str:
    """One bus behind a serial server, and a meter on it: energy is read every two seconds, volts
    every three.
    """
    file = place.folder / "registry.csv"
    file.write_text(
        "kind,name,concentrator,port,period_s,model,delivery_point,bus,address,schedule,registers,"
        "parts\n"
        "schedule,often,,,2,,,,,,,volts\n"
        "schedule,volts,,,3,,,,,,32.7.0 52.7.0 72.7.0,\n"
        f"bus,rs485,{device},tcp://127.0.0.1:{port},,,,,,,,\n"
        f"meter,SDM-1,{device},,,{model},P-1,rs485,1,often,,\n")
    return str(file)


def newest(place: Place, serial: str = "SDM-1") -> int:
    """How many readings of a meter there are."""
    found = place.ask("select count(*) from reading r join meter m using (meter_id)"
                      " where m.serial = '%s'" % serial)
    assert isinstance(found[0][0], int)
    return found[0][0]


def states(place: Place) -> list[object]:
    """What became of each configuration."""
    return [row[0] for row in place.ask(
        "select c.state from configuration_version v join command c using (command_id)"
        " order by v.number")]


def planned(place: Place, console: Console, port: int) -> str:
    """The id of a concentrator that is planned with all it is to read."""
    console.post("/claims/plan", "/claims", name="cabinet 12")
    plan = str(place.ask("select encode(device_id, 'hex') from concentrator"
                         " where planned_at is not null")[0][0])
    place.run("wum-cloud", "registry", "import",
              registry_file(place, plan, port, "eastron-sdm630"))
    page = "/concentrators/%s/configuration" % plan
    assert "meter SDM-1" in console.get(page)
    answer = console.post("/configuration/send", page, concentrator=plan, reason="too early")
    assert "goes with the grant" in answer and not states(place), answer
    return plan


def test_a_planned_concentrator_reads_by_itself_is_changed_and_its_meter_replaced(
        place: Place, console: Console) -> None:
    keys, port = place.folder / "keys", free_port()
    plan = planned(place, console, port)
    code = re.findall(r"Claim code: (\S+)", place.run("wum-edge", "claim", "--keys", str(keys)))[0]
    answer = console.post("/claims", "/claims", code=code, planned=plan)
    assert "it is let in as soon as it comes" in answer, answer
    place.run("wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
              str(place.port), "--ca-file", str(place.certificate), "--wait-s", "60")
    device = str(place.ask("select encode(device_id, 'hex') from concentrator")[0][0])
    assert device != plan and (keys / "first.order").exists()
    file = place.folder / "edge.toml"
    file.write_text(
        f'[concentrator]\nname = "cabinet"\nkeys = "{keys}"\n'
        f'archive = "{place.folder / "archive"}"\narchive_limit_mb = 16\n'
        f'[broker]\nhost = "localhost"\nport = {place.port}\nca_file = "{place.certificate}"\n')
    with (place.started("meter", [str(_BIN / "wum-simulator"), "serve", "--listen",
                                  "127.0.0.1:%d" % port, "--model", "eastron-sdm630"]),
          place.started("edge", [str(_BIN / "wum-edge"), "run", "--config", str(file)])):
        place.wait_for("reading of the planned meter", lambda: newest(place))
        place.wait_for("receipt of the first one", lambda: states(place) == ["done"])
        assert not (keys / "first.order").exists(), "it is on record"
        assert "Nothing would change" in console.get("/concentrators/%s/configuration" % device)
        log = (place.folder / "edge.log").read_text()
        assert log.count("ending") == 1, "it started anew, once"
        place.wait_for("rows of both register sets", lambda: len(place.ask(
            "select distinct register_set_id from reading")) >= 2)
        assert sorted(place.ask("select period_s from meter_register_set")) == [(2,), (3,)]
        refused_whole(place, console, device, port)
        replaced(place, console, device)


def refused_whole(place: Place, console: Console, device: str, port: int) -> None:
    """A slip of a pen is refused with its reason, and what is in force goes on."""
    page = "/concentrators/%s/configuration" % device
    place.run("wum-cloud", "registry", "import", registry_file(place, device, port, "nobody-knows"))
    console.post("/configuration/send", page, concentrator=device, reason="a slip of a pen")
    place.wait_for("refusal", lambda: states(place) == ["done", "failed"])
    shown = console.get(page)
    assert "Configuration 2 was not taken" in shown and "meter[0].model" in shown
    assert "configuration 1" in shown and "nobody-knows" in shown
    before = newest(place)
    place.wait_for("more readings", lambda: newest(place) > before)
    assert (place.folder / "edge.log").read_text().count("ending") == 1
    signed = place.ask("select count(*) from command_receipt r join command using (command_id)"
                       " where kind = 11 and length(r.signed) > 64")
    assert signed[0][0] >= 2  # type: ignore[operator]


def replaced(place: Place, console: Console, device: str) -> None:
    """Another meter hangs there: the old one is archived with what it showed, the new one begins
    with what it shows, and the delivery point has one series over both.
    """
    codes = re.findall(r'name="codes" value="([^"]+)"', console.get("/life/SDM-1"))
    codes = codes[:codes.index("1-0:1.8.0") + 1]         # One form of the page, up to its energy.
    shown = ["" for _ in codes[1:]]
    answer = console.post(
        "/meter-acts/replacement", "/life/SDM-1", serial="SDM-1", new="SDM-2",
        model="eastron-sdm630", concentrator=device, bus="rs485", address="1",
        reason="its display is dark", codes=codes, finals=[*shown, "900000"],
        firsts=[*shown, "0.5"])
    assert "SDM-2" in answer and 'role="alert"' not in answer, answer
    console.post("/configuration/send", "/concentrators/%s/configuration" % device,
                 concentrator=device, reason="the new meter")
    place.wait_for("new configuration", lambda: states(place) == ["done", "failed", "done"])
    place.wait_for("reading of the new meter", lambda: newest(place, "SDM-2"))
    assert place.ask("select serial, archived_at is not null from meter order by serial") == [
        ("SDM-1", True), ("SDM-2", False)]
    assert place.ask(
        "select m.serial, r.is_final, r.value * power(10::numeric, r.scaler)::float8"
        "  from installation_reading r join installation i using (installation_id)"
        "  join meter m using (meter_id) order by 1") == [
            ("SDM-1", True, 900_000_000.0), ("SDM-2", False, 500.0)]
    assert place.ask("select count(distinct delivery_point_id) from meter") == [(1,)]
    point = console.get("/points/P-1")
    assert "SDM-1" in point and "SDM-2" in point
