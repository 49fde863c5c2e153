"""What no honest meter says is an alarm, beside the reason why there is no row."""

from tests.edge.meters.test_sweep import Street
from wum_edge.meters.dlms.errors import CounterDecreased
from wum_edge.meters.reader import Reader
from wum_shared import status


class Doubted(Reader):
    """A reader whose meter repeats old messages."""

    doubted = True

    def read(self, places, take):
        take.turns += 1
        if self.doubted:
            take.errors.append(CounterDecreased("counter 7 after 9"))
        else:
            take.values.update(dict.fromkeys(places, 1))
        return
        yield


def test_a_meter_that_cannot_be_believed_is_an_alarm_until_it_can():
    street = Street(1)
    reader = street.sweep.meters[0].reader = Doubted()
    for sweep in range(2):
        _, missed, events, _ = street.run()
        assert [m.outcome for m in missed] == [status.COUNTER_DECREASED]
        assert [(e.kind, e.meter) for e in events] == [(status.EVENT_METER_DOUBTED, 0)][sweep:]
    reader.doubted = False
    rows, _, events, _ = street.run()
    assert len(rows) == 1 and events == []
    reader.doubted = True
    assert "counter 7 after 9" in street.run()[2][0].note
