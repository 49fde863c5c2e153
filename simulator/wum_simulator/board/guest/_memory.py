"""How bytes cross to JavaScript: as an address and a size, for it sees this memory."""

import uctypes

address = uctypes.addressof


def given(data):
    """(bytes-like, address, size) of what is handed over. The first must be held meanwhile."""
    if isinstance(data, str):
        data = data.encode()
    if isinstance(data, memoryview) or not len(data):
        data = bytes(data)
    return data, (address(data) if len(data) else 0), len(data)
