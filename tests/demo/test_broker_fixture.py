"""The broker that tests bring along: passwords asked, accounts added while it runs."""

import socket

import pytest

from tests.services.broker import is_accepted


def test_nobody_comes_in_without_the_password(broker):
    password = broker.account("cabinet-1")
    assert is_accepted(broker.port, "cabinet-1", password)
    assert not is_accepted(broker.port, "cabinet-1", "guessed")
    assert not is_accepted(broker.port, "", "")


def test_it_comes_back_on_its_port_with_its_accounts(broker):
    password = broker.account("cabinet-1")
    broker.kill()
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection((broker.host, broker.port)),
    ):
        raise AssertionError("a killed broker still listens")
    broker.start()
    assert is_accepted(broker.port, "cabinet-1", password)
