"""The target list of 10,000 agents: served, and rebuilt after a change."""

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from fastapi import FastAPI
from sqlalchemy import create_engine
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from bench.rounds import Amount, Result, scaled
from pulseguard_registry.app import create_app
from pulseguard_registry.database.connecting import connect
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import upgrade
from pulseguard_registry.discovery.follower import TargetFollower
from pulseguard_registry.embedded import EmbeddedPostgres
from pulseguard_registry.settings import Settings

AGENTS = 10_000
ROUNDS = 40
BEAT_SECONDS = 0.001
INSERT = f"""
INSERT INTO agents (id, name, instance, environment, team, type, deployment_type, metrics_address,
                    labels, last_seen_at)
SELECT gen_random_uuid(), 'agent-' || n % 100, 'web-' || n, 'production', 'finance', 'LLM_AGENT',
       'LOCAL', '127.0.0.1:' || 10000 + n, '{{"region": "eu"}}', now()
  FROM generate_series(1, {AGENTS}) AS n
"""
CHANGE = "UPDATE agents SET version = version || '.', team = %s WHERE instance = 'web-1'"


def run() -> Iterator[Result]:
    """Each by itself: what is promised are milliseconds."""
    with _database() as url:
        rebuilt, blocked = asyncio.run(_rebuilt(url))
        yield Amount("target list of 10,000 agents rebuilt", "ms", scaled(rebuilt, 1e3), 50)
        yield Amount("event loop held up meanwhile", "ms", scaled(blocked, 1e3), 10)
        for path, name, limit in (
            ("/api/v1/discovery/targets", "target list of 10,000 agents served", 2.0),
            ("/metrics/agents", "status of 10,000 agents served", None),
        ):
            yield Amount(name, "ms", scaled(_served(url, path), 1e3), limit)


@contextmanager
def _database() -> Iterator[str]:
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


async def _rebuilt(url: str) -> tuple[list[float], list[float]]:
    """Seconds of each rebuild after one agent has changed, and the longest pause of the loop."""
    follower = TargetFollower((), 900)
    connection = await connect(url)
    seconds, pauses = [], []
    async with connection:
        await _reload(follower, connection)
        for number in range(ROUNDS):
            await connection.execute(CHANGE, [f"team-{number}"])
            longest = [0.0]
            beating = asyncio.create_task(_beat(longest))
            began = time.perf_counter()
            await _reload(follower, connection)
            seconds.append(time.perf_counter() - began)
            beating.cancel()
            pauses.append(longest[0])
    assert follower.current is not None
    assert follower.current.count == AGENTS
    return seconds, pauses


async def _reload(follower: TargetFollower, connection: psycopg.AsyncConnection) -> None:
    async with connection.transaction():
        await follower.reload(connection)


async def _beat(longest: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(BEAT_SECONDS)
        longest[0] = max(longest[0], time.perf_counter() - began - BEAT_SECONDS)


def _served(url: str, path: str) -> list[float]:
    """Seconds from a request to its answer, without a network."""
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-bench-"))
    app = create_app(
        Settings(data_dir=folder), url, secrets.token_hex(), folder, new_admin_key=True
    )
    try:
        with TestClient(app) as client:
            while client.get("/api/v1/health/ready").status_code != 200:
                time.sleep(0.05)
            key = (folder / "admin.key").read_text(encoding="utf-8").strip()
            scope = _scope(path, key)
            assert client.portal is not None
            return [client.portal.call(_seconds, app, scope) for _ in range(ROUNDS)]
    finally:
        shutil.rmtree(folder)


def _scope(path: str, key: str) -> Scope:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {key}".encode())],
    }


async def _seconds(app: FastAPI, scope: Scope) -> float:
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    began = time.perf_counter()
    await app({**scope}, receive, send)
    seconds = time.perf_counter() - began
    assert statuses == [200]
    return seconds
