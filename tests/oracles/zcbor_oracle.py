"""zcbor, somebody else's reader of CDDL, finds every message to be what contract.cddl says.

It runs in the environment of the oracles, by zcbor's Python interface (its command line fails on
files of CBOR). It lets pass bytes after the end and -5 for an unsigned number: what it misses is
planted here, and our own readers refuse it.
"""

import contextlib
import io
import sys
from pathlib import Path

import zcbor
from cbor2 import CBORDecodeError
from promises import refused, run
from zcbor import CddlValidationError, DataTranslator

from tests.shared.cpython.contract_cases import CDDL, MESSAGES, is_accepted, mutants
from wum_shared import cbor
from wum_shared.errors import Malformed

PRELUDE = (Path(zcbor.__file__).parent / "zcbor" / "prelude.cddl").read_text()
RULES = DataTranslator.from_cddl(cddl_string=PRELUDE + CDDL, default_max_qty=1024).my_types
DAMAGED_OF_EACH = 150


def is_valid(rule: str, data: bytes) -> bool:
    with contextlib.redirect_stdout(io.StringIO()):  # It prints what it finds.
        try:
            return bool(RULES[rule].validate_str(data))
        except (CddlValidationError, CBORDecodeError):
            return False


def test_every_message_is_what_the_cddl_says():
    for rule, encoded, read in MESSAGES:
        assert is_valid(rule, encoded), rule
        assert is_accepted(read, encoded), rule


def test_what_the_cddl_refuses_the_code_refuses():
    for rule, encoded, read in MESSAGES:
        count = 0
        for damaged in mutants(encoded, seed=11, count=DAMAGED_OF_EACH):
            if not is_valid(rule, damaged):
                count += 1
                assert not is_accepted(read, damaged), (rule, damaged.hex())
        assert count > DAMAGED_OF_EACH // 4, (rule, count)


def test_what_zcbor_lets_pass_after_the_end_we_refuse():
    for rule, encoded, read in MESSAGES:
        assert is_valid(rule, encoded + b"\x00")  # The premise.
        assert refused(lambda read=read, encoded=encoded: read(encoded + b"\x00"), Malformed)


def test_a_number_below_zero_that_zcbor_takes_for_unsigned_we_refuse():
    rule, encoded, read = next(case for case in MESSAGES if case[0] == "batch-1")
    whole = cbor.decode(encoded)
    whole[8][0][1] = -5  # The meter's index of a missed row: uint in the contract.
    damaged = cbor.encode(whole)
    assert is_valid(rule, damaged)  # The premise.
    assert refused(lambda: read(damaged), Malformed)


if __name__ == "__main__":
    sys.exit(run(dict(globals())))
