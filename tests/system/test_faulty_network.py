"""A street whose connections are cut, silenced one way, delayed and split at any byte.

Between gateways and broker, ingest and broker, ingest and PostgreSQL stands a proxy each. The seed
of the faults is printed; WUM_SEED replays them, WUM_FAULTS=200 makes more of them.
"""

import os
import random
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from demo.street import Cabinet
from tests.services.fault_proxy import DOWN, UP, FaultProxy
from tests.system.ledger import differences, read_archives, read_database
from tests.system.street import Street

FAULTS = int(os.environ.get("WUM_FAULTS", "18"))
LASTS_S = (0.2, 3.0)
DRAIN_S = 150.0


class FaultyStreet(Street):
    """A street with a proxy in each of its three connections."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, concentrators=2, meters=6, speed=10, every_s=10)
        broker = ("127.0.0.1", self.broker_port)
        self.gateways = FaultProxy(broker, seed)
        self.ingest = FaultProxy(broker, seed + 1)
        self.database: FaultProxy | None = None
        self._seed = seed

    def proxies(self) -> list[FaultProxy]:
        """All of them."""
        return [self.gateways, self.ingest, *([self.database] if self.database else [])]

    def _settle(self, cabinet: Cabinet) -> None:
        super()._settle(cabinet)
        cabinet.write_configuration(self.gateways.port, self.clock)

    def _start(self, name: str, command: list[str]) -> None:
        """Ingest alone goes through proxies; who asks the database for the test does not."""
        plain = self._environment
        if name == "ingest":
            url = urlsplit(self.database_url)
            self.database = FaultProxy((str(url.hostname), int(url.port or 5432)), self._seed + 2)
            netloc = url.netloc.replace(":%d" % url.port, ":%d" % self.database.port)
            self._environment = {
                **plain, "WUM_BROKER_PORT": str(self.ingest.port),
                "WUM_DATABASE_URL": urlunsplit(url._replace(netloc=netloc))}
        super()._start(name, command)
        self._environment = plain


def test_no_reading_is_lost_or_doubled_by_a_network_that_fails_in_every_way(tmp_path):
    seed = int(os.environ.get("WUM_SEED", random.randrange(10**6)))
    print("WUM_SEED=%d" % seed)
    street = FaultyStreet(tmp_path / "street", seed)
    try:
        street.start()
        street.wait_for("first row", lambda: street.ask("select 1 from reading limit 1") or None,
                        60)
        _disturb(street, random.Random(seed))
        _judge(street)
    finally:
        street.stop()
        for proxy in street.proxies():
            proxy.close()


def _disturb(street: FaultyStreet, dice: random.Random) -> None:
    """One fault after the other, each on one of the three connections."""
    for number in range(FAULTS):
        proxy = street.proxies()[number % 3]
        kind = dice.choice(("cut", "cut after", UP, DOWN, "delay", "split"))
        if kind == "cut":
            proxy.cut()
        elif kind == "cut after":
            proxy.cut_after(dice.randint(1, 3000))
        elif kind in (UP, DOWN):
            proxy.silence(kind)
        elif kind == "delay":
            proxy.delay(dice.uniform(0.05, 1.0))
        else:
            proxy.split(dice.randint(1, 40))
        time.sleep(dice.uniform(*LASTS_S))
        proxy.heal()


def _judge(street: FaultyStreet) -> None:
    """What was accepted when the faults ended is stored within DRAIN_S, once and unaltered."""
    for cabinet in street.cabinets:
        street.end("edge-%d" % cabinet.number)
    folders = [cabinet.folder / "archive" for cabinet in street.cabinets]
    last = read_archives(folders).last_sequence
    for cabinet in street.cabinets:
        street.start_edge(cabinet)
    street.wait_for("end of the backlog", lambda: all(
        street.ask("select received @> int8range(1, %s, '[]') from archive"
                   " where incarnation = %s", number, name) == [(True,)]
        for name, number in last.items()) or None, DRAIN_S)
    for cabinet in street.cabinets:
        street.end("edge-%d" % cabinet.number)
    must, may = read_archives(folders, last), read_archives(folders)
    assert must.rows > 200, "a street that hardly read anything proves nothing"
    assert all(proxy.carried for proxy in street.proxies())
    assert sum([proxy.cuts for proxy in street.proxies()]) >= 3, "hardly a connection was cut"
    assert differences(must, may, read_database(street.database_url)) == []
