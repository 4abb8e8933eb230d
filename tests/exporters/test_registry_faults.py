"""A registry that is ill in every way: the agent starts at once, stays small, tells all later."""

import contextlib
import socket
import struct
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

import pytest

from pulseguard import Agent
from pulseguard.catalog import EXPORTER_REGISTRY_REQUESTS
from pulseguard.reporting.snapshots import MOST_WAITING
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, total, wait_until
from tests.exporters.work import assert_snapshots_equal_counters, work

# The agent's patience, and the name of threads that are not its own.
READ_SECONDS = 0.3
REGISTRYS = "registry"

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


TREATED: dict[str, Treat] = {
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
def served(treat: Treat) -> Iterator[FakeRegistry]:
    over = threading.Event()

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            treat(client, over)

    def accept(listener: socket.socket) -> None:
        while not over.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            client.settimeout(30)
            threading.Thread(target=serve, args=(client,), name=REGISTRYS, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        accepting = threading.Thread(target=accept, args=(listener,), name=REGISTRYS)
        accepting.start()
        try:
            yield FakeRegistry(port=listener.getsockname()[1])
        finally:
            over.set()
            accepting.join()


@contextmanager
def refused() -> Iterator[FakeRegistry]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield FakeRegistry(port=bound.getsockname()[1])


@contextmanager
def black_hole() -> Iterator[FakeRegistry]:
    """Full: what is sent to connect is thrown away."""
    with ExitStack() as closing:
        hole = closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            client = closing.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(hole.getsockname())
        yield FakeRegistry(port=hole.getsockname()[1])


@contextmanager
def slow() -> Iterator[FakeRegistry]:
    """It does what it is asked, long after nobody waits for the answer."""
    with FakeRegistry() as registry:
        registry.fault = lambda path: time.sleep(READ_SECONDS)
        yield registry
        registry.fault = lambda path: None


@contextmanager
def forgetful() -> Iterator[FakeRegistry]:
    """Whoever has just registered is unknown a moment later."""
    with FakeRegistry() as registry:
        registry.fault = lambda path: registry.agents.clear()
        yield registry
        registry.fault = lambda path: None


# Each gives the registry as it will be once it is well; what it has learned before, it keeps.
ILL: dict[str, Callable[[], AbstractContextManager[FakeRegistry]]] = {
    "refused": refused,
    "black hole": black_hole,
    "slow": slow,
    "forgetful": forgetful,
    **{name: partial(served, treat) for name, treat in TREATED.items()},
}


def others(before: set[threading.Thread]) -> Counter[str]:
    """The threads that came since, but for those of the registry."""
    since = [each.name for each in threading.enumerate() if each not in before]
    registrys = (REGISTRYS, "process_request_thread", "serve_forever")
    return Counter(name for name in since if not any(each in name for each in registrys))


@pytest.mark.parametrize("illness", ILL)
def test_whatever_ails_the_registry_the_agent_works_and_tells_all_when_it_is_well(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch, illness: str
) -> None:
    monkeypatch.setattr("pulseguard.reporting.client.READ_SECONDS", READ_SECONDS)
    monkeypatch.setattr("pulseguard.reporting.client.CONNECT_SECONDS", READ_SECONDS)
    before = set(threading.enumerate())
    with ILL[illness]() as registry:
        agents = [make_agent(registry_url=registry.url, strict=False) for _ in range(4)]
        seconds = [time_of(agent.start) for agent in agents]
        work(agents[0])
        scrape(agents[0])
        with most_memory() as most_bytes:
            for agent in agents:
                wait_until(partial(has_tried, agent, 3), 20)
        page = scrape(agents[0])
        threads = others(before)

    with registry:
        wait_until(lambda: registry.total("model_calls") == 20, 20)
        wait_until(lambda: len(registry.agents) == len(agents))
        for agent in agents[1:]:
            agent.stop()
        assert_snapshots_equal_counters(registry, page)
        known = {each["instance"]: each["metrics_address"] for each in registry.agents.values()}
        assert known.keys() == {agent.instance for agent in agents}
        assert known[agents[0].instance] == agents[0].metrics_address

    # The first warms up, of the others the best: the promise is about waiting, not about how busy
    # this machine is.
    assert min(seconds[1:]) < 0.05
    assert threads == {"pulseguard-metrics": len(agents), "pulseguard-reporter": len(agents)}
    assert most_bytes[0] < 8 << 20


def has_tried(agent: Agent, times: int) -> bool:
    return total(scrape(agent), EXPORTER_REGISTRY_REQUESTS) >= times


@contextmanager
def most_memory() -> Iterator[list[int]]:
    """How many bytes were taken at most, all threads together; known at the end."""
    found = [0]
    tracemalloc.start()
    try:
        yield found
        found[0] = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_waits_for_a_registry_that_stays_away_is_bounded(make_agent: MakeAgent) -> None:
    with served(reset) as registry:
        agent = make_agent(registry_url=registry.url, snapshot_seconds=0.05, strict=False)
        agent.start()
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            work(agent, 1)
            time.sleep(0.01)
        agent.stop(timeout_seconds=0.1)
        agent.start()
        page = scrape(agent)

    with registry:
        wait_until(lambda: registry.total("model_calls") > 0, 10)
        agent.stop()
        assert len(registry.stored()) <= MOST_WAITING + 20
        assert_snapshots_equal_counters(registry, page)


def time_of(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
