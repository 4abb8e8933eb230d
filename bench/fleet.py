"""A fleet in a database of its own, and a registry in this process that serves it."""

import asyncio
import gc
import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI
from sqlalchemy import create_engine
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from pulseguard_registry.app import create_app
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import upgrade
from pulseguard_registry.embedded import EmbeddedPostgres
from pulseguard_registry.settings import Settings

AGENTS = 10_000
INSERT = f"""
INSERT INTO agents (id, name, instance, environment, team, type, deployment_type, metrics_address,
                    host, labels, last_seen_at)
SELECT md5(n::text)::uuid, 'agent-' || n % 100, 'web-' || n, 'production', 'finance', 'LLM_AGENT',
       'LOCAL', '127.0.0.1:' || 10000 + n, 'host-' || n % 200, '{{"region": "eu"}}', now()
  FROM generate_series(1, {AGENTS}) AS n
"""
READY_SECONDS = 30
# Nobody beats meanwhile: so long all of them count as alive, as they mostly are.
ALIVE_SECONDS = 3600


@dataclass(frozen=True)
class Request:
    """What is asked of the registry, and the statuses of an answer that holds."""

    method: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (200, 201, 204)


@dataclass(frozen=True)
class Answer:
    """An answer, and the seconds until the first and the last part of its body."""

    first_seconds: float
    seconds: float
    body: bytes


class Registry:
    """Answers in this process: what is measured is its own work, without a network."""

    def __init__(self, app: FastAPI, client: TestClient, key: str) -> None:
        self.app = app
        self._client = client
        self._key = key

    def seconds(self, request: Request) -> float:
        """From the request to the last byte of its answer."""
        return self.ask(request).seconds

    def ask(self, request: Request) -> Answer:
        """What the registry answers, whole."""
        assert self._client.portal is not None
        answer: Answer = self._client.portal.call(_answered, self.app, self._key, request)
        return answer


@contextmanager
def fleet_database() -> Iterator[str]:
    """The URL of a migrated database with ten thousand agents."""
    # Under the system's folder: as root the server runs as another user, who must reach it.
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-bench-"))
    server = EmbeddedPostgres(folder)
    try:
        url = server.start()
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        upgrade(engine, place_of(url))
        engine.dispose()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(INSERT.encode())
            connection.execute("ANALYZE")
        yield url
    finally:
        server.stop()
        shutil.rmtree(folder)


@contextmanager
def serving(url: str) -> Iterator[Registry]:
    """A registry on this database, ready, with an admin's key."""
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-bench-"))
    app = create_app(
        Settings(data_dir=folder, offline_after_seconds=ALIVE_SECONDS),
        url,
        secrets.token_hex(),
        folder,
        new_admin_key=True,
    )
    try:
        with TestClient(app) as client:
            _wait_until_ready(client)
            gc.freeze()  # as the registry does when it is started
            key = (folder / "admin.key").read_text(encoding="utf-8").strip()
            yield Registry(app, client, key)
    finally:
        shutil.rmtree(folder)


def _wait_until_ready(client: TestClient) -> None:
    until = time.monotonic() + READY_SECONDS
    while client.get("/api/v1/health/ready").status_code != 200:
        if time.monotonic() > until:
            raise RuntimeError(f"the registry is not ready after {READY_SECONDS} s")
        time.sleep(0.05)


async def _answered(app: FastAPI, key: str, request: Request) -> Answer:
    body = b"" if request.body is None else json.dumps(request.body).encode()
    told: list[Message] = []
    told_at: list[float] = []
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not sent:
            await asyncio.Event().wait()  # the client stays until it has its answer
        return sent.pop()

    async def send(message: Message) -> None:
        told.append(message)
        told_at.append(time.perf_counter())

    scope = _scope(request, key, len(body))
    began = time.perf_counter()
    await app(scope, receive, send)
    seconds = time.perf_counter() - began
    text = b"".join(message.get("body", b"") for message in told[1:])
    assert told[0]["status"] in request.statuses, (request, told[0]["status"], text[:500])
    return Answer(told_at[1] - began, seconds, text)


def _scope(request: Request, key: str, length: int) -> Scope:
    path, _, query = request.path.partition("?")
    headers: dict[str, Any] = {"authorization": f"Bearer {key}", **request.headers}
    if request.body is not None:
        headers |= {"content-type": "application/json", "content-length": str(length)}
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
