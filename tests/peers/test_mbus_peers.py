"""pyMeterBus beside us: on the recorded frames, and on what the town's meters say."""

import json
from fractions import Fraction
from importlib import resources
from typing import Any

import pytest

from tests.peers.mbus_frames import recorded
from wum_edge.meters.mbus.answer import decode_answer
from wum_edge.meters.mbus.frame import Frame, decode_frame, encode_frame
from wum_edge.meters.mbus.record import Record
from wum_simulator.meters.mbus import MbusServer
from wum_simulator.town import meters
from wum_simulator.world import Dice

meterbus: Any = pytest.importorskip("meterbus")

SECONDS = {4: 86400, 5: 3600, 6: 60}
# Frames and records (None: the whole frame) where it is other than we, and why.
DIFFERENCES = {
    ("test-frames/sen_pollusonic_2", None): "it has no fixed data structure",
    ("test-frames/sen_pollutherm", 2): "it does not know VIF 7B",
    ("test-frames/berg_dz_plus", 16): "it drops the bytes after a DIF 1F",
    ("test-frames/LGB_G350", 1): "it reads type I (48 bits) as type F; libmbus reads it as we do",
    ("test-frames/ELS_Elster-F96-Plus", 4): "it adds BCD digits that are none",
    ("test-frames/ELS_Elster-F96-Plus", 5): "it adds BCD digits that are none",
}
FRAMES = [frame for frame in recorded() if frame["records"]]


def same(value: object, ours: Record) -> bool:
    """Whether pyMeterBus' value is ours: seconds for durations, six digits of a double."""
    if ours.value is None:
        return str(value).lower() == ours.text.lower().replace("-??-??", "-00-00")
    exact = ours.value * Fraction(10) ** ours.power
    if "time" in ours.quantity or "duration" in ours.quantity:
        exact *= SECONDS.get(ours.unit, 1)
    return abs(Fraction(str(value)) - exact) <= abs(exact) / 10**6


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame["id"])
def test_recorded_frames_read_alike(frame):
    whole = bytes.fromhex(frame["hex"])
    ours = decode_answer(decode_frame(whole))
    if (frame["id"], None) in DIFFERENCES:
        with pytest.raises(meterbus.MBusFrameDecodeError):
            meterbus.load(whole)
        return
    telegram = meterbus.load(whole)
    assert telegram.manufacturer == ours.identity.maker
    theirs = telegram.records
    assert len(theirs) - len(ours.records) in (0, 1)   # It counts an empty 1F as a record.
    for place, (their, our) in enumerate(zip(theirs, ours.records, strict=False)):
        if (frame["id"], place) in DIFFERENCES:
            continue
        found = their.interpreted
        assert same(found["value"], our), (place, found, our)
        assert found["storage_number"] == our.storage, (place, found, our)


def test_short_frames_are_the_same_bytes():
    for control, address in ((0x40, 1), (0x7B, 253), (0x5B, 0), (0x5A, 250)):
        ours = encode_frame(Frame(control, address, None, b""))
        theirs = meterbus.TelegramShort()
        theirs.header.cField.parts, theirs.header.aField.parts = [control], [address]
        assert list(theirs) == list(ours)


@pytest.mark.parametrize("name", ["saia-burgess-ale3", "emu-professional-3-75"])
def test_what_the_towns_meters_say_reads_alike(name):
    town = meters(Dice(3), [name], count=1)
    said: list[bytes] = []
    server = MbusServer(town, lambda: 1_767_225_600, lambda request: None,
                        lambda answer, address, request: said.append(answer))
    server.hear(encode_frame(Frame(0x7B, 1, None, b"")))
    telegram = meterbus.load(said[0])
    ours = decode_answer(decode_frame(said[0]))
    entry = json.loads((resources.files("wum_edge") / "catalog" / f"{name}.json").read_text())
    assert len(ours.records) == len(telegram.records) == len(entry["registers"]) + 1
    for their, our, shown in zip(telegram.records, ours.records,
                                 town[0].showing(1_767_225_600), strict=False):
        assert same(their.interpreted["value"], our), (their.interpreted, our)
        assert our.value == shown.scaled
