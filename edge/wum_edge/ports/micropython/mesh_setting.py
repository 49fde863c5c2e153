"""What a board's station of the mesh is set up with: which settings it can be, and its keys.

A gateway without a mesh loads this and nothing else of it.
"""

from binascii import unhexlify

RADIO = "sx126x"
PREFIX = "spi:"
_KEY_SIZE = 16


def keys_of(given):
    """(network, epoch, address, key, a newer (epoch, key) or None) of keys.json. Raises KeyError,
    ValueError, TypeError.
    """
    key = unhexlify(given["key"])
    if len(key) != _KEY_SIZE:
        raise ValueError("a mesh key of %d bytes" % len(key))
    return given["network"], given["epoch"], given["address"], key, None


def why_not(setting):
    """Why a board cannot be such a station; empty where it can."""
    from wum_edge.carry.setting import STANDBY  # Late: it is there, for it made `setting`.
    if setting.role == STANDBY:
        return "mesh.role: a board is a gateway or a station, got standby"
    if setting.udp is not None or setting.modem is None or setting.modem.kind != RADIO:
        return 'mesh: a board has a radio, [mesh.modem] with kind = "sx126x", and no [mesh.udp]'
    if not setting.modem.port.startswith(PREFIX):
        return 'mesh.modem.port: a board has "spi:1", got %s' % setting.modem.port
    return ""
