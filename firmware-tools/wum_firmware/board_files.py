"""The files that a MicroPython board finds on its flash: configuration, keys, and what it hangs on.

They are made of a gateway's configuration as on Linux, and of a folder of keys where the board
does not make its own and is claimed. Left out: firmware, and how files get onto a board
(docs/boards.md). What a configuration must be is judged on the board.
"""

import ipaddress
import json
import os
import re
import secrets
import time as clock
import tomllib
from binascii import crc32
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wum_firmware import provision
from wum_firmware.cipher import public_key
from wum_firmware.mesh_network import DOOR_KEY, JOIN_KEY, MESH_KEY
from wum_firmware.sources import MICROPYTHON, TARGETS, VENDOR, class_of
from wum_shared.errors import Malformed
from wum_shared.release_trust import of_table

GATEWAY, KEYS, BOARD, CATALOG = "gateway.json", "keys.json", "board.json", "catalog"
RELEASE_TRUST = "release-trust.json"
AUTHORITY = "ca.pem"
PINS = ("tx", "rx", "direction")
LTE_PINS = ("tx", "rx", "baud")
RADIO_PINS = ("sck", "mosi", "miso", "cs", "busy", "reset", "tcxo_millivolts")
TRUSTED, TRUST = "trusted.toml", "trust.cose"     # Written by `wum-cloud register --trust-to`.
OWN, OWN_MESH = "own", "mesh.json"
CLAIM_CODE = "claim.code"
NTP_PORT = 123


class BoardRefused(Exception):
    """Something is missing or does not fit; the text says what."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a board hangs on. `uarts`: pins by number of the UART; `time` is (host, port)."""

    wifi: tuple[str, str] | None = None
    time: tuple[str, int] | None = None
    uarts: dict[int, dict[str, int]] | None = None
    radios: dict[int, dict[str, int]] | None = None
    page_port: int = 80                      # Of its status page; 0: it has none.
    console: int | None = None               # The UART of its console; None: MicroPython's own.
    status_s: int = 60                       # How often it says on its console how it stands.
    dns: tuple[str, ...] = ()                # Name servers; none: those of its network.
    lte: dict[str, object] | None = None     # Its modem: uart, pins, baud, apn, pin, user, key.


def write(out: Path, keys: Path | None, configuration: Path, catalog: Path,
          surroundings: Surroundings, models: list[str], trust: Path | None = None) -> list[str]:
    """Write everything into `out`; the models whose entries were taken: `models`, and those that
    the configuration names. `keys` may be of a warehouse and hold a claim code alone; None: the
    board makes its own. `trust`: whose releases it takes, of a board's target. Raises BoardRefused.
    """
    releases = None if trust is None else _release_trust(trust)
    own = tomllib.loads(configuration.read_text(encoding="utf-8"))
    models = sorted({*models, *(str(meter.get("model")) for meter in own.get("meter", []))})
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    (out / CATALOG).mkdir(exist_ok=True)
    for model in models:
        entry = catalog / f"{model}.json"
        if not entry.is_file():
            raise BoardRefused(f"{entry} is missing: there is no such model")
        # Without its indentation it takes a third of the flash.
        compact = json.dumps(json.loads(entry.read_text(encoding="utf-8")), separators=(",", ":"))
        _keep(out / CATALOG / entry.name, compact)
    authority = own.get("broker", {}).get("ca_file")
    if authority:
        _keep(out / AUTHORITY, (configuration.parent / authority).read_text(encoding="ascii"))
    _keep(out / GATEWAY, json.dumps(own))
    if keys is not None and (keys / TRUSTED).is_file():
        _write_own(out, keys)
    elif keys is not None and (keys / provision.CONCENTRATOR).is_file():
        if (keys / JOIN_KEY).is_file() and not (keys / MESH_KEY).is_file():
            raise BoardRefused(f"{keys} is invited into a mesh, and a board joins one with keys "
                               "that it changes by itself: wum-cloud register --trust-to")
        _keep(out / KEYS, json.dumps(_keys(keys)))
    elif keys is not None:
        if not (keys / CLAIM_CODE).is_file():
            raise BoardRefused(f"{keys} holds neither {provision.CONCENTRATOR} nor {CLAIM_CODE}")
        (out / "keys").mkdir(exist_ok=True)
        _keep(out / "keys" / CLAIM_CODE, (keys / CLAIM_CODE).read_text(encoding="ascii"))
    _keep(out / BOARD, json.dumps(_surroundings(surroundings)))
    if releases is not None:
        _keep(out / RELEASE_TRUST, json.dumps(releases))
    return models


def surroundings(wifi: str | None, key_file: Path | None, time: str | None,
                 uarts: list[str], radios: list[str] | None = None,
                 status_s: int = 60, page_port: int = 80,
                 console: int | None = None, dns: list[str] | None = None,
                 lte: dict[str, object] | None = None) -> Surroundings:
    """As a command line says them. Raises BoardRefused."""
    if (wifi is None) != (key_file is None):
        raise BoardRefused("--wifi and --wifi-key-file belong together")
    key = key_file.read_text().strip() if key_file is not None else ""
    host, _, port = (time or "").partition(":")
    if port and not port.isdigit():
        raise BoardRefused(f"--time: wanted HOST or HOST:PORT, got {time}")
    for server in dns or []:
        try:
            ipaddress.IPv4Address(server)
        except ValueError as error:
            raise BoardRefused(f"--dns: wanted an IPv4 address, got {server}") from error
    return Surroundings(
        (wifi, key) if wifi is not None else None, (host, int(port or NTP_PORT)) if host else None,
        dict(_pins("--uart", text, PINS, "1,tx=17,rx=16,direction=4") for text in uarts),
        dict(_pins("--radio", text, RADIO_PINS, "1,sck=9,mosi=10,miso=11,cs=8,busy=13,reset=12")
             for text in radios or []), page_port, console, status_s, tuple(dns or ()), lte)


def modem(text: str | None, apn: str | None, pin_file: Path | None, user: str | None,
          key_file: Path | None) -> dict[str, object] | None:
    """An LTE modem, as a command line says it. Raises BoardRefused."""
    if text is None:
        if apn or pin_file or user or key_file:
            raise BoardRefused("--apn, --sim-pin-file, --apn-user and --apn-key-file need --lte")
        return None
    if not apn or not re.fullmatch(r"[A-Za-z0-9.-]{1,100}", apn):
        raise BoardRefused(f"--apn: wanted the name of the contract's access point, got {apn}")
    if (user is None) != (key_file is None):
        raise BoardRefused("--apn-user and --apn-key-file belong together")
    number, pins = _pins("--lte", text, LTE_PINS, "2,tx=17,rx=16,baud=115200")
    found: dict[str, object] = {"uart": number, **pins, "apn": apn}
    if pin_file is not None:
        found["pin"] = pin = pin_file.read_text().strip()
        if not re.fullmatch(r"[0-9]{4,8}", pin):
            raise BoardRefused(f"{pin_file}: wanted a PIN of 4 to 8 digits")
    if key_file is not None:
        found.update(user=user, key=key_file.read_text().strip())
    return found


def _pins(option: str, text: str, names: tuple[str, ...], like: str) -> tuple[int, dict[str, int]]:
    number, *pins = text.split(",")
    found = dict(pin.partition("=")[::2] for pin in pins)
    if not number.isdigit() or not set(found) <= set(names) or not all(
            pin.isdigit() for pin in found.values()):
        raise BoardRefused(f"{option}: wanted like {like}, got {text}")
    return int(number), {name: int(pin) for name, pin in found.items()}


def _keys(folder: Path) -> dict[str, Any]:
    own = tomllib.loads((folder / provision.CONCENTRATOR).read_text(encoding="ascii"))
    found: dict[str, Any] = {
        "id": own["id"], "tenant": own["tenant"], "epoch": own["epoch"],
        "broker_user": own["broker_user"],
        "broker_password": (folder / provision.PASSWORD).read_text().strip(),
        "uplink": _direction(folder / provision.UPLINK, own["epoch"]),
        "downlink": _direction(folder / provision.DOWNLINK, own["epoch"]),
        "provisioned_s": int(clock.time()),
    }
    mesh = {}
    if (folder / MESH_KEY).is_file():
        mesh = tomllib.loads((folder / MESH_KEY).read_text(encoding="ascii"))
    if (folder / JOIN_KEY).is_file():
        invited = tomllib.loads((folder / JOIN_KEY).read_text(encoding="ascii"))
        mesh = {"network": invited["network"], **mesh, "join": invited["key"]}
    if mesh and (folder / DOOR_KEY).is_file():
        mesh["guests"] = tomllib.loads(
            (folder / DOOR_KEY).read_text(encoding="ascii")).get("guest", [])
    if mesh:
        found["mesh"] = mesh
    return found


def _write_own(out: Path, keys: Path) -> None:
    """First keys for a board that knows its head-end's root, and changes them by itself from there
    on: one that has begun with that keeps what it has.
    """
    first = _keys(keys)
    trusted = tomllib.loads((keys / TRUSTED).read_text(encoding="ascii"))
    seed = bytes.fromhex((keys / provision.IDENTITY).read_text().strip())
    own = {
        "seed": seed.hex(), "key": public_key(seed).hex(), "code": "", "is_printed": False,
        "check": secrets.token_hex(32),          # No claim code opens its console.
        "root": trusted["root"], "document": (keys / TRUST).read_bytes().hex(),
        "tenant": first["tenant"], "password": first["broker_password"], "epoch": first["epoch"],
        "uplink": first["uplink"], "downlink": first["downlink"],
        "opened_s": first["provisioned_s"]}
    (out / "keys").mkdir(exist_ok=True)
    if not (out / "keys" / OWN).exists():
        text = json.dumps(own)
        _keep(out / "keys" / OWN, f"{text}\n{crc32(text.encode()):08x}")
    if "mesh" in first:
        _keep(out / OWN_MESH, json.dumps({
            **first["mesh"], "provisioned_s": first["provisioned_s"]}))
    (out / KEYS).unlink(missing_ok=True)         # Of a board that could not change them.


def _release_trust(path: Path) -> dict[str, object]:
    """The file, and what its target is called in envelopes: a board reckons no such names."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        target = found["target"] if isinstance(found, dict) else None
        if target not in TARGETS or not target.startswith(MICROPYTHON):
            raise Malformed(f"wanted a target like {MICROPYTHON}xtensawin, got {target!r}")
        of_table(found, class_of(target).bytes)
    except (ValueError, KeyError, Malformed) as error:
        raise BoardRefused(f"{path}: {error}. wum-firmware trust writes it") from error
    return {**found, "vendor": VENDOR.hex, "class": class_of(target).hex}


def _direction(first: Path, epoch: int) -> list[str]:
    """The key of one direction: of the workbench, or of the epoch that the gateway has opened."""
    own = first.with_name(f"{first.stem}-{epoch}{first.suffix}")
    return (own if own.exists() else first).read_text().split()


def _surroundings(given: Surroundings) -> dict[str, object]:
    found: dict[str, object] = {
        "status_s": given.status_s, "page_port": given.page_port,
        "console": {} if given.console is None else {"uart": given.console},
        "uarts": {str(number): pins for number, pins in (given.uarts or {}).items()}}
    if given.radios:
        found["radios"] = {str(number): pins for number, pins in given.radios.items()}
    if given.lte is not None:
        found["lte"] = given.lte
    if given.dns:
        found["dns"] = list(given.dns)
    if given.wifi is not None:
        found["wifi"] = {"ssid": given.wifi[0], "key": given.wifi[1]}
    if given.time is not None:
        found["time"] = {"host": given.time[0], "port": given.time[1]}
    return found


def _keep(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
