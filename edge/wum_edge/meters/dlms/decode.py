"""Any one APDU by its tag, for whoever does not know what comes: discovery, logs, tests.

Left out: conversations, which know what they wait for. Green Book 9.5.
"""

from wum_edge.meters.dlms import acse, apdu, notices
from wum_edge.meters.dlms.ciphering import GENERAL_CIPHERING, PLAIN_OF, decode_ciphered
from wum_edge.meters.dlms.errors import DlmsMalformed

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

DECODERS: "dict[int, Callable[[bytes], object]]" = {
    0x01: acse.decode_initiate, 0x08: acse.decode_initiated,
    acse.AARQ_TAG: acse.decode_aarq, acse.AARE_TAG: acse.decode_aare,
    acse.RLRQ_TAG: acse.decode_release, acse.RLRE_TAG: acse.decode_release,
    notices.DATA_NOTIFICATION: notices.decode_data_notification,
    apdu.EVENT_NOTIFICATION: notices.decode_event_notification,
    notices.EXCEPTION_RESPONSE: notices.decode_exception,
    notices.SERVICE_ERROR: notices.decode_service_error,
    notices.GENERAL_BLOCK: notices.decode_general_block,
}
for _tag in apdu.SERVICES:
    DECODERS[_tag] = apdu.decode_service
for _tag in sorted(PLAIN_OF) + [0xDB, 0xDC, GENERAL_CIPHERING]:
    DECODERS[_tag] = decode_ciphered


def decode_apdu(data: bytes) -> object:
    """The record that `data` is. Raises DlmsMalformed, NotSpoken."""
    decoder = DECODERS.get(data[0]) if data else None
    if decoder is None:
        raise DlmsMalformed("APDU: none has tag %s" % data[:1].hex())
    return decoder(data)


def encode_apdu(record: object) -> bytes:
    """Its bytes; of what is ciphered, see Security.protect."""
    encode = getattr(record, "encode", None)
    if encode is None:
        return apdu.encode_service(record)
    found: bytes = encode()
    return found
