"""What is said to an LTE modem until it has dialled: AT commands. No I/O.

3GPP TS 27.007, and of SIMCom's SIM7600 and A7670 what it leaves open (AT+SPIC). A conversation:
yield (what to say, how long to wait in ms), get the lines that came, the final result last; none
for silence. Left out: the UART, PPP, and when it is tried again (lte.py).
"""

ESCAPE = "+++"               # Said without an end of line: back from data to commands.
ANSWER_MS, SIM_MS, DIAL_MS = 2000, 5000, 30000
PAUSE_MS = 2000              # From a look to the next.
GUARD_MS = 1100              # Around ESCAPE nothing is said (TS 27.007 takes V.250's S12, 1 s).
AWAKE_TRIES = 15             # A SIM7600 takes some 20 s from power on.
SIM_TRIES, NETWORK_TRIES = 15, 90
DENIED_MAX = 5               # Looks in a row: an operator may change its mind while it registers.
PIN_TRIES = 3                # So many a SIM gives; below, a PIN was refused before.
_HOME, _DENIED, _ROAMING = 1, 3, 5
_NO_SIM, _SIM_FAILS, _WRONG_PIN = 10, 13, 16
_UNKNOWN_SIGNAL = 99
_FINAL = ("OK", "ERROR", "NO CARRIER", "NO DIALTONE", "NO ANSWER", "BUSY")


class NoLink(Exception):
    """Why there is none, for a person. `is_final`: it would be no other until somebody acts."""

    def __init__(self, words, is_final=False):
        super().__init__(words)
        self.is_final = is_final


def is_final(line):
    """Whether this line ends an answer."""
    return line in _FINAL or line.startswith(("+CME ERROR:", "+CMS ERROR:", "CONNECT"))


def dialogue(apn, pin, tell):
    """Until data may flow. `tell` hears how it stands: words, and what changes with each look.
    Raises NoLink.
    """
    yield from _awake(tell)
    yield from _sim(pin, tell)
    lines = yield 'AT+CGDCONT=1,"IP","%s"' % apn, ANSWER_MS
    if not _is_ok(lines):
        raise NoLink("the modem does not take the APN %s (%s)" % (apn, _result(lines)))
    yield from _registered(tell)
    tell("dialling", "")
    lines = yield "ATD*99***1#", DIAL_MS
    if not lines or not lines[-1].startswith("CONNECT"):
        raise NoLink("dialling was refused (%s): is the APN %s the contract's?" % (
            _result(lines), apn))


def _awake(tell):
    tell("the modem is called", "")
    for count in range(AWAKE_TRIES):
        if _is_ok((yield "AT", ANSWER_MS)):
            break
        if count % 3 == 2:           # It may still be in data, of before our start.
            yield "", GUARD_MS
            yield ESCAPE, GUARD_MS
            yield "ATH", ANSWER_MS
    else:
        raise NoLink("the modem does not answer: its power, tx, rx and baud of its UART")
    for command in ("ATE0", "AT+CMEE=1"):
        yield command, ANSWER_MS


def _sim(pin, tell):
    is_given, why = False, ""
    for _ in range(SIM_TRIES):
        lines = yield "AT+CPIN?", SIM_MS
        said, error = _after(lines, "+CPIN:"), _error(lines)
        if said == "READY":
            return
        if error == _NO_SIM:
            raise NoLink("there is no SIM in the modem")
        if error == _SIM_FAILS:
            raise NoLink("the SIM does not work: is it in straight?")
        if said.startswith("SIM PUK"):
            raise NoLink("the SIM is locked, and wants its PUK: a phone takes it")
        if said == "SIM PIN" and not is_given:
            is_given = True
            yield from _give(pin)
        why = said or _result(lines)
        tell("the SIM is not ready", why)
        yield "", PAUSE_MS
    raise NoLink("the SIM does not get ready (%s)" % why)


def _give(pin):
    """A wrong PIN is given once in the life of a SIM, not once in each start: the third locks it.
    """
    if not pin:
        raise NoLink("the SIM wants its PIN: set the board up again, --sim-pin-file")
    left = _after((yield "AT+SPIC", SIM_MS), "+SPIC:").split(",")[0]
    if not left.isdigit():
        raise NoLink("the SIM wants its PIN, and the modem does not say how many tries are left: "
                     "take the PIN off it in a phone", True)
    if int(left) < PIN_TRIES:
        raise NoLink("the SIM has refused a PIN, and leaves %s tries: none is made here; type the "
                     "right one in a phone, and set the board up with it" % left, True)
    lines = yield 'AT+CPIN="%s"' % pin, SIM_MS
    if not _is_ok(lines):
        raise NoLink("the SIM refuses the PIN (%s): it is not tried again; set the board up with "
                     "the right one" % ("incorrect" if _error(lines) == _WRONG_PIN
                                        else _result(lines)), True)


def _registered(tell):
    denied, signal = 0, ""
    for _ in range(NETWORK_TRIES):
        signal = _signal((yield "AT+CSQ", ANSWER_MS))
        states = []
        for which in ("CEREG", "CGREG"):
            lines = yield "AT+%s?" % which, ANSWER_MS
            states.append(_state(_after(lines, "+%s:" % which)))
        if _HOME in states or _ROAMING in states:
            tell("registered%s" % ("" if _HOME in states else ", roaming"), signal)
            return
        denied = denied + 1 if _DENIED in states else 0
        if denied >= DENIED_MAX:
            raise NoLink("the network refuses this SIM (%s): its contract, or roaming" % signal)
        tell("no network has taken it yet", signal)
        yield "", PAUSE_MS
    yield "AT+CFUN=1,1", SIM_MS      # The modem starts anew: one that looked for long is stuck.
    raise NoLink("no network takes it (%s): antenna, and is there LTE here?" % signal)


def _signal(lines):
    """27.007, 8.5: 0..31 for -113 to -51 dBm."""
    given = _after(lines, "+CSQ:").split(",")[0]
    if not given.isdigit() or int(given) > 31:
        return "no signal"
    return "signal %d dBm" % (2 * int(given) - 113)


def _state(text):
    """Of "n,state": 0 where it is neither."""
    fields = text.split(",")
    return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else 0


def _after(lines, prefix):
    """The rest of the line that begins so; empty where none does."""
    for line in lines:
        if line.startswith(prefix):
            return line[len(prefix):].strip()
    return ""


def _error(lines):
    number = _after(lines[-1:], "+CME ERROR:")
    return int(number) if number.isdigit() else -1


def _is_ok(lines):
    return lines[-1:] == ["OK"]


def _result(lines):
    return lines[-1] if lines else "silence"
