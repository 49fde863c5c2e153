"""What MicroPython encoded and sealed is what CPython encodes, and opens with libsodium."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared.cpython.sodium import Sodium
from tests.shared.examples import (
    ACKNOWLEDGEMENT,
    BATCH,
    CONCENTRATOR,
    GAP_ANSWER,
    GAP_REQUEST,
    REGISTRATION,
    SCHEMA,
)
from tests.shared.test_across_interpreters import COUNTER
from wum_shared import cose
from wum_shared.batch import encode_batch
from wum_shared.gaps import encode_gap_answer, encode_gap_request
from wum_shared.messages import encode_acknowledgement, encode_registration, encode_schema

TESTS = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory) -> Path:
    """The folder with what the tests left on MicroPython."""
    folder = tmp_path_factory.mktemp("out")
    ran = subprocess.run(
        [sys.executable, str(TESTS / "run_micropython.py"), "--out", str(folder),
         str(TESTS / "shared" / "test_across_interpreters.py")],
        capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def test_both_interpreters_encode_every_message_to_the_same_bytes(left_behind):
    assert (left_behind / "schema").read_bytes() == encode_schema(SCHEMA)
    assert (left_behind / "batch").read_bytes() == encode_batch(BATCH)
    assert (left_behind / "acknowledgement").read_bytes() == encode_acknowledgement(
        ACKNOWLEDGEMENT)
    assert (left_behind / "gap-request").read_bytes() == encode_gap_request(GAP_REQUEST)
    assert (left_behind / "gap-answer").read_bytes() == encode_gap_answer(GAP_ANSWER)
    assert (left_behind / "registration").read_bytes() == encode_registration(REGISTRATION)


def test_a_batch_sealed_on_micropython_opens_with_libsodium(left_behind):
    sealed = (left_behind / "sealed-batch").read_bytes()
    assert cose.peek(sealed) == (CONCENTRATOR, 0, COUNTER)
    opened = cose.unseal(Sodium(), REGISTRATION.uplink, sealed, "up", "default", "batch")
    assert opened == encode_batch(BATCH)
