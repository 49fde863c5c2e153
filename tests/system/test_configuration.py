"""A change in the console reaches a concentrator that came from its box with nothing to read."""

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

    def post(self, path: str, page: str = "", **fields: str) -> str:
        """The answer to a form that stands on `page`."""
        if page:
            found = re.search(r'name="csrf" value="([^"]+)"', self.get(page))
            assert found is not None
            fields["csrf"] = found[1]
        return self._open(Request(self._address + path, urlencode(fields).encode(), {
            "Sec-Fetch-Site": "same-origin"}))

    def _open(self, request: Request) -> str:
        try:
            with self._opener.open(request, timeout=30) as answer:
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
    """One bus behind a serial server, and a meter on it that is read every two seconds."""
    file = place.folder / "registry.csv"
    file.write_text(
        "kind,name,concentrator,port,period_s,model,delivery_point,bus,address,schedule\n"
        "schedule,often,,,2,,,,,\n"
        f"bus,rs485,{device},tcp://127.0.0.1:{port},,,,,,\n"
        f"meter,SDM-1,{device},,,{model},P-1,rs485,1,often\n")
    return str(file)


def newest(place: Place) -> int:
    """How many readings of the meter there are."""
    found = place.ask("select count(*) from reading r join meter m using (meter_id)"
                      " where m.serial = 'SDM-1'")
    assert isinstance(found[0][0], int)
    return found[0][0]


def states(place: Place) -> list[object]:
    """What became of each configuration."""
    return [row[0] for row in place.ask(
        "select c.state from configuration_version v join command c using (command_id)"
        " order by v.number")]


def test_a_change_in_the_console_reaches_an_agent_and_a_bad_one_is_refused_whole(
        place: Place, console: Console) -> None:
    keys, port = place.folder / "keys", free_port()
    code = re.findall(r"Claim code: (\S+)", place.run("wum-edge", "claim", "--keys", str(keys)))[0]
    place.run("wum-cloud", "claim", code, "--name", "cabinet 12")
    place.run("wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
              str(place.port), "--ca-file", str(place.certificate), "--wait-s", "60")
    device = str(place.ask("select encode(device_id, 'hex') from concentrator")[0][0])
    page = "/concentrators/%s/configuration" % device
    file = place.folder / "edge.toml"
    file.write_text(
        f'[concentrator]\nname = "cabinet"\nkeys = "{keys}"\n'
        f'archive = "{place.folder / "archive"}"\narchive_limit_mb = 16\n'
        f'[broker]\nhost = "localhost"\nport = {place.port}\nca_file = "{place.certificate}"\n')
    with (place.started("meter", [str(_BIN / "wum-simulator"), "serve", "--listen",
                                  "127.0.0.1:%d" % port, "--model", "eastron-sdm630"]),
          place.started("edge", [str(_BIN / "wum-edge"), "run", "--config", str(file)])):
        place.wait_for("first event", lambda: place.ask("select from event"))
        place.run("wum-cloud", "registry", "import",
                  registry_file(place, device, port, "eastron-sdm630"))
        shown = console.get(page)
        assert "meter SDM-1" in shown and "its own file" in shown
        answer = console.post("/configuration/send", page, concentrator=device,
                              reason="its first meter")
        assert "Sent: what becomes of it" in answer, answer
        place.wait_for("configuration in force", lambda: states(place) == ["done"])
        place.wait_for("reading of the new meter", lambda: newest(place))
        assert "Nothing would change" in console.get(page)
        log = (place.folder / "edge.log").read_text()
        assert log.count("ending") == 1, "it started anew, once"

        place.run("wum-cloud", "registry", "import",
                  registry_file(place, device, port, "nobody-knows"))
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
