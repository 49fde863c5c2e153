"""Messages and damaged messages of the contract, for validators that read contract.cddl."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import wum_shared
from tests.shared import test_groups, test_network_key, test_rolls, test_updates
from tests.shared.cpython.sodium import Sodium
from tests.shared.examples import (
    ABSENT_READING,
    ACKNOWLEDGEMENT,
    BATCH,
    CONCENTRATOR,
    CONDITION_FULL,
    CONDITION_WELL,
    GAP_ANSWER,
    GAP_REQUEST,
    MESH_REPORT,
    MESH_REPORT_ALONE,
    MESH_REPORT_IN_GROUPS,
    ORDER,
    ORDER_FRESH,
    READING,
    RECEIPT_DONE,
    RECEIPT_REFUSED,
    REGISTRATION,
    RIPPLE_ORDER,
    RIPPLE_REPORT,
    RIPPLE_TO_ALL,
    SCHEMA,
    SCHEMA_OF_SETS,
    changed,
)
from tests.shared.test_golden_batches import ALONE
from tests.shared.test_single import SCHEMA as ALONE_SCHEMA
from wum_shared import (
    cbor,
    condition,
    consent,
    cose,
    gaps,
    groups,
    mesh,
    messages,
    network_key,
    order_kinds,
    orders,
    ripple,
    rolls,
    session,
    updates,
)
from wum_shared.bases import Base, heads_after
from wum_shared.batch import decode_batch, encode_batch, encode_batch_0
from wum_shared.configuration import Configuration, decode_configuration, encode_configuration
from wum_shared.errors import WireError

CDDL = (Path(wum_shared.__file__).parent / "contract.cddl").read_text()
SEALED = cose.seal(Sodium(), REGISTRATION.uplink, cose.key_id(CONCENTRATOR, 0), 300, b"reading",
                   "up", "default", "batch")
HEADS = heads_after(None, BATCH.rows)
SIGNED = cose.sign(Sodium(), bytes(32), CONCENTRATOR, messages.encode_registration(REGISTRATION))

_PARTS = {"schedule": {"period_s": 900}, "role": "station",
          "meter": [{"serial": "M-1", "register_sets": "volts"}]}
CONSENT = consent.Consent(CONCENTRATOR, orders.DISCONNECT, cbor.encode(["M-1"]), 10, 20)
PIECE = session.Piece(CONCENTRATOR, b"act 0003", "down", 1, b"\x01\x03", False)


def _arguments(kind: int, *values: object) -> bytes:
    return order_kinds.encode_arguments(kind, list(values))


def _reads(kind: int) -> Callable[[bytes], object]:
    return lambda data: order_kinds.decode_arguments(kind, data)


# Rule of the CDDL, an encoded message, and what reads it.
MESSAGES: list[tuple[str, bytes, Callable[[bytes], object]]] = [
    ("reading", messages.encode_reading(READING), messages.decode_reading),
    ("reading", messages.encode_reading(ABSENT_READING), messages.decode_reading),
    ("schema-0", messages.encode_schema(SCHEMA), messages.decode_schema),
    ("schema-1", messages.encode_schema(SCHEMA_OF_SETS), messages.decode_schema),
    ("configuration-0", encode_configuration(Configuration(3, _PARTS)), decode_configuration),
    ("configuration-1", encode_configuration(Configuration(4, dict(_PARTS, register_set=[
        {"name": "volts", "registers": "32.7.0", "period_s": 3600}]))), decode_configuration),
    ("batch-1", encode_batch(BATCH), lambda data: decode_batch(data, SCHEMA)),
    ("delta-rows", encode_batch(
        changed(BATCH, last_sequence=3, rows=BATCH.rows[:3], missed=(), events=(), lost=()),
        Base(7, bytes(16)), HEADS), lambda data: decode_batch(data, SCHEMA, HEADS)),
    ("delta-others", encode_batch(BATCH, Base(7, bytes(16)), HEADS),
     lambda data: decode_batch(data, SCHEMA, HEADS)),
    ("full", encode_batch(changed(BATCH, last_sequence=6, events=(), lost=())),
     lambda data: decode_batch(data, SCHEMA)),
    ("single", encode_batch(ALONE, schema=ALONE_SCHEMA),
     lambda data: decode_batch(data, ALONE_SCHEMA)),
    ("batch-0", encode_batch_0(BATCH), lambda data: decode_batch(data, SCHEMA)),
    ("acknowledgement", messages.encode_acknowledgement(ACKNOWLEDGEMENT),
     messages.decode_acknowledgement),
    ("gap-request", gaps.encode_gap_request(GAP_REQUEST), gaps.decode_gap_request),
    ("gap-answer", gaps.encode_gap_answer(GAP_ANSWER), gaps.decode_gap_answer),
    ("mesh-report-0", mesh.encode_mesh_report(MESH_REPORT), mesh.decode_mesh_report),
    ("mesh-report-0", mesh.encode_mesh_report(MESH_REPORT_ALONE), mesh.decode_mesh_report),
    ("mesh-report-1", mesh.encode_mesh_report(MESH_REPORT_IN_GROUPS), mesh.decode_mesh_report),
    ("ripple-order", ripple.encode_ripple_order(RIPPLE_ORDER), ripple.decode_ripple_order),
    ("ripple-order", ripple.encode_ripple_order(RIPPLE_TO_ALL), ripple.decode_ripple_order),
    ("ripple-report", ripple.encode_ripple_report(RIPPLE_REPORT), ripple.decode_ripple_report),
    ("condition", condition.encode_condition(CONDITION_WELL), condition.decode_condition),
    ("condition", condition.encode_condition(CONDITION_FULL), condition.decode_condition),
    ("order-alone", orders.encode_order(ORDER), orders.decode_order),
    ("order-alone", orders.encode_order(ORDER_FRESH), orders.decode_order),
    ("order-consented", orders.encode_order(ORDER_FRESH, (b"one", b"and another")),
     orders.decode_order),
    ("consent", consent.encode_consent(CONSENT), consent.decode_consent),
    ("arguments-on-meter", _arguments(orders.READ, "M-1"), _reads(orders.READ)),
    ("arguments-on-meter", _arguments(orders.DISCONNECT, bytes(10)), _reads(orders.DISCONNECT)),
    ("arguments-limit", _arguments(orders.LIMIT, "M-1", 2500, -1), _reads(orders.LIMIT)),
    ("arguments-secondary", _arguments(orders.SECONDARY, "M-1", False), _reads(orders.SECONDARY)),
    ("arguments-logs", _arguments(orders.LOGS, 1000), _reads(orders.LOGS)),
    ("arguments-again", _arguments(orders.READ_AGAIN, "M-1", 10, 20), _reads(orders.READ_AGAIN)),
    ("arguments-session", _arguments(orders.SESSION, "M-1", 600), _reads(orders.SESSION)),
    ("session-piece", session.encode_piece(PIECE), session.decode_piece),
    ("session-piece", session.encode_piece(PIECE._replace(
        direction="up", data=b"", is_last=True)), session.decode_piece),
    ("receipt", orders.encode_receipt(RECEIPT_DONE), orders.decode_receipt),
    ("receipt", orders.encode_receipt(RECEIPT_REFUSED), orders.decode_receipt),
    ("memberships", groups.encode_memberships(test_groups.MEMBERS), groups.decode_memberships),
    ("memberships", groups.encode_memberships([]), groups.decode_memberships),
    ("network-key", network_key.encode_network_key(test_network_key.GIVEN),
     network_key.decode_network_key),
    ("network-key", network_key.encode_network_key(test_network_key.ALONE),
     network_key.decode_network_key),
    ("group-results", groups.encode_results(test_groups.RESULTS), groups.decode_results),
    ("update-order", updates.encode_demand(test_updates.ASSIGNMENT), updates.decode_demand),
    ("update-order", updates.encode_demand(test_updates.CONFIRMATION), updates.decode_demand),
    ("update-order", updates.encode_demand(test_updates.CALL_OFF), updates.decode_demand),
    ("on-roll", updates.encode_demand(rolls.name_of(b"roll")), updates.decode_demand),
    ("roll", rolls.encode_roll(test_rolls.ROLL), rolls.decode_roll),
    # Not as one of update-order's: pycddl gives up on a choice between lists that hold lists.
    ("succession", updates.encode_demand(test_updates.SUCCESSION), updates.decode_demand),
    ("want", updates.encode_want(test_updates.WANT), updates.decode_want),
    ("pieces", updates.encode_pieces(test_updates.PIECES), updates.decode_pieces),
    ("standing", updates.encode_standing(test_updates.STANDING), updates.decode_standing),
    ("registration", messages.encode_registration(REGISTRATION), messages.decode_registration),
    ("sealed", SEALED, cose.peek),
    ("signed", SIGNED, cose.peek_signed),
]
_STRANGE = (None, True, 0, 1, -1, -5, 3, 8, 9, 10, 255, 256, 65535, 65536, 2**32, 2**53, 2**62,
            -2**62 - 1, "", "a", "a b", "x" * 64, "x" * 65, "x" * 200, "x" * 201, b"", bytes(6),
            bytes(8), bytes(12), bytes(16), bytes(32), bytes(64), [], [0], [[]], {}, {1: 24})


def mutants(encoded: bytes, seed: int, count: int) -> Iterator[bytes]:
    """`encoded` with one field, at any depth, replaced, left out or doubled; CBOR all the same."""
    dice = random.Random(seed)
    for _ in range(count):
        whole = [cbor.decode(encoded, tags=(16, 18))]
        holder, place = dice.choice(list(_places(whole)))
        act = dice.randrange(4)
        if act == 0 and type(holder) is list:
            del holder[place]
        elif act == 1 and type(holder) is list:
            holder.insert(place, holder[place])
        else:
            holder[place] = dice.choice(_STRANGE)
        if len(whole) == 1:
            yield cbor.encode(whole[0])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (list or map, index or key) below `value`."""
    if type(value) is cbor.Tag:
        yield from _places(value.value)
    elif type(value) in (list, dict):
        for place in range(len(value)) if type(value) is list else list(value):
            yield value, place
            yield from _places(value[place])


def is_accepted(read: Callable[[bytes], object], data: bytes) -> bool:
    """Whether our own reader takes `data`."""
    try:
        read(data)
    except WireError:
        return False
    return True
