"""Scripted M-Bus slaves on one pair of wires, byte by byte as EN 13757-2 says. No codec of ours."""

from wum_edge.meters.turn import Line


def long_frame(control, address, ci, data):
    body = bytes([control, address, ci]) + data
    return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) & 0xFF, 0x16])


class Slave:
    """A meter with a primary address, an eight-byte secondary one, and its telegrams."""

    def __init__(self, address, secondary, telegrams, ci=0x72):
        self.address = address
        self.secondary = bytes.fromhex(secondary)
        self.telegrams = telegrams     # Data after the header; 1f at an end is the script's.
        self.ci = ci
        self.selected = False
        self.fcb = None
        self.place = -1
        self.access = 0
        self.silent = False
        self.damage = 0                # So many answers are damaged.
        self.error = None              # An application error instead of data.
        self.got = []
        self.status = 0
        self.alarm = None              # Its alarm byte; None: it has no class 1 data.

    def hear(self, said):
        if said[0] == 0x10:
            control, address = said[1], said[2]
        else:
            control, address = said[4], said[5]
        if said[0] == 0x68 and address == 0xFD and said[6] == 0x52:
            self.selected = self._fits(said[7:15])
            self.fcb, self.place = None, -1
            return self._say(b"\xe5") if self.selected else b""
        if not (address in (self.address, 0xFE) or address == 0xFD and self.selected):
            return b""
        if control == 0x40:
            self.fcb, self.place = None, -1
            if address == 0xFD:
                self.selected = False
            return self._say(b"\xe5")
        if control & 0x4F == 0x4B:
            return self._say(self._data(control))
        if control & 0x4F == 0x4A:
            return self._say(b"\xe5" if self.alarm is None else
                             long_frame(8, self.address, 0x71, bytes([self.alarm])))
        if control & 0x4F == 0x43:
            self.got.append(bytes(said[6:-2]))
            return self._say(b"\xe5")
        return b""

    def _data(self, control):
        fcb = control & 0x20
        if fcb != self.fcb:
            self.place = min(self.place + 1, len(self.telegrams) - 1)
            self.access += 1
        self.fcb = fcb
        if self.error is not None:
            return long_frame(8, self.address, 0x70, bytes([self.error]))
        header = self.secondary + bytes([self.access & 0xFF, self.status, 0, 0])
        return long_frame(8, self.address, self.ci,
                          header + bytes.fromhex(self.telegrams[self.place]))

    def _fits(self, wanted):
        for place in range(4):
            for shift in (0, 4):
                digit = wanted[place] >> shift & 15
                if digit != 15 and digit != self.secondary[place] >> shift & 15:
                    return False
        maker = wanted[4:6] in (b"\xff\xff", self.secondary[4:6])
        return maker and wanted[6] in (255, self.secondary[6]) and wanted[7] in (
            255, self.secondary[7])

    def _say(self, answer):
        if self.silent:
            return b""
        if self.damage:
            self.damage -= 1
            return answer[:-1] + bytes([answer[-1] ^ 0x40])
        return answer


class Wires(Line):
    """All slaves hear, and what they say at one time adds up: a zero of one is a zero of all."""

    def __init__(self, slaves):
        self.slaves = slaves
        self.turns = []
        self.silences = 0

    def turn(self, say, is_whole, timeout_ms):
        self.turns.append(bytes(say))
        heard = b""
        for slave in self.slaves:
            answer = slave.hear(say)
            longer, shorter = (heard, answer) if len(heard) > len(answer) else (answer, heard)
            heard = bytes([longer[place] & (shorter[place] if place < len(shorter) else 0xFF)
                           for place in range(len(longer))])
        for size in range(1, len(heard) + 1):
            if is_whole(heard[:size]):
                return heard[:size]
        self.silences += not heard
        return heard
