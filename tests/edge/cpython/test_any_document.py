"""Whatever a document holds, it is taken or refused in sentences; it never breaks the gateway."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edge.samples import document, entry
from wum_edge.config import check
from wum_edge.document import nearest
from wum_edge.errors import CatalogError, ConfigError
from wum_edge.meters.catalog import check_model

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["name", "line", "meter", "x"]), inner, max_size=3), max_leaves=6)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document that may be replaced."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(
        value, list) else []
    return [path] * bool(path) + [p for key, part in inside for p in places(part, (*path, key))]


def replaced(good: Any, path: tuple[Any, ...], value: object) -> Any:
    changed = copy.deepcopy(good)
    part = changed
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return changed


@settings(max_examples=200, deadline=None)
@given(path=st.sampled_from(places(document())), value=anything)
def test_any_value_in_any_place_of_a_configuration(path: tuple[Any, ...], value: object) -> None:
    found: list[tuple[str, str, str]] = [("path", "wanted", "got")]
    try:
        check(replaced(document(), path, value), {"two-and-one": "modbus-rtu"})
    except ConfigError as error:
        found = error.mistakes
    assert found and all(wanted and got for _, wanted, got in found)


@settings(max_examples=200, deadline=None)
@given(path=st.sampled_from(places(entry())), value=anything)
def test_any_value_in_any_place_of_a_catalogue_entry(path: tuple[Any, ...], value: object) -> None:
    found: list[tuple[str, str, str]] = [("path", "wanted", "got")]
    try:
        check_model(replaced(entry(), path, value))
    except CatalogError as error:
        found = error.mistakes
    assert found and all(wanted and got for _, wanted, got in found)


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=5))
def test_a_suggestion_is_one_of_the_known_or_none(name: str, known: list[str]) -> None:
    assert nearest(name, known) in [*known, ""]
