"""A person lets concentrators in at the console, in a real browser: one code typed, one scanned.

The head-end, its broker with TLS, and the concentrator's commands are those of
`test_enrolment.py`; a hand scanner is a keyboard that types what the picture holds, and Enter.
"""

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Page, expect, sync_playwright

from demo.loopback import free_port
from tests.system.test_browser import ARGUMENTS, CHROMIUM, PATIENCE_MS, look
from tests.system.test_enrolment import _BIN, Place, configuration_of, place, read
from wum_shared.claim import QR_PREFIX

__all__ = ["place"]     # A fixture.

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (apt install chromium)")


@pytest.fixture
def page(place: Place) -> Iterator[Page]:
    """An installer's window, signed in by the password of the first start."""
    port, first = free_port(), place.folder / "first.password"
    place.environment |= {"WUM_WEB_PORT": str(port), "WUM_WEB_HOST": "127.0.0.1",
                          "WUM_WEB_FIRST_PASSWORD_FILE": str(first)}
    with place.started("web", [str(_BIN / "wum-cloud"), "web"]), sync_playwright() as playwright:
        place.wait_for("console", lambda: first.exists() and "startup complete" in (
            place.folder / "web.log").read_text())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_context(base_url="http://127.0.0.1:%d" % port,
                                     viewport={"width": 1280, "height": 900}).new_page()
        opened.set_default_timeout(2 * PATIENCE_MS)
        complaints: list[str] = []
        opened.on("console", lambda message: complaints.append(message.text) if (
            message.type == "error" and not re.search("422|403", message.text)) else None)
        _sign_in(opened, "admin", read(first))
        yield opened
        browser.close()
        assert complaints == []


def _sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def _shown(place: Place, keys: Path) -> str:
    """The code that a fresh concentrator shows; the picture beside it holds the same."""
    said = place.run("wum-edge", "claim", "--keys", str(keys))
    code = re.findall(r"Claim code: (\S+)", said)[0]
    picture = io.StringIO()
    segno.make(QR_PREFIX + code, error="m").terminal(picture, compact=True, border=2)
    assert picture.getvalue() in said
    return str(code)


def test_a_code_is_typed_another_is_scanned_and_the_first_reading_is_seen(
        place: Place, page: Page) -> None:
    keys, bus = place.folder / "keys", place.folder / "bus"
    code = _shown(place, keys)
    page.get_by_role("link", name="New concentrators").first.click()
    field, name = page.locator("#code"), page.locator("#claim-name")
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    field.fill(wrong)
    name.fill("cabinet 12")
    page.get_by_role("button", name="Claim it").click()
    expect(page.get_by_role("alert")).to_contain_text("letter or digit of it is wrong")
    expect(field).to_have_value(wrong)
    expect(name).to_have_value("cabinet 12")
    look(page, "claim-refused")
    # As somebody types who reads it from a screen: small letters, blanks, an O for a nought.
    field.fill(code.lower().replace("-", " ").replace("0", "o"))
    page.get_by_role("button", name="Claim it").click()
    expect(page.get_by_role("status")).to_contain_text("let in as soon as it comes")
    row = page.get_by_role("row", name=re.compile("cabinet 12"))
    expect(row).to_contain_text("Waited for")
    assert code not in page.content(), "it is shown to nobody again"

    place.run("wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
              str(place.port), "--ca-file", str(place.certificate), "--wait-s", "60")
    with (place.started("meters", [str(_BIN / "wum-simulator"), "serve", "--link", str(bus)]),
          place.started("edge", [str(_BIN / "wum-edge"), "run", "--config",
                                 str(configuration_of(place, keys, bus))])):
        page.reload()
        expect(row).to_contain_text("Let in")
        look(page, "claimed")
        place.wait_for("first reading", lambda: place.ask("select from reading"))
        row.get_by_role("link", name="cabinet 12").click()
        expect(page.get_by_role("heading", name="cabinet 12")).to_be_visible()
        page.goto("/meters/SDM-0001")
        expect(page.locator("#newest time").first).to_be_visible()
        look(page, "first-reading")
    _another_is_scanned(place, page)


def _another_is_scanned(place: Place, page: Page) -> None:
    """The scanner's Enter asks for the name that is missing, and sends nothing."""
    code = _shown(place, place.folder / "other")
    page.goto("/claims")
    page.locator("#code").click()
    page.keyboard.type(QR_PREFIX + code)
    page.keyboard.press("Enter")
    name = page.locator("#claim-name")
    expect(name).to_be_focused()
    page.keyboard.type("cabinet 13")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("let in as soon as it comes")
    row = page.get_by_role("row", name=re.compile("cabinet 13"))
    expect(row).to_contain_text("Waited for")
    row.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_contain_text("taken back")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    look(page, "claims-phone")
    shutil.rmtree(place.folder / "other")


def test_who_may_not_claim_sees_no_way_to_it(place: Place, page: Page) -> None:
    """Of roles that stand for people, each sees the pages and buttons that it may use."""
    seen = {}
    for role in ("analyst", "auditor", "installer"):
        password = place.run("wum-cloud", "account", "add", role, "--role", role).split()[0]
        page.context.clear_cookies()
        _sign_in(page, role, password)
        seen[role] = page.get_by_role("link", name="New concentrators").count() > 0
        for hidden in {"analyst": ("People", "Audit trail", "New concentrators"),
                       "auditor": ("New concentrators",),
                       "installer": ("People", "Audit trail")}[role]:
            assert page.get_by_role("link", name=hidden, exact=True).count() == 0, (role, hidden)
        page.goto("/people")
        expect(page.get_by_role("button", name="Make the account")).to_have_count(0)
    assert seen == {"analyst": False, "auditor": False, "installer": True}
