"""A gateway comes back after an outage: do its three lanes share a slow link, and none starves?

The real gateway core and head-end in virtual time; batches are small here, so that a short backlog
has as many as a long one. Left out: faults (run.py), how lanes decide (wum_edge/uplink/lanes.py).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.system.chaos.headend import START_S, ChaosHeadEnd
from tests.system.chaos.memory_gaps import NobodyAsks
from tests.system.chaos.run import keys_of
from wum_cloud.registry.cipher import SodiumCipher
from wum_edge.uplink import batch
from wum_edge.uplink.delivery import Delivery
from wum_shared import cose
from wum_shared.batch import Row
from wum_shared.gaps import GapRange, GapRequest, encode_gap_request
from wum_shared.topics import DOWN, REQUEST
from wum_simulator.chaos.gateway import Gateway, Violation
from wum_simulator.chaos.network import Broker, Network, Weather
from wum_simulator.world import VirtualWorld

METERS, PERIOD_S = 12, 1        # 12 readings a second: there is always a new one to send.
RECORDS_MAX = 64                # In a batch.
DELAY_MS = 2000                 # On each of three ways at most: some three seconds to and fro.
BEFORE_S = 60
OUTAGE_S = 220                  # 2,900 records are behind then, in 45 batches.
CONNECTED_S = 10                # After the broker is back.
LOOK_S = 3

# How long each may take from when the broker is back.
LIVE_S = 30                     # Of any reading captured since, until it is in the database.
ASKED_S = 60                    # Until what was asked for has come, and was answered.
BEHIND_S = 150                  # Until what piled up is in the database.


class Outage:
    """One run; `told` says after how many seconds each lane was through, once it is over."""

    def __init__(self, make: Callable[..., Delivery] = Delivery) -> None:
        self.told: dict[str, float] = {}
        self._world = VirtualWorld(7, START_S)
        self._network = Network(self._world, self._world.dice.stream("network"))
        self._broker = Broker(self._network)
        keys = keys_of(self._world, 0)
        self._head_end = ChaosHeadEnd(self._world, self._broker, [keys], make_gaps=NobodyAsks)
        self._gateway = Gateway(0, self._world, self._broker, keys, SodiumCipher(), make,
                                meters=METERS, period_s=PERIOD_S)

    def run(self) -> None:
        """Raises Violation."""
        self._head_end.start()
        self._gateway.start()
        self._pass_by(BEFORE_S)
        self._broker.stop()
        self._pass_by(OUTAGE_S)
        assert self._gateway.archive is not None
        behind = self._gateway.archive.next_sequence - 1
        if self._gateway.archive.backlog < 10 * RECORDS_MAX:
            raise Violation("hardly anything is behind: %d" % self._gateway.archive.backlog)
        self._network.weather = Weather(delay_ms=DELAY_MS)
        self._broker.start()
        self._back(behind)

    def close(self) -> None:
        """Nothing more happens."""
        self._world.close()

    def _back(self, behind: int) -> None:
        archive = self._gateway.archive
        assert archive is not None
        began_s = self._world.elapsed_s()
        self._pass_by(CONNECTED_S)
        connected_at_s = self._world.now_s()
        self._pass_by(CONNECTED_S)
        self._ask(archive.incarnation)
        while "behind" not in self.told or "asked" not in self.told:
            self._pass_by(LOOK_S)
            past_s = self._world.elapsed_s() - began_s
            self._look_at_live(connected_at_s, past_s)
            if self._gateway.counted()[1]:
                self.told.setdefault("asked", past_s)
            if archive.cursor >= behind:
                self.told.setdefault("behind", past_s)
            for lane, most_s in (("asked", ASKED_S), ("behind", BEHIND_S)):
                if past_s > most_s and lane not in self.told:
                    raise Violation("what was %s starves: not through after %d s" % (lane, past_s))
        if self.told["behind"] < self.told["asked"]:
            raise Violation("nothing was behind any more when what was asked for was answered")

    def _look_at_live(self, since_s: int, past_s: float) -> None:
        """The oldest of those captured since that is not in the database yet."""
        archive = self._gateway.archive
        assert archive is not None
        tables = self._head_end.tables
        there = {(meter, at_s) for meter, at_s, _ in tables.readings}
        meters = {serial: number for serial, (number, _) in tables.meters.items()}
        missing = [record.captured_at_s for record in self._gateway.truth.confirmed.values()
                   if type(record) is Row and record.captured_at_s >= since_s
                   and (meters[self._gateway.serial(record.meter)],
                        record.captured_at_s) not in there]
        age_s = self._world.now_s() - min(missing, default=self._world.now_s())
        self.told["live"] = max(self.told.get("live", 0), age_s)
        if age_s > LIVE_S:
            raise Violation("new readings starve: one of %d s ago is not stored, %d s after the "
                            "outage" % (age_s, past_s))

    def _ask(self, incarnation: bytes) -> None:
        keys = self._gateway.keys
        request = GapRequest(keys.concentrator, 1, (GapRange(incarnation, 1, 3 * RECORDS_MAX),))
        self._gateway.asked(cose.seal(
            SodiumCipher(), keys.downlink, keys.key_id, 1, encode_gap_request(request), DOWN,
            keys.tenant, REQUEST))

    def _pass_by(self, seconds: float) -> None:
        self._world.let_pass(self._world.elapsed_s() + seconds)


@contextmanager
def small_batches() -> Iterator[None]:
    """While it lasts a batch has few records."""
    before = batch.RECORDS_MAX
    batch.RECORDS_MAX = RECORDS_MAX
    try:
        yield
    finally:
        batch.RECORDS_MAX = before


def share_the_link(make: Callable[..., Delivery] = Delivery) -> dict[str, float]:
    """How long each lane took at most. Raises Violation where one starves."""
    outage = Outage(make)
    logging.disable()
    try:
        with small_batches():
            outage.run()
    finally:
        logging.disable(logging.NOTSET)
        outage.close()
    return outage.told
