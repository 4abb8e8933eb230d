"""Somebody beyond this machine, as its routes have it: in a network namespace of its own."""

import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.containers.deployment import eventually

# Of the documentation's addresses: nobody else has it.
ADDRESS: Final = "198.51.100.2"
PORT: Final = 8080
_HERE: Final = "198.51.100.1"
_SERVE: Final = (
    "import socket, sys\n"
    "with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:\n"
    "    while True:\n"
    "        server.accept()[0].close()"
)


@contextmanager
def somebody_outside() -> Iterator[None]:
    """Answers at ADDRESS and PORT whoever gets there."""
    name = f"outside{uuid.uuid4().hex[:6]}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("address", "add", f"{_HERE}/30", "dev", name)
        _ip("link", "set", name, "up")
        _ip("-netns", name, "address", "add", f"{ADDRESS}/30", "dev", "eth0")
        _ip("-netns", name, "link", "set", "eth0", "up")
        with _server(name):
            yield
    finally:
        _ip("netns", "delete", name)


@contextmanager
def _server(name: str) -> Iterator[None]:
    serve = [sys.executable, "-c", _SERVE, ADDRESS, str(PORT)]
    server = subprocess.Popen(["ip", "netns", "exec", name, *serve])
    try:
        eventually(_is_there, 20)
        yield
    finally:
        server.kill()
        server.wait()


def _is_there() -> bool:
    socket.create_connection((ADDRESS, PORT), timeout=1).close()
    return True


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
