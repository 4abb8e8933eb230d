"""A registry that is ill, in every way: each says nothing, too little, too much or too late."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

from tests.exporters.fake_registry import FakeRegistry

# The agent's patience, and the name of threads that are not its own.
READ_SECONDS = 0.3
REGISTRYS = "registry"

Ill = Callable[[], AbstractContextManager[FakeRegistry]]
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


def hesitate(client: socket.socket, over: threading.Event) -> None:
    """It knows the agent, and takes its time for every word."""
    client.recv(65536)
    over.wait(1.2)
    client.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"id": "one"}')


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
ILL: dict[str, Ill] = {
    "refused": refused,
    "black hole": black_hole,
    "slow": slow,
    "forgetful": forgetful,
    **{name: partial(served, treat) for name, treat in TREATED.items()},
}
