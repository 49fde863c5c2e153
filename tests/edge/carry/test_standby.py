"""A standby's uplink: opened when the mesh has no gateway, closed again, and what fails."""

from wum_edge.carry.carriage import Uplink
from wum_edge.carry.standby import (
    AGAIN_MS,
    AWAY_MS,
    CLOSE_MS,
    OPEN_MS,
    Either,
    Place,
    Standby,
)
from wum_edge.log import Log
from wum_edge.uplink.broker import Broker


class Wire(Broker, Uplink):
    """`comes`: whether a connection is there once it is opened."""

    def __init__(self, comes=True):
        self.is_open, self.comes, self.sessions = False, comes, 4
        self.published, self.took = [], []

    def open(self):
        self.is_open = True
        self.sessions += 1

    def close(self):
        self.is_open = False

    def session(self):
        return self.sessions if self.is_open and self.comes else 0

    def publish(self, topic, payload):
        self.published.append(payload)
        return True

    def answered(self, took_ms):
        self.took.append(took_ms)


class Through(Wire):
    """The connection through the mesh: always there."""

    batch_bytes = 3_000
    answer_ms = 77_000
    is_dear = True

    def session(self):
        return 1


class Here(Place):
    def __init__(self):
        self.told = []

    def serve(self, is_gateway):
        self.told.append(("serve", is_gateway))

    def stand_by(self, is_standby):
        self.told.append(("stand by", is_standby))


class Sentences(Log):
    def say(self, text):
        """Nobody reads it here."""

    def warn(self, text):
        """Nobody reads it here."""


class Station:
    def __init__(self, comes=True):
        self.wire, self.through, self.here = Wire(comes), Through(), Here()
        self.either = Either(self.through, self.wire)
        self.standby = Standby(self.here, self.wire, self.either, Sentences())


def test_delivery_goes_through_the_mesh_until_there_is_no_gateway_and_then_by_the_uplink():
    station = Station()
    either = station.either
    assert either.session() == 1 and either.publish("t", b"1") and not station.wire.is_open
    assert (either.batch_bytes, either.answer_ms, either.is_dear) == (3_000, 77_000, True)
    station.standby.serving(0)
    station.standby.tick(1)
    assert station.wire.is_open and either.session() == station.wire.session() + 1
    assert either.publish("t", b"2") and either.batch_bytes == Broker.batch_bytes
    assert not either.is_dear
    either.answered(5)
    assert (station.through.published, station.wire.published) == ([b"1"], [b"2"])
    assert station.wire.took == [5] and station.through.took == []


def test_while_the_uplink_opens_nothing_is_sent_into_a_mesh_without_a_gateway():
    station = Station(comes=False)
    station.standby.serving(0)
    assert station.either.session() == 0


def test_an_uplink_that_does_not_come_leaves_it_to_another_and_is_tried_again_later():
    station = Station(comes=False)
    station.standby.serving(0)
    station.standby.tick(OPEN_MS - 1)
    assert station.here.told == [] and station.standby.is_gateway
    station.standby.tick(OPEN_MS)
    assert station.here.told == [("stand by", False), ("serve", False)]
    assert not station.wire.is_open and station.either.session() == 1
    station.standby.tick(OPEN_MS + AGAIN_MS - 1)
    assert len(station.here.told) == 2
    station.standby.tick(OPEN_MS + AGAIN_MS)
    assert station.here.told[2:] == [("stand by", True)]


def test_an_uplink_that_breaks_for_long_ends_it_and_for_a_moment_does_not():
    station = Station()
    station.standby.serving(0)
    station.standby.tick(1000)
    station.wire.comes = False
    station.standby.tick(AWAY_MS)
    station.wire.comes = True
    station.standby.tick(AWAY_MS + 1)
    station.wire.comes = False
    station.standby.tick(2 * AWAY_MS)
    assert station.standby.is_gateway
    station.standby.tick(2 * AWAY_MS + 1)
    assert not station.standby.is_gateway and ("serve", False) in station.here.told


def test_when_it_rests_the_uplink_stays_for_a_while_for_it_may_have_to_serve_again():
    station = Station()
    station.standby.serving(0)
    station.standby.tick(1)
    station.standby.resting(1000)
    station.standby.tick(1000 + CLOSE_MS - 1)
    assert station.wire.is_open and station.either.session() == 1
    first = station.wire.session()
    station.standby.serving(1000 + CLOSE_MS - 1)
    station.standby.tick(3 * CLOSE_MS)
    assert station.wire.session() == first and station.standby.is_gateway
    station.standby.resting(3 * CLOSE_MS)
    station.standby.tick(4 * CLOSE_MS)
    assert not station.wire.is_open and station.here.told == []
