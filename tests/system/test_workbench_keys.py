"""Keys that the workbench made change by themselves, over TLS, like those of a claim."""

import re
from pathlib import Path

from tests.system.test_enrolment import (
    _BIN,
    Place,
    configuration_of,
    no_hole,
    place,
    read,
    wait_for_new_keys,
)

__all__ = ["place"]     # A fixture.


def test_what_the_workbench_made_are_first_keys_and_no_reading_is_lost_with_them(
        place: Place) -> None:
    keys, bus = place.folder / "keys", place.folder / "bus"
    place.run("wum-firmware", "provision", "--out", str(keys), "--name", "cabinet 12")
    place.run("wum-cloud", "register", str(keys / "registration.cose"), "--trust-to", str(keys))
    before = {file: read(file) for file in (
        keys / "uplink.key", keys / "downlink.key", keys / "broker.password")}
    place.run("wum-cloud", "new-passwords")
    run = [str(_BIN / "wum-edge"), "run", "--config", str(configuration_of(place, keys, bus)),
           "--epoch-s", "2"]
    with place.started("meters", [str(_BIN / "wum-simulator"), "serve", "--link", str(bus)]):
        place.wait_for("line", bus.exists)
        with place.started("edge", run) as process:
            place.wait_for("first reading", lambda: place.ask("select from reading"))
            wait_for_new_keys(place, 2)
            place.wait_for("another password", lambda: before[keys / "broker.password"] != read(
                keys / "broker.password"))
            no_hole(place)
            assert process.poll() is None, "all in one run"
    assert re.findall(r"epoch = ([1-9]\d*)", read(keys / "concentrator.toml"))
    assert not any(file.exists() for file in (
        keys / "uplink.key", keys / "downlink.key", keys / "registration.cose"))
    _nobody_holds_the_first_keys(keys, before)


def _nobody_holds_the_first_keys(keys: Path, before: dict[Path, str]) -> None:
    for file, text in before.items():
        if file.suffix == ".key":
            first = text.split()[0]
            assert not [one for one in keys.iterdir() if first.encode() in one.read_bytes()
                        or bytes.fromhex(first) in one.read_bytes()], file
