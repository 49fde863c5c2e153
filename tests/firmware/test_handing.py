"""Handing a release to a head-end, and the file that says whose releases are taken."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.firmware.conftest import PASSPHRASE, key
from wum_firmware.__main__ import main
from wum_shared import cbor


@contextmanager
def head_end(status: int, said: dict[str, object], headers: tuple[tuple[str, str], ...] = (),
             ) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """Answers so; gives its address and what it was sent: (path, authorization, body)."""
    heard: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.path, self.headers["Authorization"], body))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield "http://127.0.0.1:%d" % server.server_port, heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def signed(repository: Path, tmp_path: Path) -> Path:
    """The folder of a release that ada has signed; the token is beside it."""
    folder, passphrase = tmp_path / "12", tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    (tmp_path / "token").write_text("wum_secret\n")
    key(tmp_path, "ada")
    assert main(["build", "--target", "linux", "--sequence", "12", "--out", str(folder),
                 "--repository", str(repository)]) == 0
    assert main(["sign", str(folder), "--key", str(tmp_path / "ada.key"), "--yes",
                 "--passphrase-file", str(passphrase)]) == 0
    return folder


def hand(folder: Path, where: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["release", str(folder), "--to", where, "--token-file",
                 str(folder.parent / "token")])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_release_is_handed_in_whole_with_the_token_and_never_elsewhere(
        signed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with head_end(200, {"id": 7, "is_new": True}) as (where, heard):
        code, said, _ = hand(signed, where, capsys)
    assert code == 0 and "Taken in: release 7" in said and "wum_secret" not in said
    ((path, authorization, body),) = heard
    assert (path, authorization) == ("/api/v1/releases", "Bearer wum_secret")
    assert cbor.decode(body, depth=1, most_bytes=len(body)) == [
        (signed / name).read_bytes() for name in ("envelope.suit", "content.bin", "sbom.cdx.json")]
    with head_end(200, {"id": 7, "is_new": True}) as (other, elsewhere):
        with head_end(307, {}, (("Location", other + "/api/v1/releases"),)) as (where, _):
            assert hand(signed, where, capsys)[0] == 1
        assert elsewhere == []


@pytest.mark.parametrize(("where", "words"), [
    ("http://head-end.example", "never travels in the clear"), ("ftp://x", "wanted https"),
    ("http://127.0.0.1:1", "does not answer")])
def test_a_head_end_that_is_none_is_a_sentence(
        signed: Path, capsys: pytest.CaptureFixture[str], where: str, words: str) -> None:
    code, _, wrong = hand(signed, where, capsys)
    assert code == 1 and words in wrong


def test_what_the_head_end_refuses_is_said_in_its_words(
        signed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with head_end(422, {"detail": "There is another release 12 for linux."}) as (where, _):
        code, _, wrong = hand(signed, where, capsys)
    assert code == 1 and "another release 12" in wrong


def test_who_is_trusted_is_written_once_and_can_be_met(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ada", "grace"):
        key(tmp_path, name)
    out = tmp_path / "release-trust.json"
    pubs = [str(tmp_path / "ada.pub"), str(tmp_path / "grace.pub")]

    def trust(threshold: int, *keys: str) -> int:
        return main(["trust", *keys, "--target", "linux", "--threshold", str(threshold),
                     "--out", str(out)])

    assert trust(3, *pubs) == 1 and trust(2, pubs[0], pubs[0]) == 1 and not out.exists()
    assert trust(2, *pubs) == 0 and trust(1, *pubs) == 1
    found = json.loads(out.read_text())
    assert (found["target"], found["threshold"], sorted(found["signers"])) == (
        "linux", 2, ["ada", "grace"])
    assert "never written over" in capsys.readouterr().err
