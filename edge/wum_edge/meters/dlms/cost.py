"""What one visit to a DLMS meter takes on the wire: bytes both ways and turns, for plans.

Left out: what that takes in time (pace in entry.py). Measured against a simulated meter, frame by
frame, with server addresses of one byte; every value is reckoned as one of four bytes. What the
first contact takes more (scalers and units, a column for each of the profile) is not counted: it
comes once.
"""

from wum_edge.meters.dlms import acse
from wum_edge.meters.dlms.entry import MODE_E

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge.meters.catalog import Model
    from wum_edge.meters.dlms.entry import Access

OPEN_BYTES, OPEN_TURNS = 164, 3      # SNRM, AARQ and DISC with their answers.
LIST_BYTES, ITEM_BYTES = 36, 16      # A request for a list, and each register in it ...
CLOCK_BYTES = 25                     # ... and the clock.
PROFILE_BYTES, ROW_BYTES, COLUMN_BYTES = 96, 18, 5   # A range, each row in it, each value in a row.
SHORTEST_ADDRESS = 1
SIGN_ON_BYTES, SIGN_ON_TURNS = 48 * 9600 // 300, 2   # 48 characters at 300 baud, as of 9600.
# What an authentication adds to the opening: bytes, and turns (the challenge is answered).
AUTHENTICATION = {acse.LOWEST: (0, 0), acse.LLS: (25, 0), acse.HLS_MD5: (152, 1),
                  acse.HLS_SHA1: (160, 1), acse.HLS_GMAC: (178, 1)}
ENCRYPTED = 0x20
# What protection adds to the opening, and to every turn after it: header, counter, tag.
OPEN_ENCRYPTED, TURN_ENCRYPTED = 29, 14
OPEN_AUTHENTICATED, TURN_AUTHENTICATED = 77, 38
DEDICATED_BYTES = 17


def visit_cost(model: "Model", access: "Access | None", period_s: int) -> tuple[int, int]:
    """(bytes, turns): the link and the association opened, all registers and the clock, the rows
    that the load profile has new after `period_s`, new events, and all closed again.
    """
    services, size = _services(model, period_s)
    size += OPEN_BYTES
    turns = OPEN_TURNS + services
    if model.manner.sign_on == MODE_E:
        size, turns = size + SIGN_ON_BYTES, turns + SIGN_ON_TURNS
    if access is None:
        return size, turns
    more_bytes, more_turns = AUTHENTICATION[access.mechanism]
    size += more_bytes + _protection(access, services)
    turns += more_turns
    # A request and its answer have the server's address each.
    return size + 2 * turns * (access.address_bytes - SHORTEST_ADDRESS), turns


def _services(model: "Model", period_s: int) -> tuple[int, int]:
    """(turns, bytes) between opening and closing."""
    manner = model.manner
    count = len(model.registers) + (1 if manner.clock else 0)
    lists = count if manner.quirks.list_refused else -(-count // manner.list_max)
    size = lists * LIST_BYTES + len(model.registers) * ITEM_BYTES
    turns = lists
    if manner.clock:
        size += CLOCK_BYTES
    if manner.profile is not None:
        rows = max(1, period_s // manner.profile.period_s) if manner.profile.period_s else 1
        size += PROFILE_BYTES + rows * (
            ROW_BYTES + COLUMN_BYTES * len(manner.profile.registers))
        turns += 1
    if manner.events is not None:
        size += PROFILE_BYTES
        turns += 1
    return turns, size


def _protection(access: "Access", services: int) -> int:
    """Bytes that ciphering adds."""
    if not access.protection:
        return 0
    size = DEDICATED_BYTES if access.dedicated else 0
    if access.protection == ENCRYPTED:
        return size + OPEN_ENCRYPTED + services * TURN_ENCRYPTED
    return size + OPEN_AUTHENTICATED + services * TURN_AUTHENTICATED
