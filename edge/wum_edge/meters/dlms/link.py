"""The client's side of an HDLC link: connect, say and hear information of any length, disconnect.

Left out: the frames (hdlc.py) and what the information is (station.py). What is heard in which
state leads where is the table NEXT; segmentation is in it. IEC 62056-46, 6.4.4 (normal response
mode, two-way alternate): the meter speaks only when polled, so a poll asks again for what was lost.
"""

from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent
from wum_edge.meters.dlms import hdlc
from wum_edge.meters.dlms.errors import DlmsMalformed, LinkLost
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

CLOSED, OPENING, OPEN, SAYING, ANSWERING, CLOSING = (
    "closed", "opening", "open", "saying", "answering", "closing")
STATES = (CLOSED, OPENING, OPEN, SAYING, ANSWERING, CLOSING)
# What is heard: an I frame is WANTED with the sequence number that is due, else REPEATED; DAMAGED
# are bytes without a whole frame, FOREIGN whole frames of others only.
WANTED, REPEATED, DAMAGED, FOREIGN, SILENCE = "wanted", "repeated", "damaged", "foreign", "silence"
EVENTS = (hdlc.UA, hdlc.DM, hdlc.FRMR, hdlc.DISC, hdlc.SNRM, hdlc.UI, hdlc.RR, hdlc.RNR, hdlc.REJ,
          WANTED, REPEATED, DAMAGED, FOREIGN, SILENCE)
# What is done: TAKE the information; GO_ON with what the meter has not got, else poll; WAIT and
# poll; POLL for what was lost; say SNRM or DISC AGAIN; PASS over the frame; DONE; LOST.
TAKE, GO_ON, WAIT, POLL, AGAIN, PASS, DONE, LOST = (
    "take", "go on", "wait", "poll", "again", "pass", "done", "lost")
_NOTHING = dict.fromkeys(EVENTS, (CLOSED, PASS))
_OPENING = dict.fromkeys(EVENTS, (OPENING, PASS))
_OPEN = dict.fromkeys(EVENTS, (OPEN, PASS))
_SAYING = dict.fromkeys(EVENTS, (SAYING, POLL))
_ANSWERING = dict.fromkeys(EVENTS, (ANSWERING, POLL))
_CLOSING = dict.fromkeys(EVENTS, (CLOSING, PASS))
_OPENING.update({hdlc.UA: (OPEN, DONE), hdlc.DM: (CLOSED, LOST), hdlc.FRMR: (CLOSED, LOST),
                 DAMAGED: (OPENING, AGAIN), FOREIGN: (OPENING, AGAIN), SILENCE: (OPENING, AGAIN)})
_OPEN.update({hdlc.DM: (CLOSED, LOST), hdlc.FRMR: (CLOSED, LOST), hdlc.DISC: (CLOSED, LOST)})
_BROKEN = {hdlc.DM: (CLOSED, LOST), hdlc.FRMR: (CLOSED, LOST), hdlc.DISC: (CLOSED, LOST),
           hdlc.UI: (SAYING, PASS), hdlc.UA: (SAYING, PASS), hdlc.SNRM: (SAYING, PASS)}
_SAYING.update(_BROKEN)
_SAYING.update({hdlc.RR: (SAYING, GO_ON), hdlc.RNR: (SAYING, WAIT), hdlc.REJ: (SAYING, GO_ON),
                WANTED: (ANSWERING, TAKE)})
_ANSWERING.update({event: (CLOSED, LOST) if move[1] == LOST else (ANSWERING, PASS)
                   for event, move in _BROKEN.items()})  # Any order: a dict of the same.
_ANSWERING.update({WANTED: (ANSWERING, TAKE), hdlc.RR: (ANSWERING, GO_ON),
                   hdlc.RNR: (ANSWERING, WAIT), hdlc.REJ: (ANSWERING, GO_ON)})
_CLOSING.update({hdlc.UA: (CLOSED, DONE), hdlc.DM: (CLOSED, DONE), hdlc.FRMR: (CLOSED, DONE),
                 DAMAGED: (CLOSING, AGAIN), FOREIGN: (CLOSING, AGAIN), SILENCE: (CLOSED, DONE)})
NEXT = {CLOSED: _NOTHING, OPENING: _OPENING, OPEN: _OPEN, SAYING: _SAYING,
        ANSWERING: _ANSWERING, CLOSING: _CLOSING}

ATTEMPTS = 4                 # Turns in a row that bring nothing new; silence counts double.
POLLS_MAX = 40               # Of a meter that is not ready: with a 20 ms turn, more than a second.
FRAMES_MAX = 1200            # Of one answer: 65,535 bytes in fields of 64.
HEARD_MAX = 7 * 2048 + 4096  # A window of the longest frames, and noise.


class Link:
    """One link. `server` and `client` are addresses as on the wire; `wanted` is what we offer."""

    def __init__(self, server: bytes, client: bytes, wanted: hdlc.Parameters,
                 timeout_ms: int) -> None:
        self.state = CLOSED
        self.parameters = hdlc.DEFAULTS
        self.foreign = 0
        self.turns = 0               # That brought a frame of this meter.
        self._server = server
        self._client = client
        self._wanted = wanted
        self._timeout_ms = timeout_ms
        self._send = 0               # V(S): of the next new frame.
        self._receive = 0            # V(R): of the frame that is due.
        self._segments: list[bytes] = []     # Of what is said now.
        self._first = 0              # V(S) of the first segment.
        self._acked = 0              # Segments that the meter has.
        self._answer = b""
        self._failures = 0
        self._polls = 0
        self._failed = SILENCE

    def open(self) -> "Conversation[None]":
        """Conversation: connect, negotiating. Raises LineSilent, BadCheck, LinkLost."""
        self.parameters = hdlc.DEFAULTS
        self._send = self._receive = 0
        self.state = OPENING
        yield from self._until_done(hdlc.SNRM, hdlc.encode_parameters(self._wanted))

    def close(self) -> "Conversation[None]":
        """Conversation: disconnect, if connected. A meter that says nothing is disconnected."""
        if self.state != CLOSED:
            self.state = CLOSING
            yield from self._until_done(hdlc.DISC, b"")
        self.state = CLOSED

    def ask(self, information: bytes) -> "Conversation[bytes]":
        """Conversation: say `information`, hear what is said to it, each in as many frames as was
        negotiated. Raises LineSilent, BadCheck, ForeignAnswer, LinkLost; then it is to be opened
        again.
        """
        assert self.state == OPEN
        size = self.parameters.send_bytes
        self._segments = [information[at:at + size] for at in range(0, len(information), size)]
        self._first, self._acked, self._answer = self._send, 0, b""
        self._failures = self._polls = 0
        self.state = SAYING
        frames = 0
        say = self._segments_due()
        while self.state != OPEN:
            heard = yield from self._turn(say)
            action = PASS
            for frame in heard:
                frames += 1
                done = self._step(frame)
                action = done if done != PASS else action
                if self.state == OPEN:
                    break
            if not heard:
                action = self._step_without_frame()
            if frames > FRAMES_MAX:
                self.state = CLOSED
                raise DlmsMalformed("HDLC: an answer of more than %d frames" % FRAMES_MAX)
            say = self._due(action)
        answer, self._answer, self._segments = self._answer, b"", []
        return answer

    def _until_done(self, kind: str, information: bytes) -> "Conversation[None]":
        """Say SNRM or DISC until the state leaves what it is now."""
        waiting = self.state
        self._failures = 0
        say = self._frame(kind, information)
        while self.state == waiting:
            heard = yield from self._turn(say)
            for frame in heard:
                if self.state == waiting:
                    self._step(frame)
            if not heard:
                self._step_without_frame()
            elif self.state == waiting:
                self._fail(DAMAGED)      # Frames of ours, but none that answers.

    def _turn(self, say: bytes) -> "Conversation[list[hdlc.Frame]]":
        hearing = _Hearing(self._server, self._client)
        heard = yield Turn(say, hearing, self._timeout_ms)
        hearing(heard)
        self.foreign += hearing.foreign
        self.turns += bool(hearing.frames)
        self._failed = SILENCE if not heard else FOREIGN if (
            hearing.foreign and not hearing.damaged()) else DAMAGED
        return hearing.frames

    def _event(self, frame: hdlc.Frame) -> str:
        if frame.kind == hdlc.I:
            return WANTED if frame.send == self._receive and self._acknowledged(
                frame) == len(self._segments) else REPEATED
        return frame.kind

    def _step(self, frame: hdlc.Frame) -> str:
        """One frame through the table; what is to be done then."""
        event = self._event(frame)
        self.state, action = NEXT[self.state][event]
        if action == LOST:
            raise LinkLost("HDLC: the meter answered %s" % event, 0)
        if action == TAKE:
            self._take(frame)
        elif action in (GO_ON, WAIT):
            self._note(frame)
        elif action == POLL:
            self._fail(DAMAGED)
        elif event == hdlc.UA and action == DONE and self.state == OPEN:
            self._agree(frame)
        return action

    def _step_without_frame(self) -> str:
        self.state, action = NEXT[self.state][self._failed]
        if action == POLL:
            self._fail(self._failed)
        elif action == AGAIN:    # Whoever calls tries a dead meter again, in its own time.
            self._fail(self._failed, ATTEMPTS if self._failed == SILENCE else 1)
        return action

    def _agree(self, frame: hdlc.Frame) -> None:
        try:
            self.parameters = hdlc.agreed(self._wanted, hdlc.decode_parameters(frame.information))
            self._wanted = self.parameters   # What it will not grant is not offered again.
        except DlmsMalformed:
            self.state = CLOSED
            raise

    def _take(self, frame: hdlc.Frame) -> None:
        """Information that was due. It also says that the meter has all of ours."""
        self._failures = self._polls = 0
        self._acked = len(self._segments)
        self._send = (self._first + self._acked) % 8
        self._receive = (self._receive + 1) % 8
        self._answer += frame.information
        if not frame.segmented:
            self.state = OPEN

    def _note(self, frame: hdlc.Frame) -> None:
        """RR or REJ: what the meter has of ours by now."""
        acked = self._acknowledged(frame)
        if acked > self._acked:
            self._failures = 0
        elif acked < len(self._segments) and frame.kind != hdlc.RNR:
            self._fail(DAMAGED)          # What was said was lost; say it again.
        self._acked = max(acked, self._acked)
        self._send = (self._first + self._acked) % 8

    def _acknowledged(self, frame: hdlc.Frame) -> int:
        """How many of the segments N(R) says the meter has; those that it had where N(R) is no
        number that may come now.
        """
        more = (frame.receive - self._first - self._acked) % 8
        window = min(self.parameters.send_window, len(self._segments) - self._acked)
        return self._acked + more if more <= window else self._acked

    def _due(self, action: str) -> bytes:
        """What is said next, by what was heard last."""
        if self.state == OPEN:
            return b""
        if action == GO_ON and self._acked < len(self._segments):
            return self._segments_due()
        if action in (GO_ON, WAIT):
            self._polls += 1             # It has all of ours and is not ready yet.
            if self._polls > POLLS_MAX:
                self._fail(DAMAGED, ATTEMPTS)
        elif action == PASS:
            self._fail(DAMAGED)
        return self._frame(hdlc.RR, b"")

    def _segments_due(self) -> bytes:
        """The next window of segments; the last of them polls."""
        said = b""
        window = self._segments[self._acked:self._acked + self.parameters.send_window]
        for place, segment in enumerate(window):
            number = self._acked + place
            said += hdlc.Frame(
                hdlc.I, self._server, self._client, place == len(window) - 1,
                number < len(self._segments) - 1, (self._first + number) % 8, self._receive,
                segment).encode()
        return said

    def _frame(self, kind: str, information: bytes) -> bytes:
        return hdlc.frame(kind, self._server, self._client, information,
                          receive=self._receive if kind == hdlc.RR else 0).encode()

    def _fail(self, why: str, weight: int = 0) -> None:
        """Count a turn that brought nothing new; raises when it was the last."""
        self._failures += weight or (2 if why == SILENCE else 1)
        if self._failures < ATTEMPTS:
            return
        self.state = CLOSED
        name = "HDLC address %s" % self._server.hex()
        if why == SILENCE:
            raise LineSilent("%s: silent for %d ms" % (name, self._timeout_ms))
        if why == FOREIGN:
            raise ForeignAnswer("%s: heard frames of others only" % name)
        raise BadCheck("%s: no whole answer in %d turns" % (name, self._failures))


class _Hearing(Hearing):
    """The frames of `server` to `client`, until one gives the turn back."""

    def __init__(self, server: bytes, client: bytes) -> None:
        self.frames: list[hdlc.Frame] = []
        self.foreign = 0
        self._server = server
        self._client = client
        self._scanner = hdlc.Scanner()
        self._done = False

    def __call__(self, heard: bytes | bytearray) -> bool:
        for frame in self._scanner.scan(heard):
            if frame.destination == self._client and frame.source == self._server:
                self.frames.append(frame)
                if frame.final and frame.kind != hdlc.UI:
                    self._done = True
            elif frame.source != self._client:   # An echo of ours is nobody's.
                self.foreign += 1
        return self._done or len(heard) > HEARD_MAX

    def damaged(self) -> bool:
        """Whether there were bytes that looked like a frame and were none."""
        return self._scanner.damaged > 0
