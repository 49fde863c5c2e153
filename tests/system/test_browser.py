"""An operator at the console of a running street, in a real browser.

Pictures of what was seen go to `screenshots/` where WUM_SCREENSHOTS names that folder.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.system.street import Street

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Chromium's own background traffic would look like ours, and root has no sandbox to give.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PERIOD_S = 2
PATIENCE_MS = 30_000
METER, ADDRESS, ENERGY = "WUM-101", 1, "1-0:1.8.0"

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (apt install chromium)")


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    running = Street(tmp_path_factory.mktemp("seen") / "street", concentrators=1, meters=3,
                     every_s=PERIOD_S)
    try:
        running.start()
        address = running.start_web()
        running.wait_for("console", lambda: _answers(address), 60)
        running.wait_for("row", lambda: running.ask("select 1 from reading limit 1") or None, 60)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, street: Street) -> Iterator[Page]:
    """A signed-in operator's page; it must ask nobody but us and break no rule of ours."""
    context = browser.new_context(base_url="http://127.0.0.1:%d" % street.web_port,
                                  viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    strangers: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda request: strangers.append(request.url) if not (
        request.url.startswith(("http://127.0.0.1:%d/" % street.web_port, "data:"))) else None)
    opened.on("console", lambda message: complaints.append(message.text) if (
        message.type == "error") else None)
    opened.goto("/")
    opened.get_by_label("Name").fill("admin")
    opened.get_by_label("Password").fill(street.place.console_password.read_text().strip())
    opened.get_by_role("button", name="Sign in").click()
    expect(opened.get_by_role("heading", name="Overview")).to_be_visible()
    yield opened
    context.close()
    assert strangers == []
    assert complaints == []


def _answers(address: str) -> bool | None:
    try:
        with urllib.request.urlopen(address + "/healthz", timeout=2):
            return True
    except OSError:
        return None


def look(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to see one."""
    folder = os.environ.get("WUM_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / (name + ".png"), full_page=True)


def shown_by_the_meter(street: Street, address: int, at_s: int) -> dict[str, int]:
    """Scaled integers by OBIS code that the meter's registers hold at `at_s`."""
    said = subprocess.run(
        street.program("wum-simulator", "registers", "--control",
                       str(street.cabinets[0].control), "--address", str(address),
                       "--at", str(at_s)), capture_output=True, text=True, check=True)
    return {entry["obis"]: entry["scaled"] for entry in json.loads(said.stdout)["registers"]}


def test_nobody_sees_anything_before_signing_in(browser, street):
    page = browser.new_page(base_url="http://127.0.0.1:%d" % street.web_port)
    page.goto("/meters/" + METER)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert METER not in page.content().replace("/meters/" + METER, "")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("admin")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.close()


def test_the_newest_value_of_a_found_meter_is_what_its_register_held(page, street):
    page.keyboard.press("/")
    page.keyboard.type(METER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=METER)).to_be_visible()
    newest = page.locator("#newest")
    cell = newest.locator('tr[data-register="%s"] td' % ENERGY)
    captured, value = page.evaluate(
        "([code]) => [document.querySelector('#newest time').dateTime,"
        " document.querySelector(`#newest tr[data-register='${code}'] td`).dataset.value]",
        [ENERGY])
    at_s = int(datetime.fromisoformat(captured).timestamp())
    # The meter was asked within the second of the capture time or the next ones.
    held = {shown_by_the_meter(street, ADDRESS, at_s + late)[ENERGY] for late in (0, 1, 2)}
    assert int(value) in held
    expect(cell).to_be_visible()
    expect(page.locator("#plot canvas").first).to_be_visible()
    look(page, "meter")


def test_values_go_on_without_a_reload(page, street):
    page.goto("/meters/" + METER)
    newest = page.locator("#newest time").first
    first = newest.get_attribute("datetime")
    assert first is not None
    expect(newest).not_to_have_attribute("datetime", first, timeout=PATIENCE_MS)


def test_a_silenced_meter_shows_its_gap_and_the_reason(page, street):
    silence = street.program("wum-simulator", "fault", "silence", "--control",
                             str(street.cabinets[0].control), "--address", "2")
    subprocess.run(silence, check=True, capture_output=True)
    try:
        street.wait_for("missed rows", lambda: street.ask(
            "select count(*) from missed")[0][0] > 3 or None, 60)
        page.goto("/meters/WUM-102?period=hour")
        expect(page.locator("body")).to_contain_text(re.compile("does not answer|silent", re.I))
        expect(page.locator("#plot figcaption")).to_contain_text("missing")
        expect(page.locator("#readings tr.gap").first).to_contain_text("missing")
        look(page, "silent")
        page.goto("/")
        look(page, "overview")
    finally:
        subprocess.run([*silence[:2], "clear", *silence[3:5]], check=True, capture_output=True)


@pytest.mark.parametrize("path", ["/", "/meters", "/meters/" + METER, "/concentrators", "/ingest"])
def test_a_phone_scrolls_nothing_sideways(page, path):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path)
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 360, "%s is %d px wide" % (path, width)
    look(page, "phone" + path.replace("/", "-"))
