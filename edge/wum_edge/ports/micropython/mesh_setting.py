"""Which settings of a mesh's station a board can be.

A gateway without a mesh loads this and nothing else of it.
"""

RADIO = "sx126x"
PREFIX = "spi:"


def why_not(setting):
    """Why a board cannot be such a station; empty where it can."""
    if setting.udp is not None or setting.modem is None or setting.modem.kind != RADIO:
        return 'mesh: a board has a radio, [mesh.modem] with kind = "sx126x", and no [mesh.udp]'
    if not setting.modem.port.startswith(PREFIX):
        return 'mesh.modem.port: a board has "spi:1", got %s' % setting.modem.port
    return ""
