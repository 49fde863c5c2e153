"""What one interpreter writes, the other reads: the MicroPython side leaves its bytes behind."""

from tests.portable import keep
from tests.shared.examples import (
    ACKNOWLEDGEMENT,
    BATCH,
    CONCENTRATOR,
    GAP_ANSWER,
    GAP_REQUEST,
    REGISTRATION,
    SCHEMA,
)
from tests.shared.slow_cipher import SlowCipher
from wum_shared import cose
from wum_shared.batch import decode_batch, encode_batch
from wum_shared.gaps import encode_gap_answer, encode_gap_request
from wum_shared.messages import encode_acknowledgement, encode_registration, encode_schema

COUNTER = 2**40 + 7


def sealed_batch():
    return cose.seal(SlowCipher(), REGISTRATION.uplink, cose.key_id(CONCENTRATOR, 0), COUNTER,
                     encode_batch(BATCH), "up", "default", "batch")


def test_every_message_is_left_for_the_other_interpreter():
    for name, data in (("schema", encode_schema(SCHEMA)), ("batch", encode_batch(BATCH)),
                       ("acknowledgement", encode_acknowledgement(ACKNOWLEDGEMENT)),
                       ("gap-request", encode_gap_request(GAP_REQUEST)),
                       ("gap-answer", encode_gap_answer(GAP_ANSWER)),
                       ("registration", encode_registration(REGISTRATION))):
        assert len(data) > 40
        keep(name, data)


def test_a_sealed_batch_is_left_for_the_other_interpreter():
    sealed = sealed_batch()
    opened = cose.unseal(SlowCipher(), REGISTRATION.uplink, sealed, "up", "default", "batch")
    assert decode_batch(opened, SCHEMA)[:4] == BATCH[:4]
    keep("sealed-batch", sealed)
