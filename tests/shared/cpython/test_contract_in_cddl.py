"""contract.cddl says what the code does, as pycddl reads it: normative text cannot drift away.

pycddl cannot do `.cbor` inside of an array (the envelopes) nor ranges below zero; zcbor, which
can, is asked in tests/oracles/zcbor_oracle.py.
"""

import pycddl
import pytest

from tests.shared import test_release_trust
from tests.shared.cpython.contract_cases import CDDL, MESSAGES, is_accepted, mutants
from wum_shared import cbor, cose
from wum_shared.errors import Malformed

READABLE = [case for case in MESSAGES if case[0] not in ("sealed", "signed")]
ENVELOPES = [case for case in MESSAGES if case[0] in ("sealed", "signed")]
PYCDDL_TEXT = CDDL.replace("scaler = -9..9", "scaler = int").replace(
    "scaled-integer = -4611686018427387904..4611686018427387903", "scaled-integer = int")


def case_name(value: object) -> str:
    return value if type(value) is str else ""


def schema_of(rule: str) -> pycddl.Schema:
    return pycddl.Schema(f"start = {rule}\n{PYCDDL_TEXT}")


def is_valid(schema: pycddl.Schema, data: bytes) -> bool:
    try:
        schema.validate_cbor(data)
    except pycddl.ValidationError:
        return False
    except BaseException as error:       # 0.6.4 panics over bytes in the place of a text constant.
        if type(error).__name__ != "PanicException":
            raise
        return False
    return True


def has_an_empty_list_of_lists(rule: str, data: bytes) -> bool:
    """pycddl 0.6.4 asks an empty `[* meter]` for the item that the `[+ ...]` in a meter wants."""
    parts = cbor.decode(data)
    return rule == "schema-0" and type(parts) is list and [] in parts[4:6]


@pytest.mark.parametrize(("rule", "encoded", "read"), READABLE, ids=case_name)
def test_every_message_is_what_the_cddl_says(rule, encoded, read):
    assert is_valid(schema_of(rule), encoded)
    assert is_accepted(read, encoded)


@pytest.mark.parametrize(("rule", "encoded", "read"), READABLE, ids=case_name)
def test_what_the_cddl_refuses_the_code_refuses(rule, encoded, read):
    schema = schema_of(rule)
    refused_by_cddl = accepted = 0
    for damaged in mutants(encoded, seed=7, count=1500):
        if is_valid(schema, damaged) or has_an_empty_list_of_lists(rule, damaged):
            accepted += 1
        else:
            refused_by_cddl += 1
            assert not is_accepted(read, damaged), damaged.hex()
    assert refused_by_cddl > 100
    assert accepted > 0


@pytest.mark.parametrize(("rule", "encoded", "read"), READABLE, ids=case_name)
def test_bytes_after_the_end_which_pycddl_lets_pass_are_refused(rule, encoded, read):
    assert is_valid(schema_of(rule), encoded + b"\x00")  # The premise.
    with pytest.raises(Malformed, match="after the end"):
        read(encoded + b"\x00")


def test_what_root_keys_sign_is_what_the_cddl_says():
    schema = schema_of("release-trust-payload")
    assert is_valid(schema, test_release_trust.PAYLOAD)
    parts = cbor.decode(test_release_trust.PAYLOAD)
    for place, wrong in ((0, "wum"), (1, 1), (2, 0), (3, bytes(15)), (4, 5), (6, 0), (7, [[1, 2]])):
        assert not is_valid(schema, cbor.encode([*parts[:place], wrong, *parts[place + 1:]]))


def test_what_a_seal_is_bound_to_is_what_the_cddl_says():
    schema = schema_of("sealed-context")
    assert is_valid(schema, cose.sealed_context("up", "default", "batch"))
    assert is_valid(schema, cose.sealed_context("down", "x" * 64, "ack"))
    assert not is_valid(schema, cbor.encode(["wum0", "sideways", "default", "batch"]))


@pytest.mark.parametrize(("rule", "encoded", "read"), ENVELOPES, ids=case_name)
def test_the_header_inside_of_an_envelope_is_what_the_cddl_says(rule, encoded, read):
    schema = schema_of(f"{rule}-header")
    protected = cbor.decode(encoded, tags=(16, 18)).value[0]
    assert is_valid(schema, protected)
    for damaged in mutants(protected, seed=7, count=300):
        if not is_valid(schema, damaged):
            parts = cbor.decode(encoded, tags=(16, 18))
            whole = cbor.encode(cbor.Tag(parts.number, [damaged, *parts.value[1:]]))
            assert not is_accepted(read, whole), damaged.hex()
