"""Two rows of one key become one: nothing is lost, whatever came first."""

from hypothesis import given
from hypothesis import strategies as st

from wum_cloud.ingest.rows.merge import Content, merge
from wum_cloud.registry.schemas.layout import Layout
from wum_shared.messages import Register
from wum_shared.status import ABSENT, LATE, REFUSED


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """A row of up to five registers out of six."""
    codes = draw(st.lists(st.integers(0, 5), unique=True, max_size=5))
    registers = tuple([
        Register(bytes([1, 0, code, 8, 0, 255]), draw(st.integers(-1, 1)), 30) for code in codes])
    values = tuple([draw(st.one_of(st.none(), st.integers(0, 3))) for _ in codes])
    statuses = tuple([
        draw(st.sampled_from([ABSENT, ABSENT | REFUSED] if value is None else [0, LATE]))
        for value in values])
    return Content(Layout(0, registers), values, statuses)


def _amounts(content: Content) -> dict[bytes, set[int]]:
    """Tenths by OBIS code of what has a value."""
    return {register.obis: {value * 10 ** (register.scaler + 1)}
            for register, value in zip(content.layout.registers, content.values, strict=True)
            if value is not None}


def _together(*parts: dict[bytes, set[int]]) -> dict[bytes, set[int]]:
    found: dict[bytes, set[int]] = {}
    for part in parts:
        for obis, amounts in part.items():
            found[obis] = found.get(obis, set()) | amounts
    return found


@given(contents(), contents())
def test_every_value_is_in_the_row_or_among_the_revisions(a: Content, b: Content) -> None:
    merged = merge(a, b)
    revised = [{r.register.obis: {r.value * 10 ** (r.register.scaler + 1)}}
               for r in merged.revisions]
    assert _together(_amounts(merged.content), *revised) == _together(_amounts(a), _amounts(b))


@given(contents(), contents())
def test_a_value_that_is_there_is_never_changed(a: Content, b: Content) -> None:
    after = _amounts(merge(a, b).content)
    assert {obis: after[obis] for obis in _amounts(a)} == _amounts(a)


@given(contents(), contents())
def test_the_same_row_again_changes_nothing(a: Content, b: Content) -> None:
    once = merge(a, b)
    again = merge(once.content, b)
    assert again.content == once.content
    assert (again.filled, again.revisions) == (0, once.revisions)


@given(contents(), contents())
def test_the_order_decides_only_which_value_is_the_revision(a: Content, b: Content) -> None:
    forwards, backwards = merge(a, b), merge(b, a)
    assert _amounts(forwards.content).keys() == _amounts(backwards.content).keys()
    assert len(forwards.revisions) == len(backwards.revisions)


@given(contents(), contents())
def test_a_register_without_a_value_says_why(a: Content, b: Content) -> None:
    content = merge(a, b).content
    for value, status in zip(content.values, content.statuses, strict=True):
        assert (value is None) == bool(status & ABSENT)
