"""`wum-edge decode`: recordings of all four protocols, whole, damaged and refused by name."""

import json
from pathlib import Path

import pytest

from wum_edge.meters.dlms.axdr import octet_string
from wum_edge.meters.dlms.ciphering import seal
from wum_edge.ports.linux.__main__ import main
from wum_edge.ports.linux.aes_gcm import AesGcm

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def record(file: str, part: str) -> dict:
    text = (VECTORS / file).read_text("utf-8")
    records = [json.loads(line) for line in text.splitlines()] if file.endswith("jsonl") else (
        json.loads(text))
    return next(one for one in records if part in one["id"])


def vector(file: str, part: str) -> bytes:
    return bytes.fromhex(record(file, part)["hex"])


@pytest.fixture
def decoded(tmp_path: Path, capsys):
    """(exit code, lines, complaints) of a recording given as bytes."""
    def run(data: bytes, keys: str = "") -> tuple[int, list[str], str]:
        (tmp_path / "recording").write_bytes(data)
        (tmp_path / "keys").write_text(keys)
        code = main(["decode", str(tmp_path / "recording")] + (
            ["--keys", str(tmp_path / "keys")] if keys else []))
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


def test_p1_of_an_editor_that_took_the_carriage_returns_and_the_last_line_end(decoded) -> None:
    data = vector("iec62056_21/readouts.json", "V4_2")
    lines = decoded(data)[1]
    assert decoded(data.replace(b"\r\n", b"\n"))[1] == decoded(data.rstrip())[1] == lines
    code, _, complaints = decoded(data.replace(b"\r\n", b"\n").replace(b"01581.123", b"01581.124"))
    assert code == 1 and "CRC wanted" in complaints


def test_dlms_over_hdlc_with_scales_and_times(decoded) -> None:
    code, lines, _ = decoded(vector("dlms/frames.jsonl", "hdlc_norway_han_3phase"))
    assert code == 0 and lines[0] == "DLMS: a telegram"
    assert "1-0:1.7.0 1122 W" in lines and "1-0:52.7.0 249.9 V" in lines
    assert lines[2] == "0-0:1.0.0 2019-12-16 07:59:40"
    bare = vector("dlms/frames.jsonl", "raw_salzburg_netz")
    whole = decoded(bare)[1]
    assert len(whole) == 17 and decoded(b"\xe6\xe7\x00" + bare)[1] == whole
    damaged = bytearray(vector("dlms/frames.jsonl", "hdlc_norway_han_3phase"))
    damaged[40] ^= 1
    assert "no whole telegram whose check holds" in decoded(bytes(damaged))[2]


def test_dlms_that_is_ciphered_wants_its_keys(decoded) -> None:
    one = record("dlms/frames.jsonl", "hdlc_landis_gyr_e450")
    data = bytes.fromhex(one["hex"])
    code, _, complaints = decoded(data)
    assert code == 1 and "there is no key for it" in complaints
    keys = one["keys"]["encryption"] + "\n" + (one["keys"].get("authentication") or "")
    code, lines, _ = decoded(data, keys)
    assert code == 0 and lines[0].startswith("DLMS: a telegram of 4c475a")
    assert any(line.startswith("1-0:1.8.0 ") for line in lines)
    assert "another key" in decoded(data, "00" * 16)[2]
    assert decoded(data, "00" * 15)[0] == 2 and "32 hexadecimal digits" in decoded(data, "x")[2]


def test_a_p1_telegram_within_a_ciphered_one_is_read(decoded) -> None:
    key, authentication = bytes(range(16)), bytes(range(16, 32))
    plain = vector("iec62056_21/readouts.json", "V4_2")
    title = b"WUM\x00\x00\x00\x00\x01"
    content = seal(AesGcm(), key, authentication, 0x30, title, 7, plain)
    whole = b"\xdb" + bytes([len(title)]) + title + octet_string(content)
    code, lines, _ = decoded(whole, f"{key.hex()}\n{authentication.hex()}\n")
    assert code == 0 and lines[1:] == decoded(plain)[1][1:]
    assert lines[0] == "DLMS: KFM KAIFA-METER, CRC holds"


def test_a_readout_and_its_history(decoded) -> None:
    code, lines, _ = decoded(vector("iec62056_21/readouts.json", "D0WithAck2"))
    assert code == 0 and lines[0] == "IEC 62056-21: an answer without identification"
    assert len(lines) > 300
    assert any(line.startswith("1-0:1.8.0*") for line in lines)


def test_a_message_of_energomera_whose_check_is_a_sum(decoded) -> None:
    def added(text: bytes) -> bytes:
        return text + bytes([sum(text[1:]) & 0x7F])
    answer = added(b"\x02VOLTA(230.1)\r\nVOLTA(231.2)\r\n\x03")
    for before in (b"", b"/EKT5CE301v12\r\n"):
        code, lines, _ = decoded(before + answer)
        assert code == 0 and [line.split()[1] for line in lines[2:]] == ["230.1", "231.2"]
    assert "BCC wanted" in decoded(b"/LGZ5ZMD\r\n" + answer)[2]
    assert "BCC wanted" in decoded(added(b"\x021.8.0(230.1)\r\n\x03"))[2]


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
    (b"\xdb\x08" + bytes(40), "P1 or mode D: exception answer: telegram: it is ciphered"),
    (b"", "bad check"), (b"\x00\xff" * 20, "bad check"), (b"no", "begins like IEC"),
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


def test_energomeras_binary_protocol_is_refused_by_name(decoded) -> None:
    code, lines, complaints = decoded(bytes.fromhex("c048d204fd0000d2120c7fc0"))
    assert code == 1 and not lines
    assert "Energomera's binary CE protocol" in complaints and "CE301" in complaints
