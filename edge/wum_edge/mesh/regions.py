"""Sub-bands of the regions: who may send where, how strong, and for how much of an hour. Data only.

Left out: the account of what was sent (duty.py). Before a sub-band is used in a country its
national rules must be looked up: a table cannot know them. ERC Recommendation 70-03, annexes 1 and
2; EN 300 220-2 V3.2.1, table B.1; others as named.
"""

from collections import namedtuple


class SubBand(namedtuple("SubBand", (
        "name", "low_hz", "high_hz", "power_mw", "duty_permyriad", "gateway_permyriad",
        "narrowest_hz", "widest_hz"))):
    """From `low_hz` to `high_hz`; radiated power (ERP) in mW; the share of any hour in which one
    station may send, in 1/10,000, and that of a station which serves others; how wide a channel
    must be at least and may be at most.
    """

    __slots__ = ()
    name: str
    low_hz: int
    high_hz: int
    power_mw: int
    duty_permyriad: int
    gateway_permyriad: int
    narrowest_hz: int
    widest_hz: int


def _band(name: str, low_khz: int, high_khz: int, power_mw: int, duty: int,
          gateway: int = 0, narrowest_khz: int = 0, widest_khz: int = 0) -> SubBand:
    return SubBand(name, low_khz * 1000, high_khz * 1000, power_mw, duty, gateway or duty,
                   narrowest_khz * 1000, (widest_khz or high_khz - low_khz) * 1000)


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
    # 47 CFR 15.247 (a)(2), (b)(3), (b)(4): digital modulation with 500 kHz or more, no limit of
    # time; 1 W is what the transmitter gives to an antenna of at most 6 dBi. (e): 8 dBm in any 3
    # kHz, which 1 W evenly over 500 kHz just keeps (7.8 dBm).
    "US915": (
        _band("902", 902_000, 928_000, 1000, 10_000, narrowest_khz=500),
    ),
    # Not here, for want of a text to read: India, whose rules of 2005 for 865-867 MHz (G.S.R.
    # 168(E)) were for RFID alone and have been replaced (G.S.R. 853(E) of 2021, 865-868 MHz); and
    # AS923, whose countries differ, some of them asking for a carrier sense that CAD is not.
}


def sub_band(region: str, centre_hz: int, bandwidth_hz: int) -> SubBand:
    """The sub-band that holds the whole channel. Raises ValueError where none does."""
    if region not in REGIONS:
        raise ValueError("region %s: wanted one of %s" % (region, ", ".join(sorted(REGIONS))))
    for band in REGIONS[region]:
        half = (bandwidth_hz + 1) // 2
        if band.low_hz <= centre_hz - half and centre_hz + half <= band.high_hz and (
                band.narrowest_hz <= bandwidth_hz <= band.widest_hz):
            return band
    raise ValueError("%d Hz, %d Hz wide: lies in no sub-band of %s; these are: %s" % (
        centre_hz, bandwidth_hz, region, ", ".join(
            ["%d..%d Hz (%d..%d wide)" % (band.low_hz, band.high_hz, band.narrowest_hz,
                                          band.widest_hz) for band in REGIONS[region]])))
