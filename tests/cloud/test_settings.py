"""Settings come from the environment, and every mistake is named at once."""

from pathlib import Path

import pytest

from wum_cloud.settings import SettingsError, required, settings_from

_URL = {"WUM_DATABASE_URL": "postgresql://localhost/wum"}


def test_what_is_not_said_has_a_default_that_is_safe() -> None:
    settings = settings_from(_URL)
    assert (settings.broker_host, settings.broker_port, settings.broker_tls) == (
        "127.0.0.1", 1883, False)
    assert (settings.web_host, settings.ahead_s, settings.shared_group) == ("127.0.0.1", 300, None)
    assert settings.keep_days == 0      # For ever.
    assert settings.key_file is settings.broker_password_file is None


def test_every_setting_is_read() -> None:
    settings = settings_from({
        **_URL, "WUM_BROKER_HOST": "broker.example", "WUM_BROKER_TLS": "true",
        "WUM_BROKER_USER": "u", "WUM_BROKER_PASSWORD_FILE": "/p", "WUM_BROKER_CA_FILE": "/ca",
        "WUM_SHARED_GROUP": "g", "WUM_KEY_FILE": "/k", "WUM_AHEAD_S": "0",
        "WUM_RELEASE_TRUST": "/t", "WUM_WEB_HOST": "::1", "WUM_WEB_PORT": "65535",
        "WUM_KEEP_DAYS": "450"})
    assert (settings.broker_host, settings.broker_port, settings.broker_tls) == (
        "broker.example", 8883, True)
    assert (settings.broker_user, settings.broker_password_file, settings.broker_ca_file) == (
        "u", Path("/p"), Path("/ca"))
    assert (settings.shared_group, settings.key_file, settings.ahead_s) == ("g", Path("/k"), 0)
    assert (settings.web_host, settings.web_port, settings.keep_days) == ("::1", 65535, 450)
    assert settings.release_trust == Path("/t")


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from({
            "WUM_BROKER_PORT": "0", "WUM_WEB_PORT": "eighty", "WUM_BROKER_TLS": "maybe",
            "WUM_AHEAD_S": "-1", "WUM_SHARED_GROUP": "a/b", "WUM_BROKER_CA_FILE": "/ca"})
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == [
        "WUM_BROKER_TLS", "WUM_BROKER_PORT", "WUM_AHEAD_S", "WUM_WEB_PORT", "WUM_DATABASE_URL",
        "WUM_BROKER_CA_FILE", "WUM_SHARED_GROUP"]
    assert "wanted a whole number of 1..65535" in lines[1]


@pytest.mark.parametrize("host", ["broker.example", "10.0.0.1", "0.0.0.0"])
def test_no_password_travels_in_the_clear(host: str) -> None:
    with pytest.raises(SettingsError, match="WUM_BROKER_TLS"):
        settings_from({**_URL, "WUM_BROKER_HOST": host})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_a_broker_on_this_machine_may_be_plain(host: str) -> None:
    assert not settings_from({**_URL, "WUM_BROKER_HOST": host}).broker_tls


def test_a_setting_that_a_command_needs_is_asked_for_by_name() -> None:
    with pytest.raises(SettingsError, match="WUM_KEY_FILE is not set: wanted the path of x"):
        required(None, "WUM_KEY_FILE", "x")


def test_readings_are_never_dropped_while_the_ledger_counts_them() -> None:
    with pytest.raises(SettingsError, match="WUM_KEEP_DAYS is 449: wanted 0 .* or 450 days"):
        settings_from({**_URL, "WUM_KEEP_DAYS": "449"})
