"""A registry that is ill in every way: the agent starts at once, stays small, tells all later."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pulseguard.reporting.snapshots import MOST_WAITING
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, wait_until
from tests.exporters.work import assert_snapshots_equal_counters, work

Treat = Callable[[socket.socket, threading.Event], None]


def reset(client: socket.socket, over: threading.Event) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def say_nothing(client: socket.socket, over: threading.Event) -> None:
    over.wait(30)


def trickle(client: socket.socket, over: threading.Event) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.05):
        client.sendall(b"x")


def answer(content: bytes) -> Treat:
    def treat(client: socket.socket, over: threading.Event) -> None:
        client.recv(65536)
        client.sendall(content)

    return treat


def flood(client: socket.socket, over: threading.Event) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        client.sendall(b"x" * 65536)


ILL: dict[str, Treat] = {
    "resetting": reset,
    "silent": say_nothing,
    "trickling": trickle,
    "no HTTP": answer(b"\x16\x03\x01rubbish\r\n\r\n"),
    "no JSON": answer(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
    "other JSON": answer(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"id": [7, 8]}'),
    "no end": answer(b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n{"),
    "flooding": flood,
}


@contextmanager
def ill_registry(treat: Treat) -> Iterator[tuple[int, list[int]]]:
    """Its port, and the requests that have reached it, while it listens there."""
    over = threading.Event()
    reached: list[int] = []

    def serve(client: socket.socket) -> None:
        reached.append(1)
        with client, contextlib.suppress(OSError):
            treat(client, over)

    def accept(listener: socket.socket) -> None:
        while not over.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            client.settimeout(30)
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        accepting = threading.Thread(target=accept, args=(listener,))
        accepting.start()
        try:
            yield listener.getsockname()[1], reached
        finally:
            over.set()
            accepting.join()


@pytest.mark.parametrize("illness", ILL)
def test_whatever_ails_the_registry_the_agent_works_and_tells_all_when_it_is_well(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch, illness: str
) -> None:
    monkeypatch.setattr("pulseguard.reporting.client.READ_SECONDS", 0.3)
    with ill_registry(ILL[illness]) as (port, reached):
        agents = [
            make_agent(registry_url=f"http://127.0.0.1:{port}", strict=False, instance=f"{n}")
            for n in range(3)
        ]
        before = threading.active_count()
        seconds = [time_of(agent.start) for agent in agents]
        work(agents[0])
        wait_until(lambda: len(reached) > 2 * len(agents), 20)
        page = scrape(agents[0])
        threads = [each.name for each in threading.enumerate() if "pulseguard-rep" in each.name]

    with FakeRegistry(port=port) as registry:
        wait_until(lambda: registry.total("model_calls") == 20, 20)
        wait_until(lambda: len(registry.agents) == len(agents))
        for agent in agents[1:]:
            agent.stop()
        assert_snapshots_equal_counters(registry, page)

    # The best of three: the promise is about waiting, not about how busy this machine is.
    assert min(seconds) < 0.05
    assert len(threads) == len(agents)
    assert before + 4 * len(agents) >= threading.active_count()


def test_what_waits_for_a_registry_that_stays_away_is_bounded(make_agent: MakeAgent) -> None:
    with ill_registry(reset) as (port, _):
        agent = make_agent(
            registry_url=f"http://127.0.0.1:{port}", snapshot_seconds=0.05, strict=False
        )
        agent.start()
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            work(agent, 1)
            time.sleep(0.01)
        agent.stop(timeout_seconds=0.1)
        agent.start()
        page = scrape(agent)

    with FakeRegistry(port=port) as registry:
        wait_until(lambda: registry.total("model_calls") > 0, 10)
        agent.stop()
        assert len(registry.stored()) <= MOST_WAITING + 20
        assert_snapshots_equal_counters(registry, page)


def time_of(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
