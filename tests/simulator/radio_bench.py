"""A few radios at known distances, and hosts that note what they hear."""

from wum_edge.mesh.airtime import modulation
from wum_simulator.radio.air import Air
from wum_simulator.radio.field import Field, Terrain
from wum_simulator.radio.places import Site
from wum_simulator.world import Dice

SF7 = modulation(7, 250_000)
SF9 = modulation(9, 250_000)
PLAIN = {"shadow_db": 0.0, "asymmetry_db": 0.0, "drift_db": 0.0, "rice_k": 1e9}


class Host:
    """Notes what its radio tells."""

    def __init__(self):
        self.frames, self.ends = [], []

    def heard(self, t_us, frame, rssi_dbm, snr_q4, rate):
        self.frames.append((t_us, frame, rssi_dbm, snr_q4, rate))

    def sent(self, t_us, token, airtime_us):
        self.ends.append((t_us, token, airtime_us))


def air_of(places_m, seed=1, capture_db=6.0, duty=10_000, ways=(SF7, SF9), **terrain):
    """Radios at these metres on a line, without walls between them."""
    land = Terrain(14.0, 3.0, 0.0, **{**PLAIN, **terrain})
    dice = Dice(seed)
    field = Field([Site(at, 0.0, 0.0, 0) for at in places_m], land, -140.0, dice)
    air = Air(field, ways, dice, capture_db, [duty] * len(places_m))
    hosts = [Host() for _ in places_m]
    for radio, host in zip(air.radios, hosts, strict=True):
        radio.owner = host
    return air, hosts


def send(air, number, size=50, at_us=0, rate=0, word=0, has_cad=False):
    """Have a radio send `size` bytes of its own number, in `at_us`."""
    frame = bytes([number]) * size
    air.after(at_us, lambda _: air.radios[number].send(frame, rate, word, 1, has_cad), None)
