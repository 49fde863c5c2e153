"""What a utility puts the system up with: every file is read as its reader reads it.

The images were not built and the units not started here; what can be checked without that is.
"""

import copy
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml

from wum_cloud.__main__ import _parser as cloud_parser
from wum_cloud.settings import settings_from
from wum_edge.ports.linux.__main__ import _parser as edge_parser

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose"
UNITS = sorted([*DEPLOY.glob("*/*.service"), *DEPLOY.glob("*/*.timer")])
EXPOSURE_MAX = 2.0      # Of `systemd-analyze security`: 10 is a unit that nothing is said of.


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return found


def test_the_compose_file_is_what_the_specification_says(compose: dict[str, Any]) -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    check = fastjsonschema.compile(schema)
    check(compose)
    for spoil in (lambda c: c["services"]["web"].update(comand=["x"]),
                  lambda c: c["services"]["database"].update(ports="5432"),
                  lambda c: c.update(servces={})):
        spoiled = copy.deepcopy(compose)
        spoil(spoiled)
        with pytest.raises(fastjsonschema.JsonSchemaException):
            check(spoiled)


def test_every_name_in_the_compose_file_leads_somewhere(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, one in services.items():
        assert set(one.get("secrets", [])) <= set(compose["secrets"]), name
        assert set(one.get("networks", {})) <= set(compose["networks"]), name
        assert set(one.get("depends_on", {})) <= set(services), name
        named = {volume.split(":")[0] for volume in one.get("volumes", [])}
        assert {n for n in named if not n.startswith((".", "$"))} <= set(compose["volumes"]), name
        for said in re.findall(r"/run/secrets/(\w+)", json.dumps(one)):
            assert said in one["secrets"], (name, said)
    build = services["web"]["build"]
    assert (COMPOSE / build["context"] / build["dockerfile"]).is_file()
    assert (COMPOSE / compose["configs"]["proxy"]["file"]).is_file()


def test_nothing_secret_stands_in_a_file_and_whatever_misses_its_file_is_refused(
        compose: dict[str, Any]) -> None:
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    for name, one in compose["services"].items():
        for key, value in one.get("environment", {}).items():
            if re.search(r"PASSWORD|KEY|SECRET|TOKEN|PASSPHRASE", key):
                assert str(value).startswith(("/run/secrets/", "/var/lib/wum/")), (name, key)
        assert not re.search(r"://\w+:\w+@", json.dumps(one)), name
        assert one["image"].rpartition(":")[2] not in ("latest", one["image"]), name
        assert one.get("privileged") is None
    published = {name for name, one in compose["services"].items() if one.get("ports")}
    assert published == {"broker", "proxy"}
    env = _environment(DEPLOY / "cloud" / "cloud.env")
    assert not re.search(r":[^/@]+@", env["WUM_DATABASE_URL"])


def test_every_setting_is_one_that_the_head_end_knows(compose: dict[str, Any]) -> None:
    source = (ROOT / "cloud" / "wum_cloud" / "settings.py").read_text()
    given = [_environment(DEPLOY / "cloud" / "cloud.env")]
    given += [{key: str(value).replace("${WUM_HOST:?", "mqtt.example.org{")
               for key, value in one["environment"].items()}
              for one in compose["services"].values() if "wum-cloud" in one["image"]]
    assert len(given) == 5
    for environment in given:
        for name in environment:
            assert name in ("FORWARDED_ALLOW_IPS",) or '"%s"' % name in source, name
        settings_from(environment)      # Raises where anything contradicts anything.


def _environment(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_every_command_is_one_that_there_is(compose: dict[str, Any]) -> None:
    lines = [shlex.split(found) for unit in UNITS
             for found in re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.M)]
    lines += [one["command"] for one in compose["services"].values() if "command" in one]
    lines += [shlex.split(line) for line in compose["services"]["prepare"]["command"][2].split(";")]
    parsed = 0
    for words in lines:
        program = Path(words[0]).name
        if program == "wum-cloud":
            cloud_parser().parse_args(words[1:])
        elif program == "wum-launcher":
            edge_parser().parse_args(words[2:])
        else:
            assert program in ("mosquitto", "sh"), words
            continue
        parsed += 1
    assert parsed == 10


def _as_installed(unit: Path, folder: Path) -> Path:
    """The unit with programs that are on any machine, since ours are not installed here."""
    text = re.sub(r"^(Exec\w+=)(/opt/\S+|/usr/sbin/mosquitto)", r"\1/bin/true",
                  unit.read_text(), flags=re.M)
    (folder / unit.name).write_text(text)
    return folder / unit.name


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    units = [_as_installed(unit, tmp_path) for unit in UNITS]
    assert len(units) == 6
    said = _analyze("verify", "--man=no", *map(str, units))
    assert (said.returncode, said.stderr + said.stdout) == (0, "")
    units[0].write_text(units[0].read_text() + "[Service]\nProtectSytem=strict\n")
    assert "ProtectSytem" in _analyze("verify", "--man=no", str(units[0])).stderr


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda u: u.name)
def test_a_unit_lets_a_program_do_what_it_needs_and_little_else(
        unit: Path, tmp_path: Path) -> None:
    said = _analyze("security", "--offline=true", str(_as_installed(unit, tmp_path))).stdout
    found = re.search(r"exposure level for \S+: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= EXPOSURE_MAX, said
    text = unit.read_text()
    assert "User=wum\n" in text
    assert "CapabilityBoundingSet=\n" in text


def _analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True,
                          check=False, timeout=60)


def test_secrets_are_made_once_for_their_owners_alone_and_what_is_missing_is_named(
        tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_text((COMPOSE / "secrets.sh").read_text())

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["sh", str(script)], capture_output=True, text=True, check=False)

    made = tmp_path / "secrets"
    first = run()
    assert first.returncode == 1
    assert "broker_key.pem is missing" in first.stderr
    password = (made / "database_password").read_text()
    assert len(password) == 48
    assert (made / "database_passfile").read_text() == "database:5432:wum:wum:%s\n" % password
    assert {file.stat().st_mode & 0o777 for file in made.iterdir()} == {0o400}
    for name in ("broker_certificate", "broker_key", "broker_authority", "web_certificate",
                 "web_key"):
        (made / (name + ".pem")).write_text("x")
    assert run().returncode == 0
    assert (made / "database_password").read_text() == password


def test_prometheus_is_told_where_to_ask_and_by_which_rules() -> None:
    told = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert [(DEPLOY / "prometheus" / name).is_file() for name in told["rule_files"]] == [True]
    assert told["scrape_configs"][0]["metrics_path"] == "/metrics"
    assert "credentials_file" in told["scrape_configs"][0]["authorization"]
