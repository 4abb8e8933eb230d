"""Asking a registry that hangs, drips or never stops talking."""

import time

import pytest

from pulseguard_prometheus import registry as registry_module
from pulseguard_prometheus.errors import RegistryTrouble
from pulseguard_prometheus.registry import RegistryConnection
from pulseguard_prometheus.settings import ServerAddress
from tests.prometheus.fakes import JSON, Reply, fake_server

DRIPS = (b" ",) * 100 + (b"]",)
HANGING = {
    "silent": Reply(200, JSON, b"[]", pause_seconds=60),
    "dripping": Reply(200, JSON, b"[", DRIPS, pause_seconds=0.1),
    "dripping without a length": Reply(
        200, JSON | {"Connection": "close"}, b"[", DRIPS, pause_seconds=0.1
    ),
}


@pytest.mark.parametrize("manner", HANGING)
def test_a_registry_that_hangs_is_given_up_at_the_deadline(manner):
    with fake_server(lambda _: HANGING[manner]) as server:
        address = ServerAddress("http", "127.0.0.1", server.port, "")
        connection = RegistryConnection(address, timeout_seconds=0.3)
        began = time.monotonic()

        with pytest.raises(RegistryTrouble, match="timed out"):
            connection.ask(key=None, etag=None)

        assert time.monotonic() - began < 2
        assert len(server.asked) == 1


def test_the_deadline_is_three_seconds():
    assert registry_module.ANSWER_TIMEOUT_SECONDS == 3


def test_an_answer_past_the_limit_is_refused(registry, monkeypatch):
    monkeypatch.setattr(registry_module, "ANSWER_LIMIT_BYTES", 64)
    connection = RegistryConnection(ServerAddress("http", "127.0.0.1", registry.port, ""))

    with pytest.raises(RegistryTrouble, match="more than 64 bytes"):
        connection.ask(key=None, etag=None)
