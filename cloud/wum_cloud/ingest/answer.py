"""The acknowledgement of one batch: what the concentrator may rely on, sealed for it alone."""

import unicodedata
from dataclasses import dataclass

from wum_cloud.ingest.opened import Heading
from wum_shared import cose, topics
from wum_shared.cipher import Cipher
from wum_shared.ids import batch_digest
from wum_shared.messages import (
    NOTE_MAX,
    Acknowledgement,
    DirectionKey,
    encode_acknowledgement,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say about one batch; `answer` is one of wum_shared.status.ANSWERS."""

    heading: Heading
    digest: bytes
    answer: int
    set_aside: int          # Records of it that are kept in the quarantine.
    note: str


def answer_to(opened: bytes, heading: Heading, answer: int, set_aside: int, note: str) -> Answer:
    """The answer to the batch `opened`; the note is cut to what the contract allows."""
    return Answer(heading, batch_digest(opened), answer, set_aside, _fitting(note))


def sealed_answer(
        cipher: Cipher, key: DirectionKey, device_id: bytes, epoch: int, tenant: str,
        counter: int, answer: Answer,
) -> tuple[str, bytes]:
    """(topic, message). `counter` was reserved in the transaction that the answer speaks of."""
    heading = answer.heading
    plain = encode_acknowledgement(Acknowledgement(
        device_id, heading.incarnation, heading.first_sequence, heading.last_sequence,
        answer.digest, answer.answer, answer.set_aside, answer.note))
    message = cose.seal(
        cipher, key, cose.key_id(device_id, epoch), counter, plain, topics.DOWN, tenant,
        topics.ACKNOWLEDGEMENT)
    return topics.topic(device_id, topics.DOWN, topics.ACKNOWLEDGEMENT), message


def _fitting(note: str) -> str:
    """On one line, without control characters, of at most NOTE_MAX bytes."""
    plain = "".join([" " if unicodedata.category(c) == "Cc" else c for c in note])
    return plain.encode(errors="replace")[:NOTE_MAX].decode(errors="ignore")
