"""An IEC 62056-21 meter by script, for the portable tests. No codec of ours in it."""

from wum_edge.meters.turn import Line


def checked(text):
    """The bytes of `text` (after SOH or STX, ETX included) with SOH or STX and their BCC."""
    data = text.encode()
    value = 0
    for byte in data[1:]:
        value ^= byte
    return data + bytes([value])


class Scripted(Line):
    """Answers what it is asked in the script's order: (asked, baud, answer, baud of the answer).

    What is said at another baud it does not understand; an answer that is listened to at another
    baud is noise. An `asked` of None stands for what the meter says by itself.
    """

    def __init__(self, *script):
        self.script = list(script)
        self.settings = []
        self.said = []
        self.coming = b""
        self.coming_baud = 0
        self.echo = False
        self.listened = 0

    def set(self, setting):
        self.settings.append(setting)

    def turn(self, say, is_whole, timeout_ms):
        baud = self.settings[-1].baud
        if say:
            self.said.append(bytes(say))
            self.coming = b""
            if self.script and self.script[0][0] == say and self.script[0][1] == baud:
                self._answer()
                if self.echo:
                    self.coming = bytes(say) + self.coming
        elif not self.coming and self.script and self.script[0][0] is None:
            self._answer()
        if not say:
            self.listened += 1
        if timeout_ms == 0:
            return b""
        if self.coming and self.coming_baud != baud:
            noise = bytes([(byte * 7 + 128) & 255 for byte in self.coming[:9]])
            self.coming = b""
            return noise
        heard = bytearray()
        for place in range(len(self.coming)):
            heard.append(self.coming[place])
            if is_whole(heard):
                break
        self.coming = self.coming[len(heard):]
        return bytes(heard)

    def _answer(self):
        _, _, self.coming, self.coming_baud = self.script.pop(0)
