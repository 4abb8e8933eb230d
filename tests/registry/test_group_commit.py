"""The group commit: order, durability, and one bad write among good ones."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from sqlalchemy import text

from pulseguard_registry.database.connecting import connect
from pulseguard_registry.errors import DatabaseUnavailable, WriteRefused
from pulseguard_registry.events.watching import tell_status_changes
from pulseguard_registry.heartbeats import group_commit
from pulseguard_registry.heartbeats.group_commit import Answer, GroupCommit
from pulseguard_registry.heartbeats.statement import Outcome, Write, store
from pulseguard_registry.snapshots.schemas import Snapshot
from tests.registry.conftest import engine_of
from tests.registry.notifications import alert, tell
from tests.registry.proxy import door
from tests.registry.running import RunningRegistry


def write(agent_id: str, **changed: Any) -> Write:
    """A heartbeat, unbound."""
    fields = {"environment": None, "team": None, "state": "idle", "goodbye": False, "snapshots": ()}
    return Write(agent_id=uuid.UUID(agent_id), **(fields | changed))


def hostile_snapshot() -> Snapshot:
    """One that slipped past every check: PostgreSQL has no such number."""
    return Snapshot.model_construct(
        **Snapshot(taken_at=datetime.now(UTC), interval_seconds=1).model_dump(exclude={"tokens"})
        | {"tokens": Snapshot(taken_at=datetime.now(UTC), interval_seconds=1).tokens}
        | {"model_calls": -1}
    )


async def with_connection(url: str, writes: list[Write]) -> list[Outcome]:
    """Store one batch on a connection of its own."""
    connection: AsyncConnection[Any] = await connect(url)
    async with connection:
        return await store(connection, writes)


async def submit_all(url: str, writes: list[Write], rounds: int = 1) -> list[Any]:
    """Submit all at once, through two group commits as of two registries."""
    commits = [GroupCommit(partial(connect, url), lambda _: None) for _ in range(2)]
    tasks = [asyncio.create_task(commit.run()) for commit in commits]
    try:
        results: list[Any] = []
        for _ in range(rounds):
            one = [commits[0].submit(each) for each in writes]
            other = [commits[1].submit(each) for each in reversed(writes)]
            results += await asyncio.gather(*one, *other, return_exceptions=True)
        return results
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def test_the_last_heartbeat_of_an_agent_in_a_batch_counts(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    states = ["idle", "working", "failed"]

    outcomes = asyncio.run(
        with_connection(registry.database_url, [write(agent_id, state=state) for state in states])
    )

    assert outcomes == [Outcome(True, 0)] * 3
    assert registry.rows("SELECT state FROM agents") == [("failed",)]


def test_one_write_that_postgresql_refuses_does_not_fail_the_others(
    registry: RunningRegistry,
) -> None:
    agents = [registry.register(f"agent-{number}")["id"] for number in range(5)]
    writes = [write(agent_id, state="working") for agent_id in agents]
    writes[2] = write(agents[2], snapshots=(hostile_snapshot(),))

    results = asyncio.run(submit_all(registry.database_url, writes))

    refused = [result for result in results if isinstance(result, WriteRefused)]
    assert len(refused) == 2  # once at each registry
    assert [result for result in results if result not in refused] == [Outcome(True, 0)] * 8
    assert registry.rows("SELECT count(*) FROM agents WHERE state = 'working'") == [(4,)]


def test_one_refused_write_of_a_request_harms_no_other_of_it(registry: RunningRegistry) -> None:
    agents = [registry.register(f"agent-{number}")["id"] for number in range(9)]
    writes = [write(agent_id, state="working") for agent_id in agents]
    for index in (0, 5):
        writes[index] = write(agents[index], snapshots=(hostile_snapshot(),))

    async def submit() -> Sequence[Answer]:
        commit = GroupCommit(partial(connect, registry.database_url), lambda _: None)
        task = asyncio.create_task(commit.run())
        answers = await commit.submit_all(writes)
        task.cancel()
        await asyncio.wait({task})
        return answers

    answers = asyncio.run(submit())

    assert [isinstance(answer, WriteRefused) for answer in answers] == [
        index in (0, 5) for index in range(9)
    ]
    assert registry.rows("SELECT count(*) FROM agents WHERE state = 'working'") == [(7,)]


def tell_statuses(url: str, is_over: Event) -> int:
    """Tell all agents' statuses until it is over, as the registry that watches does, and other
    events in the wrong order; how often."""
    stale = text("UPDATE agent_told SET status = 'STALE'")
    backwards = text(
        "INSERT INTO agent_events (agent_id, kind)"
        " SELECT id, 'changed' FROM agents ORDER BY id DESC"
    )
    told = 0
    with engine_of(url) as engine:
        while not is_over.is_set():
            for statement in (stale, backwards):
                with engine.begin() as connection:
                    connection.execute(statement)
            with engine.begin() as connection:
                tell_status_changes(connection, 45)
            told += 1
    return told


def tell_alerts(registry: RunningRegistry, agents: list[str], is_over: Event) -> int:
    """Tell an alert of each agent until it is over, as Alertmanager does; how often."""
    told = 0
    while not is_over.is_set():
        alerts = [
            alert(fingerprint=uuid.uuid4().hex[:16], labels={"agent_id": agent_id})
            for agent_id in agents
        ]
        assert tell(registry, *alerts) == (len(agents), 0)
        told += 1
    return told


def test_two_registries_who_watches_and_alertmanager_do_not_get_in_each_others_way(
    registry: RunningRegistry,
) -> None:
    # So many that one is still locking when the other begins.
    added = """
        INSERT INTO agents (id, name, instance, environment, type, deployment_type)
        SELECT gen_random_uuid(), n, n, n, 'CUSTOM', 'LOCAL' FROM generate_series(1, 400) n
    """
    registry.execute(added)
    agents = [str(agent_id) for (agent_id,) in registry.rows("SELECT id FROM agents")]
    writes = [write(agent_id) for agent_id in agents]
    is_over = Event()

    with ThreadPoolExecutor(2) as threads:
        statuses = threads.submit(tell_statuses, registry.database_url, is_over)
        alerts = threads.submit(tell_alerts, registry, agents, is_over)
        try:
            results = asyncio.run(submit_all(registry.database_url, writes, rounds=10))
        finally:
            is_over.set()

    assert results == [Outcome(True, 0)] * (400 * 2 * 10)
    assert min(statuses.result(), alerts.result()) > 1
    assert registry.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ) == [(0,)]


@contextmanager
def silent_once_connected(url: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """A URL of the same database, and what has all connections over it fall silent."""
    split = urlsplit(url)
    with door(Path(parse_qs(split.query)["host"][0]) / ".s.PGSQL.5432", "open") as way:
        over_it = f"postgresql://postgres@127.0.0.1:{way.port}{split.path}"
        yield over_it, lambda: way.set("black hole")


def test_a_silent_database_costs_a_write_the_deadline_and_the_end_no_more_than_a_second(
    registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write(registry.register()["id"])
    monkeypatch.setattr(group_commit, "COMMIT_SECONDS", 0.3)

    async def ended(task: asyncio.Task[None]) -> float:
        began = time.monotonic()
        task.cancel()
        _, unfinished = await asyncio.wait({task}, timeout=5)
        assert not unfinished
        return time.monotonic() - began

    async def seconds_of_write_and_end(url: str, fall_silent: Callable[[], None]) -> list[float]:
        commit = GroupCommit(partial(connect, url), lambda _: None)
        task = asyncio.create_task(commit.run())
        assert await commit.submit(one) == Outcome(True, 0)
        fall_silent()
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match="no answer from PostgreSQL"):
            await commit.submit(one)
        told = time.monotonic()
        return [told - began, await ended(task)]

    async def seconds_of_end(url: str, fall_silent: Callable[[], None]) -> float:
        connecting = asyncio.ensure_future(connect(url))
        commit = GroupCommit(lambda: connecting, lambda _: None)
        task = asyncio.create_task(commit.run())
        assert await commit.submit(one) == Outcome(True, 0)
        fall_silent()
        waiting = asyncio.ensure_future(commit.submit(one))
        async with asyncio.timeout(5):
            while connecting.result().info.transaction_status != TransactionStatus.ACTIVE:
                await asyncio.sleep(0)
        seconds = await ended(task)
        with pytest.raises(DatabaseUnavailable):
            await asyncio.wait_for(waiting, 1)
        return seconds

    with silent_once_connected(registry.database_url) as (url, fall_silent):
        write_seconds, idle_end = asyncio.run(seconds_of_write_and_end(url, fall_silent))
    monkeypatch.undo()
    with silent_once_connected(registry.database_url) as (url, fall_silent):
        end = asyncio.run(seconds_of_end(url, fall_silent))

    assert 0.3 <= write_seconds < 0.8
    assert max(end, idle_end) < 1


@pytest.mark.parametrize("default", ["off", "local"])
def test_an_acknowledged_write_is_durable_whatever_the_servers_default(
    registry: RunningRegistry, default: str
) -> None:
    agent_id = registry.register()["id"]
    registry.execute(
        f"""
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = {default}',
                                   current_database()); END $$;
        CREATE TABLE seen (setting text);
        CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO seen VALUES (TG_OP || ' ' || current_setting('synchronous_commit'));
            RETURN NULL;
        END $$;
        CREATE TRIGGER look AFTER INSERT OR UPDATE ON agents EXECUTE FUNCTION look()
        """
    )

    registry.app.state.database.break_off()  # those that connect from now on have the default

    asyncio.run(with_connection(registry.database_url, [write(agent_id)]))
    registry.register("another")

    seen = registry.rows("SELECT DISTINCT setting FROM seen ORDER BY setting")
    assert seen == [("INSERT on",), ("UPDATE on",)]


def test_a_batch_looks_at_no_agents_but_its_own(registry: RunningRegistry) -> None:
    agents = [registry.register(f"agent-{number}")["id"] for number in range(40)]
    read = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'agents'"
    [(before,)] = registry.rows(read)

    # So often that PostgreSQL keeps one plan for all; the statistics say that the table is empty.
    asyncio.run(submit_all(registry.database_url, [write(agent_id) for agent_id in agents], 20))

    [(after,)] = registry.rows(read)
    assert after - before < 20 * len(agents)


def test_a_bound_holds_whatever_characters_it_has(registry: RunningRegistry) -> None:
    names = ["NULL", 'say "no"', "back\\slash", "{a,b}", "'quoted'", " ", "ünïcode"]
    agents = [
        registry.register(environment=f"e {name}", team=name.strip() or "none") for name in names
    ]
    bounds = [(agent["environment"], agent["team"]) for agent in agents]
    writes = [
        write(agent["id"], environment=environment, team=team)
        for agent in agents
        for environment, team in bounds
    ]

    outcomes = asyncio.run(with_connection(registry.database_url, writes))

    own = [(agent["environment"], agent["team"]) == bound for agent in agents for bound in bounds]
    assert [outcome.found for outcome in outcomes] == own
