"""Clients that call registries without a pause, and remember what they were answered."""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from pulseguard_registry.agents import identity
from tests.registry.notifications import WEBHOOK, alert, notification, resolved
from tests.registry.running import eventually, registration, snapshot

SECONDS_A_CALL = 10
# What a client waits after it was not served.
SECONDS_TO_NEXT_TRY = 0.02
SERVED = (200, 201)
# The rate limit of a registry that one key asks for a whole crowd.
UNLIMITED = "100000"
AGENTS = "/api/v1/agents"
KEYS = "/api/v1/keys"


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
# What to note when it is served, by what is answered.
Note = Callable[[bytes], object]


class Crowd:
    """Each client is a thread with a connection of its own; who is not served asks the next URL.

    `acknowledged` is the ledger: what the registries said is stored, as `ledger.py` tells it of the
    database. `configured` is the last number of each agent's configuration that they said so of: it
    only grows.
    """

    def __init__(self, urls: Sequence[str], key: str) -> None:
        self.calls: list[Call] = []
        self.acknowledged: set[Any] = set()
        self.configured: dict[uuid.UUID, int] = {}
        self._addresses = [urlsplit(url).netloc for url in urls]
        self._key = key
        self._latest: dict[int, Call] = {}
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def beat(self, agent_id: uuid.UUID) -> None:
        """A client that sends heartbeats, each with a snapshot; noted as (id, taken_at)."""

        def requests() -> Iterator[tuple[Request, Note]]:
            path = f"{AGENTS}/{agent_id}/heartbeat"
            for taken_at in _moments():
                yield ("POST", path, _beat(taken_at)), self._noting((agent_id, taken_at))

        self._add(requests())

    def beat_in_bulk(self, agent_ids: Sequence[uuid.UUID]) -> None:
        """A client that sends those of many agents in one request, noted likewise."""

        def requests() -> Iterator[tuple[Request, Note]]:
            for taken_at in _moments():
                beats = [{"agent_id": str(each), **_beat(taken_at)} for each in agent_ids]
                noted = self._noting(*((each, taken_at) for each in agent_ids))
                yield ("POST", "/api/v1/heartbeats", {"heartbeats": beats}), noted

        self._add(requests())

    def register(self, key: str | None = None) -> None:
        """A client that registers agents, noted by their names; with a key of its own, if any."""
        requests = (
            (("POST", AGENTS, registration(name)), self._noting(name))
            for name in _names("newcomer")
        )
        self._add(requests, key)

    def retire_and_restore(self) -> None:
        """A client that registers agents, retires and restores each, noted as (id, what)."""

        def requests() -> Iterator[tuple[Request, Note]]:
            for name in _names("leaver"):
                yield ("POST", AGENTS, registration(name)), self._noting(name)
                agent_id = _id_of(name)
                path, retired = f"{AGENTS}/{agent_id}", (agent_id, "retired")
                if name in self.acknowledged:
                    yield ("DELETE", path, None), self._noting(retired)
                if retired in self.acknowledged:
                    restored = self._noting((agent_id, "restored"))
                    yield ("POST", f"{path}/restore", None), restored

        self._add(requests())

    def make_and_revoke_keys(self) -> None:
        """A client that makes keys and revokes each, noted as (id, what)."""
        made: list[str] = []

        def requests() -> Iterator[tuple[Request, Note]]:
            while True:
                yield ("POST", KEYS, {"name": "of a crowd", "role": "viewer"}), note
                while made:
                    key_id = made.pop()
                    revoked = self._noting((uuid.UUID(key_id), "revoked"))
                    yield ("DELETE", f"{KEYS}/{key_id}", None), revoked

        def note(body: bytes) -> None:
            made.append(json.loads(body)["id"])
            self.acknowledged.add((uuid.UUID(made[-1]), "made"))

        self._add(requests())

    def tell_alerts(self) -> None:
        """A client that tells of alerts, each first firing and then resolved, noted as
        (fingerprint, status)."""

        def requests() -> Iterator[tuple[Request, Note]]:
            for fingerprint in _names("alert"):
                for told in (alert(fingerprint=fingerprint), resolved(fingerprint=fingerprint)):
                    noted = self._noting((fingerprint, told["status"]))
                    yield ("POST", WEBHOOK, notification(told)), noted

        self._add(requests())

    def configure(self, agent_id: uuid.UUID) -> None:
        """A client that changes version and configuration of an agent to the next number, noted as
        (id, version), as the events tell it."""

        def requests() -> Iterator[tuple[Request, Note]]:
            for number in itertools.count(1):
                body = {"version": str(number), "config": {"number": number}}
                yield ("PATCH", f"{AGENTS}/{agent_id}", body), partial(note, number)

        def note(number: int, _: bytes) -> None:
            self.acknowledged.add((agent_id, str(number)))
            self.configured[agent_id] = number

        self._add(requests())

    def read(self, path: str) -> None:
        """A client that reads; there is nothing to note."""
        self._add(itertools.repeat((("GET", path, None), self._noting())))

    def wait_for_writes(self, count: int = 50) -> None:
        """Wait until so much more was acknowledged."""
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

    def _noting(self, *notes: object) -> Note:
        return lambda _: self.acknowledged.update(notes)

    def _add(self, requests: Iterator[tuple[Request, Note]], key: str | None = None) -> None:
        client = (len(self._threads), requests, key or self._key)
        self._threads.append(threading.Thread(target=self._run, args=client))

    def _run(self, index: int, requests: Iterator[tuple[Request, Note]], key: str) -> None:
        for number in itertools.count(index):
            address = self._addresses[number % len(self._addresses)]
            with closing(HTTPConnection(address, timeout=SECONDS_A_CALL)) as connection:
                while self._is_served(index, connection, key, *next(requests)):
                    pass
            if self._over.wait(SECONDS_TO_NEXT_TRY):
                break

    def _is_served(
        self, index: int, connection: HTTPConnection, key: str, request: Request, note: Note
    ) -> bool:
        began = time.monotonic()
        status, body = _answer(connection, key, request)
        call = self._latest[index] = Call(request[1], status, began, time.monotonic())
        self.calls.append(call)
        if status in SERVED:
            note(body)
        return status in SERVED and not self._over.is_set()


def _names(kind: str) -> Iterator[str]:
    return (f"{kind}-{uuid.uuid4().hex}" for _ in itertools.count())


def _id_of(name: str) -> uuid.UUID:
    said = registration(name)
    return identity.agent_id(said["environment"], name, said["instance"])


def _moments() -> Iterator[datetime]:
    start = datetime.now(UTC).replace(microsecond=0)
    return (start + timedelta(milliseconds=number) for number in itertools.count())


def _beat(taken_at: datetime) -> dict[str, Any]:
    return {"state": "working", "snapshot": snapshot(taken_at.isoformat())}


def _answer(connection: HTTPConnection, key: str, request: Request) -> tuple[int, bytes]:
    method, path, body = request
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if method == "PATCH":
        headers["If-Match"] = "*"
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return 0, b""
