"""Asking a registry that hangs, drips or never stops talking."""

import socket
import threading
import time
from contextlib import closing

import pytest

from pulseguard_prometheus import registry as registry_module
from pulseguard_prometheus.errors import RegistryTrouble
from pulseguard_prometheus.registry import RegistryConnection
from pulseguard_prometheus.settings import ServerAddress
from tests.prometheus.fakes import JSON, Reply, fake_server
from tests.prometheus_server import eventually

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


def names_of_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_a_name_that_is_looked_up_for_long_is_waited_for_no_longer_and_by_one_thread(
    registry, monkeypatch
):
    found, look_up = threading.Event(), socket.getaddrinfo

    def hanging(*arguments, **more):
        found.wait(10)
        return look_up(*arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    address = ServerAddress("http", "127.0.0.1", registry.port, "")
    with closing(RegistryConnection(address, timeout_seconds=0.2)) as connection:
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(RegistryTrouble, match="timed out"):
                connection.ask(key=None, etag=None)
        assert time.monotonic() - began < 2
        assert names_of_threads().count("connecting") == 1

        found.set()
        eventually(lambda: "connecting" not in names_of_threads())
        assert connection.ask(key=None, etag=None) is not None


def test_the_deadline_is_three_seconds():
    assert registry_module.ANSWER_TIMEOUT_SECONDS == 3


def test_an_answer_past_the_limit_is_refused(registry, monkeypatch):
    monkeypatch.setattr(registry_module, "ANSWER_LIMIT_BYTES", 64)
    connection = RegistryConnection(ServerAddress("http", "127.0.0.1", registry.port, ""))

    with pytest.raises(RegistryTrouble, match="more than 64 bytes"):
        connection.ask(key=None, etag=None)
