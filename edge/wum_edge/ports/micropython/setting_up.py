"""Setting a board up over its serial console: whoever changes something has to know its claim code.

A word is typed, and what it needs is asked for line by line. What is written is what `wum-firmware
board` would write; it counts from the next start. A code that was used still opens the console: a
digest of it stays (claiming.py). Left out: where the characters come from (keyboard.py).
"""

import json

from wum_edge.config import LOOPBACK
from wum_edge.ports.micropython.names import is_address
from wum_edge.ports.micropython.settings import UART, NotSetUp

OPEN_MS = 600000             # So long after the last line nobody is asked for the code again.
WRONG_MAX = 3                # Then nothing is heard for
CLOSED_MS = 60000            # so long.
AUTHORITY_MAX = 8192
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_ASKED = {
    "name": ("name of this concentrator",),
    "wifi": ("SSID, empty: it is wired", "key"),
    "lte": ("UART of the modem, empty: there is none", "its tx pin, empty: the board's own",
            "its rx pin, empty: the board's own", "its baud, empty: 115200",
            "access point (APN)", "PIN of the SIM, empty: none", "user, empty: none", "key"),
    "broker": ("host", "port, empty: 8883"),
    "dns": ("name server, empty: the network's",),
    "time": ("host of network time, empty: none",),
    "authority": ("certificate of whoever signs the broker's, PEM",),
    "restart": (),
}
_HELP = ("show: what is set, without secrets",
         "name, wifi, lte, dns, broker, authority, time: set it, by the claim code",
         "restart: start anew with what was set")
_NEW = {"concentrator": {"name": "board", "keys": "keys", "archive": "archive",
                         "archive_limit_mb": 1}}


class Console:
    """What is typed, and what is said to it."""

    def __init__(self, keyboard, setting):
        self._keyboard, self._setting = keyboard, setting

    def tick(self, now_ms):
        """Take what was typed; never waits."""
        for line in self._keyboard.lines():
            self._setting.typed(line, now_ms)


class SettingUp:
    """`check` raises NotSetUp for a document of gateway.json that is none; `is_code` tells the
    claim code, None on a board that has none; `restart` starts anew.
    """

    def __init__(self, flash, check, is_code, say, restart):
        self._flash, self._check, self._is_code = flash, check, is_code
        self._say, self._restart = say, restart
        self._word, self._answers, self._prompts = "", [], ()
        self._open_ms = self._closed_ms = None
        self._wrong = 0

    def typed(self, line, now_ms):
        """Take a line that was typed."""
        if self._closed_ms is not None and now_ms < self._closed_ms:
            return
        if self._open_ms is not None and now_ms >= self._open_ms:
            self._open_ms = None
        if self._word:
            self._answer(line.strip(), now_ms)
        elif line.strip():
            self._begin(line.strip().lower())
        if self._open_ms is not None:
            self._open_ms = now_ms + OPEN_MS

    def _begin(self, word):
        if word == "show":
            for text in self._shown():
                self._say(text)
        elif word not in _ASKED:
            for text in _HELP:
                self._say(text)
        elif self._is_code is None:
            self._say("this board has keys of the workbench: set it up there, wum-firmware board")
        else:
            self._word, self._answers = word, []
            self._prompts = (("claim code",) if self._open_ms is None else ()) + _ASKED[word]
            self._go_on()

    def _answer(self, line, now_ms):
        if self._open_ms is None:
            self._prompts = self._prompts[1:]
            if not self._is_code(line):
                self._refuse(now_ms)
                return
            self._open_ms, self._wrong = now_ms + OPEN_MS, 0
        elif self._word == "authority":
            self._answers.append(line)
            if line != _END and sum([len(one) for one in self._answers]) < AUTHORITY_MAX:
                return
            self._answers = ["\n".join(self._answers) + "\n"]
            self._prompts = ()
        else:
            self._answers.append(line)
            self._prompts = () if self._is_told_all() else self._prompts[1:]
        self._go_on()

    def _is_told_all(self):
        return self._word == "lte" and _modem().is_over(self._answers)

    def _refuse(self, now_ms):
        self._word = ""
        self._wrong += 1
        self._say("that is not its claim code")
        if self._wrong >= WRONG_MAX:
            self._wrong, self._closed_ms = 0, now_ms + CLOSED_MS
            self._say("nothing is heard for %d s" % (CLOSED_MS // 1000))

    def _go_on(self):
        if self._prompts:
            self._say(self._prompts[0] + "?")
            return
        word, self._word = self._word, ""
        if word == "restart":
            self._restart()
            return
        try:
            getattr(self, "_" + word)(*self._answers)
        except (NotSetUp, ValueError) as error:
            self._say("not written: %s" % error)
        except OSError as error:
            self._say("not written, flash refuses: %s" % error)
        else:
            self._say("written; restart, when all is set")

    def _name(self, name):
        document = self._read("gateway.json") or json.loads(json.dumps(_NEW))
        document.setdefault("concentrator", {})["name"] = name
        self._write_gateway(document)

    def _wifi(self, ssid, key):
        board = self._read("board.json")
        board.pop("wifi", None)
        if ssid:
            board["wifi"] = {"ssid": ssid, "key": key}
        self._write("board.json", board)

    def _lte(self, *answers):
        board = self._read("board.json")
        found = _modem().setting(list(answers), self._taken(board))
        board.pop("lte", None)
        if found is not None:
            board["lte"] = found
        self._write("board.json", board)

    def _taken(self, board):
        """Who has a UART, by its number."""
        found = {}
        for line in self._read("gateway.json").get("line") or ():
            number = str(line.get("port"))[len(UART):]
            if number.isdigit():
                found[int(number)] = "the line %s's" % line.get("name")
        if "uart" in (board.get("console") or {}):
            found[board["console"]["uart"]] = "this console's"
        return found

    def _dns(self, host):
        board = self._read("board.json")
        board.pop("dns", None)
        if host:
            if not is_address(host):
                raise ValueError("name server: wanted an IPv4 address, got %s" % host)
            board["dns"] = [host]
        self._write("board.json", board)

    def _time(self, host):
        board = self._read("board.json")
        board.pop("time", None)
        if host:
            board["time"] = {"host": host}
        self._write("board.json", board)

    def _broker(self, host, port):
        document = self._read("gateway.json") or json.loads(json.dumps(_NEW))
        is_here = host in LOOPBACK
        document["broker"] = {"host": host, "port": int(port or (1883 if is_here else 8883)),
                              "tls": not is_here}
        self._write_gateway(document)

    def _authority(self, pem):
        if not pem.startswith(_BEGIN) or not pem.rstrip().endswith(_END):
            raise ValueError("wanted a certificate, from %s to %s" % (_BEGIN, _END))
        self._flash.replace("ca.pem", pem.encode())

    def _write_gateway(self, document):
        """One that lacks its broker yet is let pass: that is what is being set."""
        if "broker" in document:
            self._check(document)
        self._write("gateway.json", document)
        if "board.json" not in self._flash.names():
            self._write("board.json", {})

    def _shown(self):
        gateway, board = self._read("gateway.json"), self._read("board.json")
        broker = gateway.get("broker") or {}
        yield "name       %s" % gateway.get("concentrator", {}).get("name", "not set")
        yield "broker     %s" % ("%s:%s" % (broker.get("host"), broker.get("port", "")) if broker
                                 else "not set")
        yield "authority  %s" % ("there" if "ca.pem" in self._flash.names() else "not set")
        yield "Wi-Fi      %s" % (board.get("wifi") or {}).get("ssid", "none")
        lte = board.get("lte") or {}
        yield "LTE        %s" % ("%s, by the modem at UART %s" % (lte.get("apn"), lte.get("uart"))
                                 if lte else "none")
        yield "dns        %s" % (", ".join(board.get("dns") or ()) or "the network's")
        yield "time       %s" % (board.get("time") or {}).get("host", "none")

    def _read(self, name):
        """A file that is none, or missing, is begun anew."""
        if name not in self._flash.names():
            return {}
        try:
            found = json.loads(self._flash.read(name, 0, self._flash.size(name)))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, name, document):
        self._flash.replace(name, json.dumps(document).encode())


def _modem():
    """Late: few boards have a modem, and it is set up once."""
    from wum_edge.ports.micropython import setting_lte
    return setting_lte
