"""A schema document that is in our database already: it was checked when it arrived.

So that a fleet's hour costs no second check of every meter's names, it is decoded by cbor2.
Left out: documents from the wire (wum_shared.messages.decode_schema).
"""

import cbor2

from wum_shared.messages import Meter, Register, RegisterSet, Schedule, Schema


def schema_of_document(document: bytes) -> Schema:
    """What decode_schema gives for a document that it accepts."""
    version, tenant, concentrator, valid_from_s, meters, sets, schedules = cbor2.loads(document)
    return Schema(
        tenant, concentrator, valid_from_s,
        tuple([Meter(serial, point, model, tuple(indices),
                     tuple(due) if version else (due,) * len(indices))
               for serial, point, model, indices, due in meters]),
        tuple([RegisterSet(profile, tuple([Register(*register) for register in registers]))
               for profile, registers in sets]),
        tuple([Schedule(*schedule) for schedule in schedules]))
