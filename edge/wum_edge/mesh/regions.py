"""Sub-bands of the regions: who may send where, how strong, and for how much of an hour. Data only.

Left out: the account of what was sent (duty.py). Before a sub-band is used in a country its
national rules must be looked up: a table cannot know them. ERC Recommendation 70-03, annexes 1 and
2; EN 300 220-2 V3.2.1, table B.1.
"""

from collections import namedtuple


class SubBand(namedtuple("SubBand", (
        "name", "low_hz", "high_hz", "power_mw", "duty_permyriad", "gateway_permyriad"))):
    """From `low_hz` to `high_hz`; radiated power (ERP) in mW; the share of any hour in which one
    station may send, in 1/10,000, and that of a station which serves others.
    """

    __slots__ = ()
    name: str
    low_hz: int
    high_hz: int
    power_mw: int
    duty_permyriad: int
    gateway_permyriad: int


def _band(name: str, low_khz: int, high_khz: int, power_mw: int, duty: int,
          gateway: int = 0) -> SubBand:
    return SubBand(name, low_khz * 1000, high_khz * 1000, power_mw, duty, gateway or duty)


REGIONS = {
    "EU868": (
        _band("868.0", 868_000, 868_600, 25, 100),
        _band("868.7", 868_700, 869_200, 25, 10),
        _band("869.4", 869_400, 869_650, 500, 1000),
        # Networks of utilities: a network access point has 10 %, others 2.5 %, and only with
        # adaptive power control.
        _band("865.6", 865_600, 865_800, 500, 250, 1000),
        _band("866.2", 866_200, 866_400, 500, 250, 1000),
        _band("866.8", 866_800, 867_000, 500, 250, 1000),
        _band("867.4", 867_400, 867_600, 500, 250, 1000),
    ),
    "EU433": (
        _band("433.05", 433_050, 434_790, 10, 1000),
    ),
}


def sub_band(region: str, centre_hz: int, bandwidth_hz: int) -> SubBand:
    """The sub-band that holds the whole channel. Raises ValueError where none does."""
    if region not in REGIONS:
        raise ValueError("region %s: wanted one of %s" % (region, ", ".join(sorted(REGIONS))))
    for band in REGIONS[region]:
        half = (bandwidth_hz + 1) // 2
        if band.low_hz <= centre_hz - half and centre_hz + half <= band.high_hz:
            return band
    raise ValueError("%d Hz, %d Hz wide: lies in no sub-band of %s; these are: %s" % (
        centre_hz, bandwidth_hz, region, ", ".join(
            ["%d..%d Hz" % (band.low_hz, band.high_hz) for band in REGIONS[region]])))
