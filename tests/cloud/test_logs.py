"""The head-end's log: one object a line, with the ids of what is being done."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd
from wum_cloud import logs
from wum_cloud.settings import SettingsError, settings_from
from wum_cloud.web import request_id
from wum_shared.ids import batch_name


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Where lines go; the root's handlers are put back."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    yield io.StringIO()
    root.handlers, root.level = before, level


def test_a_line_is_one_object_whatever_is_said(written: io.StringIO) -> None:
    logs.begin(logs.JSON, written)
    log = logging.getLogger("wum_cloud.test")
    request = request_id.begin()
    log.info("two\nlines and \u2028 %s", "a\x00 name", extra=logs.ids(batch="b/1-2", rows=7))
    try:
        raise ValueError("inner\nlife")
    except ValueError:
        log.exception("x" * 2 * logs.SAID_MAX)
    logs.about.set({})
    first, second = [json.loads(line) for line in written.getvalue().strip("\n").split("\n")]
    assert (first["said"], first["batch"], first["rows"], first["request"], first["level"]) == (
        "two\nlines and \u2028 a\x00 name", "b/1-2", 7, request, "info")
    assert len(second["said"]) < logs.SAID_MAX + 20
    assert "ValueError: inner" in second["traceback"]


def test_for_people_the_ids_stand_behind_the_sentence(written: io.StringIO) -> None:
    logs.begin(logs.TEXT, written)
    logging.getLogger("wum_cloud.test").info("stored", extra=logs.ids(rows=7))
    assert written.getvalue().endswith("INFO wum_cloud.test: stored [rows=7]\n")


async def test_a_batch_has_the_name_that_its_concentrator_gives_it(
        head_end: HeadEnd, written: io.StringIO) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    logs.begin(logs.JSON, written)
    await head_end.take(one.send_rows(one.row(), one.row(1)))
    line, = [json.loads(line) for line in written.getvalue().splitlines()
             if "wum_cloud.ingest.batch" in line]
    (incarnation, first, last), = head_end.ask(
        "select incarnation, first_sequence, last_sequence from batch_arrival")
    assert line["batch"] == batch_name(bytes(incarnation), first, last)
    assert (line["concentrator"], line["rows"], line["said"]) == (one.id.hex(), 2, "stored")


async def test_what_anybody_can_send_makes_one_line_for_all_of_it(
        head_end: HeadEnd, written: io.StringIO) -> None:
    logs.begin(logs.JSON, written)
    strangers = [Concentrator() for _ in range(5)]
    await head_end.take(*[one.send_rows(one.row()) for one in strangers])
    said = [json.loads(line)["said"] for line in written.getvalue().splitlines()]
    assert said == ["5 messages of nobody known set aside: unknown device"]


def test_another_form_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="WUM_LOG is 'xml': wanted text or json"):
        settings_from({"WUM_DATABASE_URL": "x", "WUM_LOG": "xml"})
