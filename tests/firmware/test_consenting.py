"""An approver's key and signature, as they are typed."""

import json
from pathlib import Path

import pytest

from wum_firmware.__main__ import main
from wum_firmware.cipher import Ed25519
from wum_shared.consent import consent_of, encode_consent, open_consent
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DISCONNECT, LIMIT

HERE = bytes(range(8))
ACTS = [consent_of(HERE, DISCONNECT, encode_arguments(DISCONNECT, ["M-1"]), 1_800_000_000,
                   1_800_000_900),
        consent_of(HERE, LIMIT, encode_arguments(LIMIT, [b"groupgrp\0\1", 25, 2]), 1_800_000_000,
                   1_800_000_900)]


def asked(folder: Path) -> Path:
    file = folder / "request.json"
    file.write_text(json.dumps([
        {"command": number, "kind": "what the head-end says", "to_sign": encode_consent(act).hex()}
        for number, act in enumerate(ACTS, 7)]))
    return file


def test_what_is_signed_is_shown_first_and_only_the_public_key_is_printed(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, out = tmp_path / "ada.key", tmp_path / "signed.json"
    assert main(["approver", str(key)]) == 0
    public = capsys.readouterr().out.strip()
    assert main(["approver", str(key)]) == 0 and capsys.readouterr().out.strip() == public
    assert key.stat().st_mode & 0o777 == 0o600 and key.read_text().strip() != public
    words = ["consent", str(asked(tmp_path)), "--key", str(key), "--out", str(out)]
    assert main(words) == 1 and not out.exists()
    said = capsys.readouterr().out
    assert ("disconnect: meter M-1 at concentrator 0001020304050607, 2027-01-15 08:00:00 UTC to "
            "2027-01-15 08:15:00 UTC") in said
    assert "limit load (25, 2): group 67726f7570677270" in said and "head-end says" not in said
    assert main([*words, "--yes"]) == 0
    given = json.loads(out.read_text())["consents"]
    assert [one["command"] for one in given] == [7, 8]
    for one, act in zip(given, ACTS, strict=True):
        assert open_consent(Ed25519(), (bytes.fromhex(public),), bytes.fromhex(one["signed"])) == (
            act, bytes.fromhex(public))


def test_what_is_no_request_or_no_key_of_ones_own_is_refused(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, wrong = tmp_path / "ada.key", tmp_path / "wrong.json"
    main(["approver", str(key)])
    out = ["--out", str(tmp_path / "out.json"), "--yes", "--key", str(key)]
    for text in ("", "{}", "[1]", '[{"command": 1}]', '[{"command": 1, "to_sign": "00"}]'):
        wrong.write_text(text)
        assert main(["consent", str(wrong), *out]) == 1
        assert "wanted what is to be signed" in capsys.readouterr().err
    key.chmod(0o644)
    assert main(["consent", str(asked(tmp_path)), *out]) == 1
    assert "may be read by others" in capsys.readouterr().err
    key.chmod(0o600)
    key.write_text("xy\n")
    assert main(["consent", str(asked(tmp_path)), *out]) == 1
    assert "64 hexadecimal digits" in capsys.readouterr().err
