"""The gateway's part in its updates on Linux: from which slot it runs, whose releases it takes."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

import wum_edge
import wum_shared
from tests.edge.headend import Sentences
from tests.edge.update_site import SiteClock
from wum_edge.agent import GROUP_ORDER
from wum_edge.orders.trusted import Trusted
from wum_edge.ports.linux import update_part
from wum_edge.ports.linux.cipher import Cipher, Signatures
from wum_edge.ports.linux.keys import BadKeys
from wum_edge.ports.linux.release_trust import NAME, read_rules
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.ports.linux.update_part import UpdatePart, open_part
from wum_edge.update import boot
from wum_edge.uplink.keys import Keys
from wum_shared import bundle, cose, orders, suit, updates
from wum_shared.batch import Event, Row
from wum_shared.messages import DirectionKey

SEED = bytes(range(32))
KEYS = Keys(b"conc0001", "default", 1, DirectionKey(b"u" * 32, b"i" * 12),
            DirectionKey(b"d" * 32, b"j" * 12))
DATA = bundle.content_of([
    ("run", b"x" * 3000, bundle.PLAIN),
    ("wum_edge/archive/formats.txt", b"reads 0 1\nwrites 1\n", bundle.PLAIN)])
ROW = Row(0, 0, 0, 1_790_000_000, 0, (1,), (0,))
EVENT = Event(0, 1_790_000_000, 0, 1, None, "started")


def public(seed: bytes) -> bytes:
    return Signatures.public(seed)


@pytest.fixture
def keys_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "identity.key").write_text(SEED.hex() + "\n")
    (folder / "identity.key").chmod(0o600)
    trust(folder)
    return folder


def trust(folder: Path, **changes: object) -> None:
    told = {"target": "linux", "threshold": 1, "signers": {"ada": public(b"a" * 32).hex()}}
    (folder / NAME).write_text(json.dumps({**told, **changes}))


def part_of(folder: Path, keys_folder: Path, slot: int = boot.FACTORY) -> UpdatePart:
    return UpdatePart(folder, slot, keys_folder, KEYS, SiteClock(), Sentences(), has_meters=True)


def assignment(rules_of: Path) -> updates.Assignment:
    """What a head-end would assign, signed by ada's real key."""
    rules = read_rules(rules_of)
    index = bundle.index_of(DATA)
    release = suit.Release(7, rules.vendor, rules.device_class, sha256(DATA).digest(), len(DATA),
                           sha256(index).digest(), len(index), index)
    signature = cose.sign_detached(
        Signatures(), b"a" * 32, next(iter(rules.keys)), suit.digest_of(release))
    return updates.Assignment(5, 1_789_999_999, 1_799_999_999, False,
                              suit.encode(release, (signature,)))


def test_without_a_launcher_there_is_no_part(
        keys_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WUM_UPDATE_FOLDER", "WUM_UPDATE_SLOT"):
        monkeypatch.delenv(name, raising=False)
    assert open_part(keys_folder, KEYS, SiteClock(), Sentences(), has_meters=True) is None


class Heard:
    """An agent, a desk and a mesh: what each was given."""

    def __init__(self) -> None:
        self.listening, self.acts, self.sealed, self.rolls = {}, {}, [], []
        self.trusted = Trusted(Cipher(), Signatures(), KEYS, ())

    def listen(self, stream, take):
        self.listening[stream] = take

    def heard(self, sealed):
        self.sealed.append(sealed)

    def handed(self, signed):
        raise AssertionError("nobody signed it")

    def pass_on(self, rolls):
        self.rolls.append(rolls)


def test_what_is_flooded_reaches_the_part_or_the_desk_and_rolls_the_mesh(
        tmp_path: Path, keys_folder: Path) -> None:
    part, one = part_of(tmp_path / "update", keys_folder), Heard()
    update_part.listen(part, one, one, one)              # type: ignore[arg-type]
    assert one.rolls == [part.rolls] and part.rolls is not None and orders.UPDATE in one.acts
    one.listening[GROUP_ORDER](b"\xd0 sealed")
    one.listening[GROUP_ORDER](b"\xd2 signed by nobody")
    assert one.sealed == [b"\xd0 sealed"] and part.rolls.pages() == []
    other = Heard()
    update_part.listen(part_of(tmp_path / "other", keys_folder), other, None, other)  # type: ignore[arg-type]
    assert other.rolls == [] and GROUP_ORDER not in other.listening


def test_a_launcher_says_where_it_is(
        tmp_path: Path, keys_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUM_UPDATE_FOLDER", str(tmp_path / "update"))
    monkeypatch.setenv("WUM_UPDATE_SLOT", "factory")
    part = open_part(keys_folder, KEYS, SiteClock(), Sentences(), has_meters=True)
    assert part is not None and part.name() == "release 0 in slot factory"


def test_a_release_that_is_half_somebody_elses_does_not_run(
        tmp_path: Path, keys_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadKeys, match="wum_edge does not come from slot a"):
        part_of(tmp_path, keys_folder, boot.A)
    monkeypatch.setattr(wum_edge, "__file__", str(tmp_path / "a" / "wum_edge" / "__init__.py"))
    with pytest.raises(BadKeys, match="wum_shared does not come from slot a"):
        part_of(tmp_path, keys_folder, boot.A)
    monkeypatch.setattr(wum_shared, "__file__", str(tmp_path / "a" / "wum_shared" / "_.py"))
    assert part_of(tmp_path, keys_folder, boot.A).slot == boot.A


def test_a_release_is_fetched_in_sealed_pieces_staged_and_armed(
        tmp_path: Path, keys_folder: Path) -> None:
    part = part_of(tmp_path / "update", keys_folder)
    said: list[tuple[str, bytes]] = []

    def say(stream: str, plaintext: bytes) -> bool:
        said.append((stream, plaintext))
        return True

    part.updater.assigned(3, assignment(keys_folder))
    assert not part.tick(say) and [stream for stream, _ in said] == ["standing", "want"]
    want = updates.decode_want(said[1][1])
    pieces = updates.encode_pieces(updates.Pieces(want.digest, want.part, 0, DATA))
    sealed = cose.seal(Cipher(), KEYS.downlink, KEYS.key_id, 5, pieces, "down", "default", "pieces")
    part.heard(b"noise")
    part.heard(sealed[:-1] + b"\0")
    assert part.updater.standing().have == 0
    part.heard(sealed)
    for _ in range(9):
        part.tick(say)
    standing = updates.decode_standing(cose.verify(Signatures(), public(SEED), said[-1][1]))
    assert standing.state == updates.STAGED
    part.updater.confirmed(updates.Confirmation(want.digest, standing.nonce))
    assert part.tick(say)
    flash = SlotFlash(tmp_path / "update")
    kept = boot.read_boot(flash)
    assert (kept.trial, kept.next_floor, kept.floor) == (boot.A, 5, 0)
    assert flash.read("a/run", 0, 9999) == b"x" * 3000


def test_what_is_archived_is_what_a_trial_shows(
        tmp_path: Path, keys_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flash = SlotFlash(tmp_path)
    boot.keep_boot(flash, boot.NEW.armed(7, bytes(32), 0))
    monkeypatch.setattr(update_part, "_check_home", lambda folder, slot: None)
    part = part_of(tmp_path, keys_folder, boot.A)
    assert part.updater.standing().note == "the archive took no record"
    part.archived([EVENT])
    assert part.updater.standing().note == "no meter answered"
    part.archived([EVENT, ROW])
    assert part.updater.standing().note == "the head-end did not answer"
    nonce = part.updater.standing().nonce
    part.updater.confirmed(updates.Confirmation(bytes(32), nonce))
    assert not part.tick(lambda stream, plaintext: True)
    assert boot.read_boot(flash).home == boot.A


@pytest.mark.parametrize("changes", [
    {"threshold": 0}, {"threshold": 2}, {"threshold": True}, {"threshold": "1"}, {"target": 1},
    {"signers": {}}, {"signers": []}, {"signers": {"ada": "00"}},
    {"threshold": 2, "signers": {"ada": "11" * 32, "uno": "11" * 32}},
])
def test_a_trust_that_cannot_be_is_refused(keys_folder: Path, changes: dict[str, object]) -> None:
    trust(keys_folder, **changes)
    with pytest.raises(BadKeys, match=NAME):
        read_rules(keys_folder)


def test_a_missing_or_broken_trust_is_named(keys_folder: Path) -> None:
    (keys_folder / NAME).write_text("{")
    with pytest.raises(BadKeys, match="docs/updates.md"):
        read_rules(keys_folder)
    (keys_folder / NAME).unlink()
    with pytest.raises(BadKeys, match="No such file"):
        read_rules(keys_folder)


def test_the_class_and_the_names_of_keys_are_those_of_the_workbench(keys_folder: Path) -> None:
    rules = read_rules(keys_folder)
    assert rules.device_class.hex() == "bf4778ea85265377a471eeb86df28b19"
    assert rules.vendor.hex() == "83184c90cb535390b67a507609457f09"
    assert [len(kid) for kid in rules.keys] == [8]
