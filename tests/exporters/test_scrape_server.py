"""Nobody can keep others from the /metrics page, however many connections he leaves half open."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil
import pytest

from pulseguard import Agent
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.scraping.answer import Answer
from pulseguard.scraping.server import MOST_CONNECTIONS, ScrapeServer
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, wait_until

CLIENTS = 500
HALF_A_REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x"


@pytest.fixture(autouse=True)
def descriptors_for_all() -> Iterator[None]:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before, min(4 * CLIENTS, most)), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def connect(address: str | None, receive_bytes: int | None = None) -> socket.socket:
    assert address
    host, port = address.split(":")
    client = socket.socket()
    client.settimeout(15)
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.connect((host, int(port)))
    return client


@contextmanager
def half_open(address: str | None) -> Iterator[list[socket.socket]]:
    with ExitStack() as closing:
        yield [closing.enter_context(connect(address)) for _ in range(CLIENTS)]


def slowest_scrape_seconds(agent: Agent, times: int = 3) -> float:
    def seconds() -> float:
        began = time.monotonic()
        assert scrape(agent)
        return time.monotonic() - began

    return max(seconds() for _ in range(times))


def say(clients: list[socket.socket], what: int) -> None:
    for client in clients:
        # Most have been closed by the server.
        with suppress(ConnectionError):
            client.send(bytes([what]))


@pytest.mark.parametrize("said", [b"", HALF_A_REQUEST], ids=["silent", "byte by byte"])
def test_half_open_connections_neither_block_a_scrape_nor_take_threads(
    make_agent: MakeAgent, said: bytes
) -> None:
    agent = make_agent()
    agent.start()
    scrape(agent)
    process = psutil.Process()
    threads, descriptors = process.num_threads(), process.num_fds()

    with half_open(agent.metrics_address) as clients:
        seconds = [slowest_scrape_seconds(agent)]
        for byte in said:
            say(clients, byte)
            seconds.append(slowest_scrape_seconds(agent, 1))
        threads_meanwhile = process.num_threads()
        descriptors_meanwhile = process.num_fds()

    assert max(seconds) < 1
    # Not more: one that another test has left behind may have ended meanwhile.
    assert threads_meanwhile <= threads
    assert descriptors_meanwhile <= descriptors + CLIENTS + MOST_CONNECTIONS
    wait_until(lambda: process.num_fds() <= descriptors)


def test_each_connection_has_its_time_and_no_more(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulseguard.scraping.server.SECONDS_PER_CONNECTION", 0.3)
    agent = make_agent()
    agent.start()
    process = psutil.Process()
    descriptors = process.num_fds()

    with half_open(agent.metrics_address) as clients:

        def the_server_holds_none() -> bool:
            say(clients, ord("x"))
            return process.num_fds() <= descriptors + CLIENTS

        wait_until(the_server_holds_none)

        assert scrape(agent)


@pytest.mark.alone
def test_while_others_connect_every_scrape_is_answered(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    seconds: list[float] = []

    def connect_all() -> None:
        with half_open(agent.metrics_address):
            pass

    for _ in range(5):
        connecting = threading.Thread(target=connect_all)
        connecting.start()
        while connecting.is_alive():
            seconds.append(slowest_scrape_seconds(agent, 1))

    assert len(seconds) >= 5
    assert max(seconds) < 1


def test_who_has_just_connected_may_still_ask_however_many_others_come(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulseguard.scraping.server._SECONDS_TO_ASK", 30)
    agent = make_agent()
    agent.start()
    process = psutil.Process()
    descriptors = process.num_fds()

    with connect(agent.metrics_address) as first, half_open(agent.metrics_address):
        wait_until(lambda: process.num_fds() >= descriptors + 1 + CLIENTS + MOST_CONNECTIONS)
        time.sleep(0.1)
        first.sendall(HALF_A_REQUEST + b"\r\n\r\n")

        assert first.recv(4) == b"HTTP"


def test_a_slow_reader_gets_the_whole_page(make_agent: MakeAgent) -> None:
    agent = make_agent(detail="standard", series_limit=2000)
    agent.start()
    for number in range(40):
        with agent.tool(f"{number}" * 50):
            pass

    with connect(agent.metrics_address, receive_bytes=2048) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert scrape(agent)
        content = b"".join(iter(lambda: client.recv(1000), b""))

    head, _, body = content.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_a_scrape_under_way_goes_on_whoever_else_connects() -> None:
    # More than the kernel takes at once.
    page = b"x" * (32 << 20)
    guard = Guard(lambda operation: None, OncePerMinute(), strict=True)
    server = ScrapeServer("127.0.0.1", 0, lambda head: Answer(page), guard)
    server.start()
    address = f"127.0.0.1:{server.port}"

    try:
        with connect(address, receive_bytes=2048) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            received = len(client.recv(1))
            with half_open(address), connect(address) as last:
                last.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
                assert last.recv(1) == b"x"
                received += sum(map(len, iter(lambda: client.recv(1 << 20), b"")))
    finally:
        server.close(timeout_seconds=1)

    assert received == len(page)
