"""Clients that call registries without a pause, and remember what they were answered."""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from tests.registry.running import eventually, registration, snapshot

SECONDS_A_CALL = 10
# What a client waits after it was not served.
SECONDS_TO_NEXT_TRY = 0.02
SERVED = (200, 201)


class Call(NamedTuple):
    """One call: status (0: the connection broke), and when it began and ended (monotonic)."""

    path: str
    status: int
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long the client waited."""
        return self.ended - self.began


Request = tuple[str, str, dict[str, Any] | None]


class Crowd:
    """Each client is a thread with a connection of its own; who is not served asks the next URL.

    `acknowledged` is the ledger: what the registries said is stored.
    """

    def __init__(self, urls: Sequence[str], key: str) -> None:
        self.calls: list[Call] = []
        self.acknowledged: set[Any] = set()
        self._addresses = [urlsplit(url).netloc for url in urls]
        self._key = key
        self._latest: dict[int, Call] = {}
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def beat(self, agent_id: uuid.UUID) -> None:
        """A client that sends heartbeats, each with a snapshot; noted as (id, taken_at)."""
        start = datetime.now(UTC).replace(microsecond=0)

        def requests() -> Iterator[tuple[Request, Any]]:
            for number in itertools.count():
                taken_at = start + timedelta(milliseconds=number)
                body = {"state": "working", "snapshot": snapshot(taken_at.isoformat())}
                path = f"/api/v1/agents/{agent_id}/heartbeat"
                yield ("POST", path, body), (agent_id, taken_at)

        self._add(requests())

    def register(self) -> None:
        """A client that registers agents, noted by their names."""
        names = (f"newcomer-{uuid.uuid4().hex}" for _ in itertools.count())
        self._add((("POST", "/api/v1/agents", registration(name)), name) for name in names)

    def read(self, path: str) -> None:
        """A client that reads; nothing to keep is noted."""
        self._add(itertools.repeat((("GET", path, None), None)))

    def wait_for_writes(self, count: int = 50) -> None:
        """Wait until so many more calls were acknowledged."""
        enough = len(self.acknowledged) + count
        eventually(lambda: len(self.acknowledged) >= enough, 20)

    def is_served_since(self, moment: float) -> bool:
        """Whether each client has asked after this moment, and was served when it last did."""
        calls = list(self._latest.values())
        return all(call.began >= moment and call.status in SERVED for call in calls)

    def calls_to(self, path: str, since: float, until: float) -> list[Call]:
        """Those that began within a time."""
        return [call for call in self.calls if call.path == path and since <= call.began < until]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None
    ) -> None:
        """Let each client end its last call."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _add(self, requests: Iterator[tuple[Request, Any]]) -> None:
        thread = threading.Thread(target=self._run, args=(len(self._threads), requests))
        self._threads.append(thread)

    def _run(self, index: int, requests: Iterator[tuple[Request, Any]]) -> None:
        for number in itertools.count(index):
            address = self._addresses[number % len(self._addresses)]
            with closing(HTTPConnection(address, timeout=SECONDS_A_CALL)) as connection:
                while self._is_served(index, connection, *next(requests)):
                    pass
            if self._over.wait(SECONDS_TO_NEXT_TRY):
                break

    def _is_served(
        self, index: int, connection: HTTPConnection, request: Request, note: Any
    ) -> bool:
        began = time.monotonic()
        status = _status(connection, self._key, request)
        call = self._latest[index] = Call(request[1], status, began, time.monotonic())
        self.calls.append(call)
        if status in SERVED:
            self.acknowledged.add(note)
        return status in SERVED and not self._over.is_set()


def _status(connection: HTTPConnection, key: str, request: Request) -> int:
    method, path, body = request
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return 0
    return answer.status
