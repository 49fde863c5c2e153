"""When a running concentrator asks for new keys: at its time, patiently, and never for ever."""

from wum_edge.enrolment.renewal import ASK_MAX_MS, ASK_MS, ASKED_MAX, Renewal

DAY_MS = 86400000


class Said:
    """An opening: all that is asked of it here is its message."""

    def __init__(self, number):
        self.number = number

    def message(self):
        return b"opening %d" % self.number


class Bench:
    """A renewal whose openings are numbered, and a connection that comes and goes."""

    def __init__(self):
        self.begun = 0
        self.sent = []
        self.is_connected = True
        self.renewal = Renewal(self._begin, self._publish, DAY_MS, 1000)

    def _begin(self):
        self.begun += 1
        return Said(self.begun)

    def _publish(self, message):
        if self.is_connected:
            self.sent.append(message)
        return self.is_connected

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
    bench.is_connected = False
    bench.until(40 * ASK_MS)
    assert bench.begun == 1 and bench.sent == []
    bench.is_connected = True
    bench.renewal.tick(41 * ASK_MS)
    assert bench.sent == [b"opening 1"]


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
