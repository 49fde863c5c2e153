"""Pulse meters end to end: contacts, the gateway that counts them, broker, database, API, console.

Water in litres, electricity at 3200 and 1000 pulses a kWh, two rates, a magnet and a cover; the
gateway is killed in the middle. The street's contacts say how often they closed.
"""

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from fractions import Fraction

import httpx

from demo.street import Input
from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import Street

SPEED, EVERY_S = 600, 600        # Meters are read every second.
MAGNET, COVER = 17, 18
PATIENCE_S = 120
A_DAY_S = 150                    # By the clock, at this speed.
KILOWATT_HOUR, CUBIC_METRE = Fraction(1000), Fraction(1000)     # In Wh and in litres.
# Serial: (index at the start, what one pulse is worth), in steps of the first register.
WATER, HOME, SHOP = "WUM-102", "WUM-103", "WUM-104"
INDEX = {WATER: 1_234_567, HOME: 7_000_000, SHOP: 0}
WORTH = {WATER: Fraction(1), HOME: KILOWATT_HOUR / 3200, SHOP: KILOWATT_HOUR / 1000}
REGISTER = {WATER: "8-0:1.0.0", HOME: "1-0:1.8.0", SHOP: "1-0:1.8.0"}
# Rates 1 and 2 take turns by the hour, so that both count within seconds of compressed time.
_HOURS = ", ".join("{minute = %d, rate = %d}" % (60 * n, 1 + n % 2) for n in range(24))
_DAYS = "".join('%s = "day"\n' % day for day in (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
INPUTS = (
    Input("water-1-litre-pulse", "start = %d\nmagnet = {input = %d}\ncover = {input = %d}\n" % (
        INDEX[WATER], MAGNET, COVER)),
    Input("pulse-3200-per-kwh", "start = %d\n"
          "[meter.access.calendar.zone]\noffset_min = 120\n"
          '[[meter.access.calendar.day]]\nname = "day"\nswitch = [%s]\n'
          "[[meter.access.calendar.season]]\nmonth = 1\nday = 1\n%s" % (
              INDEX[HOME], _HOURS, _DAYS)),
    Input("elster-a100c-pulse"),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """While no contact moves: what the head-end has newest of each meter, and how many pulses it
    had had by then, at least and at most.
    """

    shown: dict[str, int]
    least: dict[str, int]
    most: dict[str, int]

    def lost(self, serial: str) -> tuple[int, int]:
        """Pulses that are in no reading, at least and at most: those before the gateway was
        there, and while it was dead. A reading is what is complete.
        """
        counted = (self.shown[serial] - INDEX[serial]) / WORTH[serial]
        counted_most = (self.shown[serial] + 1 - INDEX[serial]) / WORTH[serial]
        return (self.least[serial] - counted_most.__ceil__() + 1,
                self.most[serial] - counted.__ceil__())


def test_pulses_arrive_to_the_last_one_and_a_killed_gateway_says_what_it_missed(tmp_path):
    street = Street(tmp_path / "street", concentrators=1, meters=4, speed=SPEED, every_s=EVERY_S)
    street.cabinets = [replace(one, inputs=INPUTS, contacts=(MAGNET, COVER))
                       for one in street.cabinets]
    try:
        street.start()
        console = street.start_web()
        for serial in INDEX:
            street.wait_for("pulses of " + serial,
                            lambda serial=serial: newest(street, serial) > INDEX[serial] or None,
                            PATIENCE_S)
        move(street, MAGNET, "closed")
        move(street, COVER, "closed")
        before = seen(street)
        wait_for_event(street, "cover opened")
        street.kill("edge-1")
        time.sleep(1.0)
        street.start_edge(street.cabinets[0])
        wait_for_event(street, "pulses may be missing")
        after = seen(street)
        for serial in INDEX:
            assert after.shown[serial] >= before.shown[serial], "a counter went back"
            missed = after.lost(serial)[0] - before.lost(serial)[1]
            assert missed <= told_missing(street, serial)
        move(street, MAGNET, "open")
        wait_for_event(street, "magnet gone")
        # At night little water runs: the premise is that some did.
        street.wait_for("more pulses", lambda: all(
            n > after.most[serial] for serial, n in pulses(street).items()) or None, A_DAY_S)
        later = seen(street)
        for serial in INDEX:
            assert later.least[serial] > after.most[serial], "nothing came: nothing is proven"
            fewest, most = after.lost(serial)
            least, greatest = later.lost(serial)
            assert least <= most and fewest <= greatest, (serial, "lost later", after, later)
        _check_rates(street)
        _check_api_and_console(street, console)
        _check_all_arrived(street)
    finally:
        street.stop()


def newest(street: Street, serial: str) -> int:
    """The newest value that the head-end has of the meter's first register; 0 before it has."""
    values = {at: value for (of, at, obis), value in read_database(
        street.database_url).values.items() if (of, obis) == (serial, REGISTER[serial])}
    return values[max(values)] if values else 0


def seen(street: Street) -> Seen:
    """Hold the contacts, let two readings pass, look, and let them go on."""
    least = pulses(street)
    os.kill(street.pid("inputs-1"), signal.SIGSTOP)
    try:
        began_s = street.clock.now_s(time.time())
        street.wait_for("readings of a street that stands", lambda: all(
            _newest_at(street, serial) > began_s + EVERY_S for serial in INDEX) or None,
            PATIENCE_S)
        shown = {serial: newest(street, serial) for serial in INDEX}
    finally:
        os.kill(street.pid("inputs-1"), signal.SIGCONT)
    return Seen(shown, least, pulses(street))


def _newest_at(street: Street, serial: str) -> int:
    return int(str(street.ask(
        "select coalesce(extract(epoch from max(captured_at)), 0)::bigint from reading"
        " join meter using (meter_id) where serial = %s", serial)[0][0]))


def pulses(street: Street) -> dict[str, int]:
    """How often each meter's contact has closed."""
    said = _simulator(street, "status")
    return {serial: entry["pulses"] for serial, entry in zip(INDEX, said["meters"], strict=True)}


def move(street: Street, contact: int, to: str) -> None:
    """Bring or take the magnet, open or shut the cover."""
    _simulator(street, "contact", "--input", str(contact), to)


def _simulator(street: Street, *words: str) -> dict:
    command, *rest = words
    said = subprocess.run(
        street.program("wum-simulator", command, "--control",
                       str(street.cabinets[0].edges_control), *rest),
        capture_output=True, text=True, check=True)
    return json.loads(said.stdout)


def events(street: Street) -> list[tuple[str, str]]:
    """(serial, note) of the meters' own events that arrived."""
    return street.ask(  # type: ignore[return-value]
        "select m.serial, e.note from event e join meter m using (meter_id) where e.kind = 15"
        " order by e.at")


def wait_for_event(street: Street, words: str) -> None:
    street.wait_for(words, lambda: any(words in note for _, note in events(street)) or None,
                    PATIENCE_S)


def told_missing(street: Street, serial: str) -> int:
    """How many pulses at most the gateway said may be missing."""
    notes = [note for of, note in events(street) if of == serial]
    return sum(int(found[1]) for note in notes if (found := re.search(r"at most (\d+) in", note)))


def _check_rates(street: Street) -> None:
    """Both rates counted, and together what the total did: each is rounded down for itself."""
    rows: dict[int, dict[str, int]] = {}
    for (serial, at, obis), value in read_database(street.database_url).values.items():
        if serial == HOME:
            rows.setdefault(at, {})[obis] = value
    last = rows[max(rows)]
    assert last["1-0:1.8.1"] > 0 and last["1-0:1.8.2"] > 0
    for row in rows.values():
        total = row["1-0:1.8.0"] - INDEX[HOME]
        assert 0 <= total - row["1-0:1.8.1"] - row["1-0:1.8.2"] <= 1


def _check_api_and_console(street: Street, console: str) -> None:
    token = subprocess.run(
        street.program("wum-cloud", "token", "create", "test"), env=street.environment,
        capture_output=True, text=True, check=True).stdout.strip()
    with httpx.Client(base_url=console, headers={"authorization": "Bearer " + token}) as api:
        [water] = api.get("/api/v1/meters/%s/newest" % WATER).raise_for_status().json()
        assert water["register"] == REGISTER[WATER] and water["reading"]["scaler"] == -3
        assert water["reading"]["value"] >= INDEX[WATER] + 1
        told = api.get("/api/v1/events", params={"limit": 100}).raise_for_status().json()["items"]
    notes = [one["note"] for one in told if one["meter"] == WATER]
    for words in ("magnet at the meter", "cover opened", "magnet gone", "pulses may be missing"):
        assert any(words in note for note in notes), (words, notes)
    password = street.place.console_password.read_text().strip()
    with httpx.Client(base_url=console, headers={"origin": console}) as operator:
        answer = operator.post("/sign-in", data={
            "name": "admin", "password": password, "next": "/"})
        assert answer.status_code == 303
        page = operator.get("/meters/" + WATER).text
        assert "Cold water" in page and "m³" in page
        assert "magnet at the meter" in operator.get("/events").text


def _check_all_arrived(street: Street) -> None:
    folder = street.cabinets[0].folder / "archive"
    street.end("edge-1")
    last = read_archives([folder]).last_sequence
    street.start_edge(street.cabinets[0])
    street.wait_for("end of the backlog", lambda: all(
        street.ask("select received @> int8range(1, %s, '[]') from archive"
                   " where incarnation = %s", number, name) == [(True,)]
        for name, number in last.items()) or None, PATIENCE_S)
    street.end("edge-1")
    must, may = read_archives([folder], last), read_archives([folder])
    assert must.rows > 30
    assert differences(must, may, read_database(street.database_url)) == []
