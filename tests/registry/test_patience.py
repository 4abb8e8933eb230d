"""Slow and half-open connections: closed in time, and nobody else waits for them."""

from __future__ import annotations

import os
import selectors
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection

import psutil
import pytest

from pulseguard_registry.settings import Settings
from tests.registry.conftest import new_database
from tests.registry.crowd import Crowd
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.running import eventually, registration

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
DEFAULT_SECONDS = Settings.model_fields["request_seconds"].default
PATIENCE_SECONDS = DEFAULT_SECONDS if LONG else 1.5
# Of what is promised, the last second is for the closing itself.
PROMISED_SECONDS, CLOSING_SECONDS = 15.0, 1.0
CLOSED_SECONDS = PROMISED_SECONDS if LONG else PATIENCE_SECONDS + CLOSING_SECONDS
CONNECTIONS = 500 if LONG else 60

HEALTH = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /api/v1/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
WHOLE_HEAD = HEAD + b"Content-Length: 90\r\n\r\n"
HALF_OPEN = {
    "silent": b"",
    "half a line": b"POST /api/v1/ag",
    "half of its headers": HEAD,
    "a head without its body": WHOLE_HEAD,
    "half a body": WHOLE_HEAD + b'{"name": ',
    "a chunk without an end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "an answered request and half of the next": HEALTH + HEAD,
    "nothing but line ends": b"\r\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[RegistryProcess]:
    """A registry that is as patient as it is by default, or for a shorter time."""
    folder = tmp_path_factory.mktemp("patience")
    settings = {} if LONG else {"request_seconds": str(PATIENCE_SECONDS)}
    with (
        new_database(postgres) as url,
        registry_process(folder, url, rate_limit_per_second="100000", **settings) as one,
    ):
        eventually(one.is_ready)
        yield one


@contextmanager
def connections(server: RegistryProcess, count: int) -> Iterator[list[socket.socket]]:
    """Connections to the server, closed at the end."""
    host, port = server.url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection((host, int(port)), 5))
            for _ in range(count)
        ]


def seconds_until_closed(
    opened: list[socket.socket], deadline: float, started: float | None = None
) -> list[float]:
    """How long each took to be closed by the other side, from a moment (monotonic) or now on."""
    started, took = started or time.monotonic(), []
    with selectors.DefaultSelector() as waiting:
        for one in opened:
            waiting.register(one, selectors.EVENT_READ)
        while waiting.get_map() and time.monotonic() - started < deadline:
            for key, _ in waiting.select(0.1):
                assert isinstance(key.fileobj, socket.socket)
                if not received(key.fileobj):
                    waiting.unregister(key.fileobj)
                    took.append(time.monotonic() - started)
        assert not waiting.get_map(), f"{len(waiting.get_map())} connections are open still"
    return took


def received(one: socket.socket) -> bytes:
    """What has come; nothing where the connection was closed or cut."""
    try:
        return one.recv(65536)
    except ConnectionResetError:
        return b""


def is_open_after(one: socket.socket, seconds: float) -> bool:
    """Whether the other side keeps it open for so long, or sends something."""
    one.settimeout(seconds)
    try:
        return bool(one.recv(65536))
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False


def test_half_open_connections_are_closed_while_others_are_served(server: RegistryProcess) -> None:
    kinds = list(HALF_OPEN.values())
    others = Crowd([server.url], server.admin_key())
    for number in range(2):
        others.beat(registered(server, f"other-{number}"))
    with others:
        began = time.monotonic()
        with connections(server, CONNECTIONS) as opened:
            for number, one in enumerate(opened):
                one.sendall(kinds[number % len(kinds)])
            took = seconds_until_closed(opened, 2 * PATIENCE_SECONDS, began)

    assert {call.status for call in others.calls} == {200}
    assert max(call.seconds for call in others.calls) < 1
    assert len(took) == CONNECTIONS
    assert min(took) > PATIENCE_SECONDS / 3
    assert max(took) < CLOSED_SECONDS


def registered(server: RegistryProcess, name: str) -> uuid.UUID:
    """Register an agent; returns its id."""
    answer = server.post("/api/v1/agents", registration(name), server.admin_key())
    return uuid.UUID(answer.body["id"])


def test_what_is_promised_of_half_open_connections_holds_by_default() -> None:
    assert DEFAULT_SECONDS + CLOSING_SECONDS <= PROMISED_SECONDS


def test_a_client_that_sends_a_byte_at_a_time_gains_nothing(server: RegistryProcess) -> None:
    with connections(server, 1) as (slow,):
        started = time.monotonic()
        slow.sendall(b"GET /")
        while is_open_after(slow, PATIENCE_SECONDS / 20):
            assert time.monotonic() - started < CLOSED_SECONDS
            with suppress(OSError):
                slow.sendall(b"a")

    assert time.monotonic() - started > PATIENCE_SECONDS / 3


def test_a_connection_that_is_kept_alive_may_rest_between_two_requests(
    server: RegistryProcess,
) -> None:
    with connections(server, 1) as (kept,):
        for _ in range(2):
            kept.sendall(HEALTH)
            assert is_open_after(kept, 0.5)  # and has answered
            assert is_open_after(kept, PATIENCE_SECONDS + 0.5)


def test_the_answer_to_head_has_no_body_that_would_be_taken_for_the_next_answer(
    server: RegistryProcess,
) -> None:
    with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=10)) as kept:
        answers = []
        for method in ("HEAD", "GET", "HEAD", "GET"):
            kept.request(method, "/api/v1/health")
            answer = kept.getresponse()
            answers.append((answer.status, answer.getheader("content-length"), answer.read()))

    (_, length, body), empty = answers[1], b""
    assert answers == [(200, length, empty), (200, length, body)] * 2
    assert length == str(len(body))


def test_a_request_that_was_cut_short_is_not_carried_out(server: RegistryProcess) -> None:
    key, body = server.admin_key(), b'{"name": "half", "instance": "1"}'
    head = WHOLE_HEAD.replace(b"\r\n\r\n", f"\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    with connections(server, 2) as opened:
        for one in opened:
            one.sendall(head + body)
        opened[0].close()

        seconds_until_closed(opened[1:], 2 * PATIENCE_SECONDS)

    assert server.get("/api/v1/agents?name=half", key).body["items"] == []


def test_a_client_that_does_not_read_its_answers_is_cut_off(server: RegistryProcess) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((host, int(port)))
        address = deaf.getsockname()[1]
        # More than the buffers of the kernel hold.
        deaf.sendall(300 * b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: address in clients_of(server), 5)

        eventually(lambda: address not in clients_of(server), PATIENCE_SECONDS + 10)


def clients_of(server: RegistryProcess) -> set[int]:
    """The ports of those whose connections the server holds."""
    held = psutil.Process(server.process.pid).net_connections("tcp")
    return {one.raddr.port for one in held if one.raddr}
