"""The console over a seeded town, in a real browser: drawing, themes, zones, stale data, phones.

`test_browser.py` looks at a running street; here the past is fixed, so that a gap, a dialog that
must not open and a tick at local midnight can be promised.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.cloud.web.town import EVIL, SILENT, ZONE, build
from wum_cloud.database import open_pool
from wum_cloud.history import keeper as history
from wum_cloud.ledger.keeper import catch_up

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE_S = 120           # A machine may be busy; what ends by itself is noticed at once.
AGAIN_MS = 15_000          # The page asks again every 5 s, and both may be busy.
YESTERDAY = datetime.now(ZoneInfo(ZONE)).date() - timedelta(days=1)
PATHS = ["/", "/meters", "/meters?search=zzz", "/meters/SDM-0003", "/meters/" + SILENT,
         "/meters/SDM-0003?show=voltage&period=week", "/meters/SDM-0003?show=consumption",
         "/concentrators", "/events", "/ingest", "/account", "/nothing-here",
         "/completeness", "/completeness?month=2020-01", "/completeness/%s" % YESTERDAY,
         "/completeness?site=Strada+Florilor", "/completeness/2020-01-01",
         "/completeness/%s/meters/%s" % (YESTERDAY, SILENT), "/days/SDM-0003"]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (apt install chromium)")


@dataclass
class Console:
    """`wum-cloud web` over one database; it may be ended and started again at its address."""

    url: str
    password_file: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return "http://127.0.0.1:%d" % self.port

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wum_cloud", "web"], stderr=subprocess.DEVNULL,
            env={**os.environ, "WUM_DATABASE_URL": self.url, "WUM_WEB_PORT": str(self.port),
                 "WUM_WEB_WORKERS": "2", "WUM_WEB_FIRST_PASSWORD_FILE": str(self.password_file)})
        until = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self.process.poll() is None, "the console ended"
            assert time.monotonic() < until, "the console does not answer"
            time.sleep(0.05)

    def end(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_S)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.address + "/healthz", timeout=2):
                return True
        except OSError:
            return False


async def count(url: str) -> None:
    """Bring ledger and summaries up to date, as `wum-cloud ingest` does beside its work."""
    async with open_pool(url) as pool:
        await catch_up(pool, datetime.now(UTC))
        await history.catch_up(pool, datetime.now(UTC))


@pytest.fixture(scope="module")
def console(
        module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A town of 64 meters behind two workers."""
    subprocess.run([sys.executable, "-m", "wum_cloud.web.vendor"], check=True)
    build(module_database_url, datetime.now(UTC))
    with ThreadPoolExecutor(1) as apart:    # The browser has the loop of this thread.
        apart.submit(lambda: asyncio.run(count(module_database_url))).result()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Console(module_database_url, tmp_path_factory.mktemp("console") / "password", port)
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def cookies(browser: Browser, console: Console) -> object:
    """What a browser keeps after signing in."""
    context = browser.new_context(base_url=console.address)
    page = context.new_page()
    page.goto("/meters/SDM-0003")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(console.password_file.read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="SDM-0003")).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


class Visit:
    """A visitor's window; what it asks of strangers, complains of or pops up is kept."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE_S)
        self.strangers: list[str] = []
        self.complaints: list[str] = []
        self.dialogs: list[str] = []
        self.page.on("request", lambda request: None if request.url.startswith(
            (address, "data:")) else self.strangers.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text)
                     if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message),
                                               dialog.dismiss()))


@pytest.fixture
def visit(browser: Browser, console: Console, cookies: object, request: pytest.FixtureRequest,
          ) -> Iterator[Visit]:
    """A signed-in window, by default 1360 px wide, light, in a browser set to UTC."""
    options = {"viewport": {"width": 1360, "height": 900}, "timezone_id": "UTC",
               "color_scheme": "light", **getattr(request, "param", {})}
    context = browser.new_context(
        base_url=console.address, storage_state=cookies, **options)  # type: ignore[arg-type]
    visited = Visit(context, console.address)
    yield visited
    context.close()
    assert visited.strangers == []
    assert visited.dialogs == []


def look(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to see one."""
    folder = os.environ.get("WUM_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / (name + ".png"), full_page=True)


PHONE = {"viewport": {"width": 360, "height": 780}}


@pytest.mark.parametrize("visit", [
    {}, {"color_scheme": "dark"}, PHONE, {**PHONE, "color_scheme": "dark"},
], indirect=True, ids=["light", "dark", "light-360", "dark-360"])
def test_every_page_keeps_the_policy_and_its_width(
        visit: Visit, request: pytest.FixtureRequest) -> None:
    for path in PATHS:
        visit.page.goto(path)
        if path.startswith("/meters/"):
            expect(visit.page.locator("#plot .u-over")).to_be_visible()
        width, window = visit.page.evaluate(
            "() => [document.documentElement.scrollWidth, innerWidth]")
        assert width <= window, "%s is %d px wide" % (path, width)
        name = path.strip("/").translate(str.maketrans("/?=&+", "-----")) or "overview"
        look(visit.page, "%s-%s" % (name, request.node.callspec.id))
    assert [c for c in visit.complaints if "404" not in c] == [], "404 is the page that is none"


def test_a_meters_name_that_is_a_script_opens_no_dialog(visit: Visit) -> None:
    for path in ("/meters", "/", "/meters?search=script"):
        visit.page.goto(path)
    visit.page.goto("/find?search=onerror")
    expect(visit.page.get_by_role("heading", name=EVIL)).to_be_visible()
    expect(visit.page.locator("#plot .u-over")).to_be_visible()
    assert visit.complaints == []


def test_typing_narrows_the_list_and_the_address_follows(visit: Visit) -> None:
    page = visit.page
    page.goto("/meters")
    page.keyboard.press("/")
    page.keyboard.type("0007")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list tbody")).to_contain_text(SILENT)
    expect(page).to_have_url("/meters?search=0007")
    expect(page.locator("#search")).to_be_focused()
    page.get_by_label("State").select_option("reporting")
    expect(page.locator("#list")).to_contain_text("No meter matches")
    page.go_back()
    expect(page.locator("#list tbody")).to_contain_text(SILENT)


def test_the_list_goes_on_in_place(visit: Visit) -> None:
    page = visit.page
    page.goto("/meters")
    expect(page.locator("#list tbody tr")).to_have_count(51)
    page.get_by_role("link", name="Show more").click()
    expect(page.locator("#list tbody tr")).to_have_count(64)


def test_the_plot_reads_out_values_and_the_reason_of_a_gap(visit: Visit) -> None:
    page = visit.page
    page.goto("/meters/%s?show=voltage&period=day" % SILENT)
    over, readout = page.locator("#plot .u-over"), page.locator("#plot .readout")
    expect(readout).to_contain_text("L3")
    box = over.bounding_box()
    assert box is not None
    over.hover(position={"x": 20, "y": 50})
    expect(readout).to_contain_text("V")
    over.hover(position={"x": box["width"] - 8, "y": 50})
    expect(readout).to_contain_text("the meter does not answer")
    gaps = page.locator("#plot").get_attribute("data-gaps")
    assert int(gaps or 0) >= 2
    assert hatched(page, box["width"] - 30), "the gap is drawn, not only told"


def hatched(page: Page, x: float) -> bool:
    """Whether a column of the plot changes its colour again and again, as stripes do."""
    changes: int = page.evaluate(
        """(x) => {
            const canvas = document.querySelector("#plot canvas");
            const over = document.querySelector("#plot .u-over");
            const left = over.offsetLeft + x, ctx = canvas.getContext("2d");
            const pixels = ctx.getImageData(left * devicePixelRatio,
                over.offsetTop * devicePixelRatio, 1, over.offsetHeight * devicePixelRatio).data;
            let changes = 0;
            for (let at = 7; at < pixels.length; at += 4) changes += pixels[at] !== pixels[at - 4];
            return changes;
        }""", x)
    return changes > 40


def test_the_plot_is_zoomed_and_moved_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    page.goto("/meters/SDM-0003")
    axis = page.locator("#plot")
    expect(page.locator("#plot .u-over")).to_be_visible()
    axis.focus()
    whole = pixels(page)
    page.keyboard.press("+")
    expect(page.locator("#plot .u-over")).to_be_visible()
    page.wait_for_timeout(100)  # One frame: uPlot draws in the next.
    assert pixels(page) != whole
    page.keyboard.press("0")
    page.wait_for_timeout(100)
    assert pixels(page) == whole


def pixels(page: Page) -> str:
    data: str = page.evaluate("() => document.querySelector('#plot canvas').toDataURL()")
    return data


@pytest.mark.parametrize("visit", [
    {"timezone_id": "UTC"}, {"timezone_id": "America/New_York"}, {"timezone_id": "Europe/Paris"},
], indirect=True, ids=["UTC", "New York", "Paris"])
def test_the_axis_tells_the_sites_time_whatever_the_browsers_zone(visit: Visit) -> None:
    page = visit.page
    day = (datetime.now(UTC) - timedelta(days=1)).astimezone(ZoneInfo(ZONE)).date()
    labels: list[str] = []
    page.add_init_script("""
        const write = CanvasRenderingContext2D.prototype.fillText;
        window.written = [];
        CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
            window.written.push(text);
            return write.call(this, text, ...rest);
        };""")
    page.goto("/meters/SDM-0003?period=day&on=%s" % day)
    expect(page.locator("#plot .u-over")).to_be_visible()
    page.wait_for_timeout(200)
    labels = page.evaluate("() => window.written")
    assert "00:00" in labels, "a tick at local midnight: %s" % labels
    assert "12:00" in labels and "18:00" in labels


def test_the_visitors_theme_is_kept(visit: Visit) -> None:
    page = visit.page
    page.goto("/meters/SDM-0003")

    def background() -> str:
        colour: str = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        return colour
    assert background() == "rgb(245, 246, 248)"
    page.get_by_role("button", name="Change between light and dark").click()
    assert background() == "rgb(15, 20, 26)"
    page.goto("/meters")
    assert background() == "rgb(15, 20, 26)"


def test_old_data_say_that_they_are_old_and_what_was_typed_survives_a_restart(
        visit: Visit, console: Console) -> None:
    page = visit.page
    page.goto("/")
    page.locator("#search").fill("half a ser")
    expect(page.locator("#connection")).to_be_hidden()
    console.end()
    expect(page.locator("#connection")).to_contain_text("what you see is old")
    expect(page.locator("#overview")).to_have_class("stale")
    look(page, "stale")
    console.start()
    expect(page.locator("#connection")).to_be_hidden(timeout=AGAIN_MS)
    expect(page.locator("#search")).to_have_value("half a ser")
    page.context.set_offline(True)
    expect(page.locator("#connection")).to_contain_text("No connection")
    page.context.set_offline(False)
    expect(page.locator("#connection")).to_be_hidden(timeout=AGAIN_MS)


@pytest.mark.parametrize("visit", [{}, PHONE], indirect=True, ids=["desk", "phone"])
def test_the_calendar_leads_to_the_meter_that_lacks_something_and_says_why(visit: Visit) -> None:
    page = visit.page
    page.goto("/completeness")
    today = page.locator(".calendar a.day[aria-current=date]")
    expect(today).to_have_attribute("aria-label", re.compile(r"so far: .* intervals received, "))
    assert today.evaluate("(cell) => cell.scrollWidth <= cell.clientWidth"), "the number fits"
    today.click()
    expect(page.get_by_role("heading", name="Meters that lack something")).to_be_visible()
    page.locator(".list").get_by_role("link", name=SILENT).click()
    expect(page.locator(".list tbody")).to_contain_text("the meter does not answer")
    page.get_by_role("link", name="cabinet-1").click()
    expect(page.locator(".list tbody")).to_contain_text(SILENT)
    assert visit.complaints == []


@pytest.mark.parametrize("visit", [{}, PHONE, {"color_scheme": "dark"}], indirect=True,
                         ids=["light", "phone", "dark"])
def test_alarms_stand_on_the_first_page_with_what_to_do_and_lead_to_where_to_look(
        visit: Visit, console: Console, request: pytest.FixtureRequest) -> None:
    page = visit.page
    with psycopg.connect(console.url) as connection:
        connection.execute(
            "insert into refusal_hour select account_id, date_trunc('hour', now()), 20, now()"
            " from account order by account_id limit 1 on conflict do nothing")
    try:
        page.goto("/")
        alarms = page.get_by_role("region", name="Alarms of the last 24 hours")
        expect(alarms).to_contain_text("Somebody asked twenty times for what the account may not")
        expect(alarms).to_contain_text("20 times")
        expect(alarms).to_contain_text("disable the account or revoke the token")
        width, window = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert width <= window
        look(page, "alarms-" + request.node.callspec.id)
        alarms.locator("a[href='/audit']").click()
        expect(page.get_by_role("heading", name="Audit trail")).to_be_visible()
    finally:
        with psycopg.connect(console.url) as connection:
            connection.execute("delete from refusal_hour")
    page.goto("/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("Somebody asked twenty times")
    assert visit.complaints == []
