"""HDLC and the wrapper: any bytes give frames, a wrapped APDU or the room's own error."""

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import hdlc
from wum_edge.meters.dlms.wrapper import decode_wrapped, find_wrapped


def run(data: bytes) -> None:
    """Scan `data` as a line would bring it, and take it for one wrapped APDU."""
    scanner = hdlc.Scanner()
    scanner.scan(data[:len(data) // 2])
    for frame in scanner.scan(data):
        assert hdlc.decode_frame(frame.encode()) == frame
        try:
            hdlc.decode_parameters(frame.information)
        except MeterError:
            continue
    try:
        decode_wrapped(data)
        find_wrapped(data, 1, 16)
    except MeterError:
        return
