"""`wum-edge decode`: recordings of all four protocols, whole, damaged and refused by name."""

import json
from pathlib import Path

import pytest

from wum_edge.ports.linux.__main__ import main

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def vector(file: str, part: str) -> bytes:
    text = (VECTORS / file).read_text("utf-8")
    records = [json.loads(line) for line in text.splitlines()] if file.endswith("jsonl") else (
        json.loads(text))
    return bytes.fromhex(next(one["hex"] for one in records if part in one["id"]))


@pytest.fixture
def decoded(tmp_path: Path, capsys):
    """(exit code, lines, complaints) of a recording given as bytes."""
    def run(data: bytes) -> tuple[int, list[str], str]:
        (tmp_path / "recording").write_bytes(data)
        code = main(["decode", str(tmp_path / "recording")])
        shown = capsys.readouterr()
        return code, [" ".join(line.split()) for line in shown.out.splitlines()], shown.err
    return run


def test_sml_with_status_words_and_octets(decoded) -> None:
    code, lines, complaints = decoded(vector("sml/sml.json", "#0"))
    assert code == 0 and not complaints
    assert lines[0] == "SML: server 0901454d48000041f045"
    assert "1-0:1.8.0 15338555.7 Wh status 182" in lines
    assert "129-129:199.130.3 EMH" in lines
    assert "1-0:16.7.0 563.5 W" in lines


def test_p1_in_hexadecimal_digits_too(decoded) -> None:
    data = vector("iec62056_21/readouts.json", "V4_2")
    code, lines, _ = decoded(data)
    assert code == 0 and lines[0] == "P1 or mode D: KFM KAIFA-METER, CRC holds"
    assert "1-0:1.8.1 1581123 Wh 1-0:1.8.1" in lines
    assert [line for line in lines if "0-1:24.2.1 value 2" in line] == [
        "0-1:24.2.1 981.443 m³ 0-1:24.2.1 value 2"]
    assert decoded(data.hex(" ").encode())[1] == lines


def test_a_readout_and_its_history(decoded) -> None:
    code, lines, _ = decoded(vector("iec62056_21/readouts.json", "D0WithAck2"))
    assert code == 0 and lines[0] == "IEC 62056-21: an answer without identification"
    assert len(lines) > 300
    assert any(line.startswith("1-0:1.8.0*") for line in lines)


def test_m_bus_with_what_has_no_code(decoded) -> None:
    data = vector("mbus/libmbus.jsonl", "kamstrup_multical_601")
    code, lines, _ = decoded(b"\x10\x5b\x01\x5c\x16" + b"\xe5" + data + data)
    who = [line for line in lines if line.startswith("M-Bus: ")]
    assert code == 0 and who[:2] == [
        "M-Bus: a short frame, control 5b, address 1", "M-Bus: an acknowledgement"]
    assert len(who) == 4 and "KAM, heat" in who[2]
    assert any(line.startswith("6-0:1.0.0 ") and " Wh energy" in line for line in lines)
    assert any(line.startswith("- ") for line in lines)


@pytest.mark.parametrize(("data", "words"), [
    (vector("sml/sml.json", "#1"), "SML: bad check: SML file"),
    (vector("mbus/libmbus.jsonl", "too_many_dife"), "M-Bus: bad check: M-Bus: more than 10 DIFEs"),
    (bytes.fromhex("6804046808017009821600"[:20]), "M-Bus: exception answer: M-Bus: application"),
    (bytes.fromhex("2e4493157856341233037a2a0020255923c95aaa26d1b2e7493b013ec4a6f6d3529b520edff0"
                   "ea6defc955b29d6d69"), "telegram of wireless M-Bus"),
    (b"\xdb\x08" + bytes(40), "P1 or mode D: exception answer: telegram: it is encrypted"),
    (b"", "bad check"), (b"\x00\xff" * 20, "bad check"),
    (vector("iec62056_21/readouts.json", "V4_2").replace(b"01581.123", b"01581.124"),
     "bad check: telegram of"),
    (vector("iec62056_21/readouts.json", "D0WithAck2")[:-1] + b"\x00", "BCC wanted"),
])
def test_what_is_damaged_or_refused_is_named_as_what_it_is(decoded, data, words) -> None:
    code, lines, complaints = decoded(data)
    assert code == 1 and not lines and words in complaints, complaints


def test_a_file_that_is_not_there_is_said(capsys) -> None:
    assert main(["decode", "/nowhere/at/all"]) == 2
    assert "/nowhere/at/all: No such file" in capsys.readouterr().err
