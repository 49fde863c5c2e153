"""New keys of a concentrator without an uplink: folder, its part of the mesh, and a head-end."""

from pathlib import Path
from typing import Any

import pytest

from tests.edge.carry.test_carriage import Air, Sentences
from wum_edge.carry.envelope import DOWNWARD, UPWARD, unwrap, wrap
from wum_edge.carry.mesh_broker import MeshBroker
from wum_edge.enrolment.joining import Granted, Renewed, Trusted
from wum_edge.ports.linux import claiming, renewing
from wum_edge.ports.linux.cipher import Agreement, Cipher, Signatures
from wum_edge.ports.linux.keys import password_before, read_keys, read_password
from wum_edge.ports.linux.renewing import renewing_of
from wum_edge.uplink.keys import Keys
from wum_shared import enrolment
from wum_shared.messages import DirectionKey
from wum_shared.topics import ENROL
from wum_simulator.flash import SimulatedFlash

DAY_S = 86400
ROOT = Signatures.public(b"r" * 32)
SECRETS = [bytes([number]) * 32 for number in (1, 2, 3)]


def document(number: int) -> bytes:
    return enrolment.sign_trust(Signatures(), b"r" * 32, ROOT, enrolment.Trust(
        number, Agreement().public(SECRETS[number - 1]), (b"o" * 32,), ROOT, (), 0))


class Agent:
    """As much of one as new keys need."""

    def __init__(self) -> None:
        self.keys: list[Keys] = []
        self.listeners: dict[str, Any] = {}

    def listen(self, stream: str, take: Any) -> None:
        self.listeners[stream] = take

    def rekey(self, keys: Keys, _: object) -> None:
        self.keys.append(keys)


class Opening:
    """One more that opens what comes down."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def rekey(self, keys: Keys) -> None:
        self.epochs.append(keys.epoch)


class Station:
    """A folder in its first epoch; time passes as it is told."""

    def __init__(self, folder: Path, patched: pytest.MonkeyPatch) -> None:
        self.folder, self.agent, self.air, self.now_ms = folder, Agent(), Air(), 0
        patched.setattr(renewing, "_now_ms", lambda: self.now_ms)
        claiming.claim_code(folder)
        trusted = Trusted(ROOT, document(1), "utility")
        claiming.keep_grant(folder, Granted(trusted, "a password of the broker", b""))
        self.identity = claiming.read_identity(folder)
        key = DirectionKey(b"k" * 32, b"i" * 12)
        claiming.keep_renewed(folder, Renewed(
            trusted, Keys(self.identity.concentrator, "utility", 1, key, key), None))
        self.opening = Opening()
        self.broker = MeshBroker(
            self.air, Sentences(), lambda stream, sealed: self.agent.listeners[stream](sealed))
        found = renewing_of(folder, SimulatedFlash(), self.broker,
                            self.agent, [self.opening, None], DAY_S)  # type: ignore[arg-type]
        assert found is not None
        self.renewing = found

    def asks(self) -> enrolment.Opening:
        """Tick until another opening is on its way; what it is."""
        before = len(self.air.up)
        for _ in range(3 * 24 * 60):
            self.now_ms += 60_000
            self.renewing.tick()
            if len(self.air.up) > before:
                break
        content, priority = self.air.up[-1]
        concentrator, stream, message = unwrap(UPWARD, content)
        assert (concentrator, stream, priority) == (self.identity.concentrator, ENROL, 1)
        return enrolment.open_opening(Signatures(), self.identity.key, message)

    def hears(self, message: bytes) -> None:
        self.broker.receive(wrap(DOWNWARD, self.identity.concentrator, ENROL, message))


def answer(opening: enrolment.Opening, number: int, password: str | None = None) -> bytes:
    """What the head-end says whose document has this number."""
    _, down = enrolment.epoch_keys(
        Agreement(), SECRETS[number - 1], opening.ephemeral_key, document(number),
        opening.concentrator, opening.epoch)
    return enrolment.seal_opened(Cipher(), down, opening.concentrator, opening.epoch, "utility", 5,
                                 enrolment.Opened([], password))


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    return Station(tmp_path / "keys", monkeypatch)


def test_keys_that_came_through_the_mesh_are_in_the_folder_and_in_force_everywhere(
        station: Station) -> None:
    opening = station.asks()
    assert DAY_S * 1000 <= station.now_ms <= DAY_S * 1000 * 5 // 4 + 120_000
    station.hears(answer(opening, 1, "the next password of it"))
    kept = read_keys(station.folder).keys
    assert kept.epoch == 2 and station.agent.keys == [kept] and station.opening.epochs == [2]
    assert not (station.folder / "uplink-1.key").exists()
    password = station.folder / claiming.PASSWORD       # For the day on which it gets an uplink.
    assert read_password(password) == "the next password of it"
    assert read_password(password_before(password)) == "a password of the broker"
    assert station.air.withdrawn == [1], "nothing more of the opening need be sent"
    began_ms = station.now_ms
    assert station.asks().epoch == 3 and station.now_ms - began_ms >= DAY_S * 1000


def test_a_chain_that_flash_refused_is_taken_when_it_comes_again(
        station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = enrolment.encode_chain([document(2), document(3)])
    station.asks()
    with monkeypatch.context() as full:
        full.setattr(claiming, "keep_renewed", _no_space)
        station.hears(chain)
    assert claiming.read_trusted(station.folder).document == document(1)
    station.asks()
    station.hears(chain)
    assert claiming.read_trusted(station.folder).document == document(3)
    station.hears(answer(station.asks(), 3))
    assert read_keys(station.folder).keys.epoch == station.agent.keys[0].epoch


def test_what_is_no_answer_changes_nothing_and_who_knows_no_root_asks_for_nothing(
        station: Station, tmp_path: Path) -> None:
    opening = station.asks()
    for wrong in (b"noise", answer(opening, 2), enrolment.encode_chain([document(1)])):
        station.hears(wrong)
    assert station.agent.keys == [] and read_keys(station.folder).keys.epoch == 1
    station.hears(answer(opening, 1))
    assert len(station.agent.keys) == 1, "the opening was still good"
    station.hears(answer(opening, 1))
    assert len(station.agent.keys) == 1
    (station.folder / claiming.TRUSTED).unlink()
    assert renewing_of(station.folder, SimulatedFlash(), station.broker,
                       station.agent, [], DAY_S) is None            # type: ignore[arg-type]


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")
