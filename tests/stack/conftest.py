"""The simulated model server as a process of its own, as everybody will run it."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from openai import OpenAI

from pulseguard_stack.model_server.ledger import Entry, entry_from_json
from tests.forked_program import ForkedProgram, forks_of

AT_ONCE = ("--first-token-median", "0", "--token-median", "0", "--retry-after-ms", "5")


@dataclass(frozen=True)
class ModelServer:
    """A running simulated model server."""

    process: ForkedProgram
    first_line: str
    url: str

    def client(self, **settings: Any) -> OpenAI:
        """A real client of it; closed with its `with`."""
        return OpenAI(base_url=f"{self.url}/v1", api_key="none", **settings)

    def get(self, path: str) -> Any:
        """The decoded JSON of a page."""
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.load(answer)

    def entries(self, call: str) -> list[Entry]:
        """The entries of a call, once no attempt is under way."""
        deadline = time.monotonic() + 5
        while self.get("/ledger")["open"]:
            assert time.monotonic() < deadline, "attempts stay open"
            time.sleep(0.01)
        rows = self.get("/ledger?limit=10000")["entries"]
        return [entry_from_json(row) for row in rows if row["call"] == call]


StartServer = Callable[..., ModelServer]


def _start(*arguments: str) -> ModelServer:
    forks = forks_of("pulseguard_stack.model_server.command")
    process = forks.start("--port", "0", *arguments, environment=os.environ)
    line = process.first_line()
    found = re.search(r"(http://\S+)/v1", line)
    assert found, process.errors.read_text()
    return ModelServer(process, line, found[1])


def _stop(server: ModelServer) -> None:
    server.process.terminate()
    server.process.wait(5)
    assert server.process.errors.read_text() == ""


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Starts servers of a test's own; stops those that still run, and none may have complained."""
    servers: list[ModelServer] = []

    def start(*arguments: str) -> ModelServer:
        servers.append(_start(*arguments))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            _stop(server)


@pytest.fixture(scope="session")
def server() -> Iterator[ModelServer]:
    """One server without waits for all tests that need nothing special."""
    running = _start(*AT_ONCE, "--stall-seconds", "20")
    yield running
    _stop(running)


@pytest.fixture
def client(server: ModelServer) -> Iterator[OpenAI]:
    """A client of the common server that does not retry."""
    with server.client(max_retries=0, timeout=5) as opened:
        yield opened
