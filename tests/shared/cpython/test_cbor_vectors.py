"""RFC 8949, appendix A: every example is read as the standard says, or refused by name."""

import json
from pathlib import Path

import cbor2
import pytest

from wum_shared import cbor
from wum_shared.errors import Malformed

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "cbor" / "appendix_a.json").read_text())

# What the profile has no place for, by the first byte of the example.
REFUSED_BY_FIRST_BYTE = {
    "c0": "tag 0", "c1": "tag 1", "c2": "tag 2", "c3": "tag 3", "d7": "tag 23",
    "d818": "tag 24", "d820": "tag 32", "f0": "simple value 16", "f7": "undefined",
    "f8": "a simple value", "f9": "a float of 16 bits", "fa": "a float of 32 bits",
    "fb": "a float of 64 bits", "5f": "indefinite length", "7f": "indefinite length",
    "9f": "indefinite length", "bf": "indefinite length",
}
# Examples whose outer value is definite and an inner one is not.
REFUSED_WITHIN = {"83018202039f0405ff", "83019f0203ff820405", "826161bf61626163ff"}


def refusal_of(hexadecimal: str) -> str | None:
    if hexadecimal in REFUSED_WITHIN:
        return "indefinite length"
    for first, name in REFUSED_BY_FIRST_BYTE.items():
        if hexadecimal.startswith(first):
            return name
    return None


def wanted_value(vector: dict[str, object]) -> object:
    """The value as JSON has it, or of the two kinds of example that JSON cannot write."""
    if "decoded" in vector:
        return vector["decoded"]
    diagnostic = str(vector["diagnostic"])
    if diagnostic.startswith("h'"):
        return bytes.fromhex(diagnostic[2:-1])
    return {1: 2, 3: 4} if diagnostic == "{1: 2, 3: 4}" else diagnostic


def test_no_example_is_left_out():
    refused = [v for v in VECTORS if refusal_of(v["hex"])]
    assert (len(VECTORS), len(refused)) == (82, 45)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["hex"][:24])
def test_an_example_is_read_as_the_standard_says_or_refused_by_name(vector):
    data = bytes.fromhex(vector["hex"])
    refusal = refusal_of(vector["hex"])
    if refusal is None:
        assert cbor.decode(data) == wanted_value(vector)
        assert cbor.encode(cbor.decode(data)) == data
        assert vector["roundtrip"]
    else:
        with pytest.raises(Malformed, match=refusal):
            cbor.decode(data)


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if refusal_of(v["hex"]) == "indefinite length"],
    ids=lambda v: v["hex"][:24])
def test_an_example_of_indefinite_length_is_read_once_it_is_put_into_our_form(vector):
    value = cbor2.loads(bytes.fromhex(vector["hex"]))
    wanted = b"\x01\x02\x03\x04\x05" if vector["hex"].startswith("5f") else wanted_value(vector)
    assert cbor.decode(cbor.encode(value)) == value == wanted


@pytest.mark.parametrize("tag", ["c0", "c1", "c2", "c3", "d7", "d818", "d820"])
def test_an_example_with_a_tag_is_read_where_that_tag_is_expected(tag):
    data = next(bytes.fromhex(v["hex"]) for v in VECTORS if v["hex"].startswith(tag))
    number = data[1] if tag.startswith("d8") else data[0] & 0x1F
    tagged = cbor.decode(data, tags=(number,))
    assert isinstance(tagged, cbor.Tag)
    assert tagged.number == number
    assert cbor.encode(tagged) == data
