"""The ports that a configuration asks of the mesh, made; and the same as a sentence.

Left out: what goes through them (mesh_station.py).
"""

from wum_edge.carry.setting import STANDBY, MeshSetting
from wum_edge.mesh.frames import FRAGMENT_MAX
from wum_edge.modem.rui3 import Radio
from wum_edge.ports.linux.keys import BadKeys
from wum_edge.ports.linux.mesh_modem import SerialModem
from wum_edge.ports.linux.mesh_udp import UdpPort


def udp_of(setting: MeshSetting) -> UdpPort | None:
    udp = setting.udp
    return None if udp is None else UdpPort(udp.listen, list(udp.peers), udp.group, udp.interface)


def modem_of(setting: MeshSetting) -> SerialModem | None:
    """Raises BadKeys."""
    modem = setting.modem
    if modem is None:
        return None
    if modem.kind != "rui3":
        raise BadKeys("mesh.modem.kind: %s is the radio of a board; here it is rui3" % modem.kind)
    return SerialModem(modem.port, Radio(setting.frequency_hz, setting.power_dbm, [setting.way],
                                         modem.sync_word, modem.looks_first))


def sentence_of(setting: MeshSetting) -> str:
    """What a configuration asks for, for a person."""
    parts = [f"Mesh: {setting.role}" + (
        f", a gateway after {setting.standby_after_s} s without one"
        if setting.role == STANDBY else "")]
    if setting.modem is not None:
        way = setting.way
        parts.append(f"modem {setting.modem.kind} at {setting.modem.port}, {setting.frequency_hz} "
                     f"Hz, SF{way.spreading_factor} at {way.bandwidth_hz} Hz, "
                     f"{setting.power_dbm} dBm, {setting.duty_permyriad / 100:g} % of any hour")
    if setting.udp is not None:
        udp = setting.udp
        parts.append("UDP at %s:%d" % udp.listen + (
            f", {len(udp.peers)} peers" if udp.peers else "") + (
            ", group %s:%d" % udp.group if udp.group else ""))
    return "; ".join(parts) + f". A frame carries {FRAGMENT_MAX} bytes."
