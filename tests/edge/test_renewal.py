"""When a running concentrator asks for new keys: at its time, patiently, and never for ever."""

from wum_edge.enrolment.renewal import (
    ASK_MAX_MS,
    ASK_MS,
    ASKED_MAX,
    DEAR_ASK_MAX_MS,
    DEAR_ASK_MS,
    Questions,
    Renewal,
)
from wum_edge.uplink.broker import Broker, Dice

DAY_MS = 86400000


class Said:
    """An opening: all that is asked of it here is its message."""

    def __init__(self, number):
        self.number = number

    def message(self):
        return b"opening %d" % self.number


class Connection(Broker):
    """It comes and goes; what was published can be withdrawn, as in a mesh."""

    def __init__(self):
        self.is_connected = self.is_roomy = True
        self.sent, self.held, self.withdrawn = [], {}, []

    def session(self):
        return int(self.is_connected)

    def has_room(self):
        return self.is_roomy

    def publish(self, topic, payload):
        assert topic == "wum/up/enrol"
        self.sent.append(payload)
        self.last = len(self.sent)
        self.held[self.last] = payload
        return True

    def withdraw(self, number):
        self.held.pop(number)


class Most(Dice):
    """Draws the greatest that there is."""

    def below(self, limit):
        return limit - 1


class Bench:
    """A renewal whose openings are numbered."""

    def __init__(self, is_dear=False, every_ms=DAY_MS):
        self.begun = 0
        self.connection = Connection()
        self.connection.is_dear = is_dear
        self.sent = self.connection.sent
        questions = Questions(self.connection, "wum/up/enrol", Most())
        self.renewal = Renewal(self._begin, questions, every_ms, 1000)

    def _begin(self):
        self.begun += 1
        return Said(self.begun)

    def until(self, now_ms, step_ms=10000):
        """Tick along; when something was sent."""
        at = []
        for moment in range(0, now_ms + 1, step_ms):
            before = len(self.sent)
            self.renewal.tick(moment)
            if len(self.sent) > before:
                at.append(moment)
        return at


def test_it_asks_at_its_time_and_again_more_and_more_seldom():
    bench = Bench()
    at = bench.until(4 * ASK_MAX_MS)
    assert at[0] == 10000, "not before it is due"
    waits = [at[n + 1] - at[n] for n in range(len(at) - 1)]
    assert waits[0] == ASK_MS and waits[-1] == ASK_MAX_MS and sorted(waits) == waits


def test_the_same_opening_is_sent_again_before_another_one_is_made():
    bench = Bench()
    bench.until(20 * ASK_MS)
    assert bench.sent[:ASKED_MAX] == [b"opening 1"] * ASKED_MAX
    assert bench.sent[ASKED_MAX] == b"opening 2"


def test_while_there_is_no_connection_nothing_is_counted_as_asked():
    bench = Bench()
    bench.connection.is_connected = False
    bench.until(40 * ASK_MS)
    bench.connection.is_connected, bench.connection.is_roomy = True, False
    bench.renewal.tick(42 * ASK_MS)
    assert bench.begun == 1 and bench.sent == []
    bench.connection.is_roomy = True
    bench.renewal.tick(43 * ASK_MS)
    assert bench.sent == [b"opening 1"], "and what nobody took is tried soon"


def test_an_answer_ends_it_for_a_day_and_one_without_keys_for_no_moment():
    bench = Bench()
    bench.renewal.tick(1000)
    bench.renewal.answered(2000, is_done=False)
    assert bench.renewal.opening is None
    bench.renewal.tick(2000)
    assert bench.sent == [b"opening 1", b"opening 2"]
    bench.renewal.answered(3000, is_done=True)
    bench.renewal.tick(3000 + DAY_MS - 1)
    assert len(bench.sent) == 2
    bench.renewal.tick(3000 + DAY_MS)
    assert bench.sent[2:] == [b"opening 3"]


def waits_of(at):
    return [at[n + 1] - at[n] for n in range(len(at) - 1)]


def test_through_a_mesh_it_asks_by_the_half_hour_and_less_and_less_often():
    bench = Bench(is_dear=True)
    waits = waits_of(bench.until(7 * DAY_MS, 60000))
    assert waits[:4] == [DEAR_ASK_MS, 2 * DEAR_ASK_MS, 4 * DEAR_ASK_MS, 8 * DEAR_ASK_MS]
    assert set(waits[5:]) == {DEAR_ASK_MAX_MS}, "four a day, however long nobody answers"
    assert bench.begun == (len(waits) + ASKED_MAX) // ASKED_MAX
    assert list(bench.connection.held.values()) == [bench.sent[-1]], "one copy is on its way"


def test_through_a_mesh_it_never_waits_longer_at_first_than_an_epoch_is_long():
    waits = waits_of(Bench(is_dear=True, every_ms=60000).until(20 * 60000))
    assert waits[:3] == [60000, 120000, 240000]
    assert waits_of(Bench(is_dear=True, every_ms=1000).until(20 * 60000))[0] == ASK_MS


def test_an_answer_withdraws_what_still_waits_and_epochs_in_a_mesh_drift_apart():
    bench = Bench(is_dear=True)
    bench.renewal.tick(1000)
    bench.renewal.answered(2000, is_done=True)
    assert bench.connection.held == {}
    bench.renewal.tick(2000 + DAY_MS + DAY_MS // 4 - 1)
    assert len(bench.sent) == 1
    bench.renewal.tick(2000 + DAY_MS + DAY_MS // 4)
    assert len(bench.sent) == 2
    bench.connection.is_dear = False             # A standby that has become a gateway.
    bench.renewal.answered(3 * DAY_MS, is_done=True)
    bench.renewal.tick(4 * DAY_MS)
    assert len(bench.sent) == 3


def test_where_nothing_can_be_withdrawn_nothing_is():
    bench = Bench()
    connection = bench.connection
    bench.renewal.tick(1000)
    connection.last, connection.held = None, {}
    bench.renewal._questions._copy = None
    bench.renewal.answered(2000, is_done=True)
    assert connection.held == {}
