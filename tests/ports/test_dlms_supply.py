"""Invocation counters on disk: never one twice, whenever the power goes."""

import json
import subprocess
import sys

import pytest

from wum_edge.meters.dlms.ciphering import AesGcm, Keys, Security
from wum_edge.meters.dlms.supply import installed
from wum_edge.ports.linux import dlms_supply
from wum_edge.ports.linux.dlms_supply import FILE_NAME, CounterFile


def test_a_counter_is_never_given_twice(tmp_path):
    path = tmp_path / FILE_NAME
    given = []
    for _ in range(4):
        counters = CounterFile(path)
        given += [counters.reserve("a", 256, 0), counters.reserve("a", 256, 0),
                  counters.reserve("b", 256, 5000)]
    assert given[0::3] + given[1::3] == sorted(given[0::3] + given[1::3], key=lambda n: n % 512)
    assert len(set(given)) == len(given) and min(given[2::3]) == 5000


def test_meters_that_were_given_one_key_and_title_never_use_a_counter_twice(tmp_path):
    title, keys = b"WUM\0\0\0\0\1", Keys(bytes(16), bytes(16))
    (tmp_path / FILE_NAME).write_text(json.dumps({"next": {"a": 5000}, "heard": {}}))
    used = []
    for _ in range(3):                               # A start each.
        counters = CounterFile(tmp_path / FILE_NAME)
        both = [Security(AesGcm(), counters, keys, title, name) for name in ("a", "b")]
        used += [one.use_counter() for _ in range(300) for one in both]
    assert len(set(used)) == len(used) == 1800
    assert min(used) == 5000                         # What a file of before says was used.
    for other, of in ((keys, b"another "), (Keys(b"k" * 16, bytes(16)), title)):
        assert Security(AesGcm(), counters, other, of, "c").use_counter() == 0


def test_what_the_meter_said_last_outlasts_a_restart(tmp_path):
    path = tmp_path / FILE_NAME
    CounterFile(path).note_heard("a", 77)
    assert CounterFile(path).heard("a") == 77 and CounterFile(path).heard("b") == -1


def test_a_damaged_file_stops_instead_of_beginning_again(tmp_path):
    path = tmp_path / FILE_NAME
    path.write_text("{")
    with pytest.raises(OSError, match="cannot be read"):
        CounterFile(path)


def test_aes_gcm_is_that_of_the_green_book(tmp_path):
    dlms_supply.install(tmp_path)
    key, authentication = bytes(range(16)), bytes(range(0xD0, 0xE0))
    sealed = installed().cipher.seal(
        key, b"MMM\0\0\xbcaN\x01\x23\x45\x67", bytes.fromhex("c0010000080000010000ff0200"),
        b"\x30" + authentication)
    assert sealed[:-4].hex() == "411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b"
    assert len(installed().chance(16)) == 16


def test_a_gateway_without_ciphered_meters_does_not_load_the_library_of_the_cipher() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ("import sys, wum_edge.ports.linux.run; "
                                "sys.exit('cryptography' in sys.modules)")], check=False)
    assert ran.returncode == 0
