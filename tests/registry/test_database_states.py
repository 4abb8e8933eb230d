"""What befalls the whole database is said as a 503 that is worth trying again, never as a 500."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import create_engine

from pulseguard_registry.access import last_use
from pulseguard_registry.access.last_use import LastUse
from pulseguard_registry.database.clock import DatabaseClock
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.engine import Database, with_driver
from pulseguard_registry.database.supervisor import Supervisor
from tests.registry.problems import assert_problem
from tests.registry.running import READY, RunningRegistry, eventually, registration
from tests.registry.test_faults import MORE_THAN_THREADS

AGENTS = "/api/v1/agents"
ALERTS = "/api/v1/alerts"
# Alerts are read, and agents written, by nobody but the requests: the supervisor notices nothing.
_ARMED = """
CREATE TABLE fault (code text NOT NULL);
CREATE FUNCTION befall() RETURNS boolean STABLE LANGUAGE plpgsql AS $$
  DECLARE found text := (SELECT code FROM fault);
  BEGIN
    IF found IS NOT NULL THEN RAISE EXCEPTION 'what was asked for' USING ERRCODE = found; END IF;
    RETURN true;
  END $$;
CREATE FUNCTION befall_write() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN PERFORM befall(); RETURN NEW; END $$;
CREATE TRIGGER befall BEFORE INSERT OR UPDATE ON agents
  FOR EACH ROW EXECUTE FUNCTION befall_write();
ALTER TABLE alerts RENAME TO alerts_kept;
CREATE VIEW alerts AS SELECT * FROM alerts_kept WHERE befall();
"""
SILENT = "did not answer this request in time"
STATES = {
    "25006": "read-only",
    "25P03": "stood still in a transaction",
    "25P04": "ends transactions",
    "28P01": SILENT,
    "3D000": "does not exist any more",
    "40001": SILENT,
    "40P01": SILENT,
    "42501": "lacks a right",
    "53100": "disk is full",
    "53200": "out of memory",
    "53300": "no more connections",
    "55P03": SILENT,
    "57014": SILENT,
    "57P01": "starting or stopping",
    "57P02": "starting or stopping",
    "57P03": "starting or stopping",
    "58030": "disk fails",
    "XX000": "itself has failed",
    "XX001": "itself has failed",
    "XX002": "itself has failed",
}


def assert_worth_another_try(answer: Any, *words: str) -> None:
    """A 503 that says so."""
    assert_problem(answer, 503, *words)
    assert int(answer.headers["retry-after"]) > 0


@pytest.fixture(scope="module")
def armed(shared_registry: RunningRegistry) -> Iterator[tuple[RunningRegistry, str]]:
    """A registry on a database that fails with the code in its table `fault`, and an agent."""
    agent_id = shared_registry.register()["id"]
    shared_registry.execute(_ARMED)
    yield shared_registry, agent_id
    shared_registry.execute("DELETE FROM fault")


@pytest.mark.parametrize("code", STATES)
def test_a_state_of_the_database_is_said_and_worth_another_try(
    armed: tuple[RunningRegistry, str], code: str
) -> None:
    registry, agent_id = armed
    registry.execute(f"DELETE FROM fault; INSERT INTO fault VALUES ('{code}')")

    assert_worth_another_try(registry.get(ALERTS), STATES[code])
    assert_worth_another_try(registry.post(AGENTS, registration("another")), STATES[code])
    for path, body in (
        (f"{AGENTS}/{agent_id}/heartbeat", {}),
        ("/api/v1/heartbeats", {"heartbeats": [{"agent_id": agent_id}]}),
    ):
        assert_worth_another_try(registry.post(path, body), "not known to be stored")

    registry.execute("DELETE FROM fault")
    assert registry.get(ALERTS).status_code == 200
    assert registry.post(f"{AGENTS}/{agent_id}/heartbeat", {}).status_code == 200


def test_a_defect_of_ours_is_still_a_500(armed: tuple[RunningRegistry, str]) -> None:
    registry, _ = armed
    registry.execute("DELETE FROM fault; INSERT INTO fault VALUES ('42P01')")

    assert_problem(registry.get(ALERTS), 500, "an error of ours")


def test_a_database_that_became_read_only_is_said_and_a_writable_one_looked_for(
    postgres: str, registry: RunningRegistry
) -> None:
    agent_id = registry.register()["id"]
    requests: tuple[tuple[str, dict[str, Any]], ...] = (
        (AGENTS, registration("another")),
        (f"{AGENTS}/{agent_id}/heartbeat", {}),
    )

    name = urlsplit(registry.database_url).path[1:]

    def set_read_only(is_so: str) -> None:
        with psycopg.connect(postgres) as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {is_so}")

    # A standby that took over no connection: those who connect from now on cannot write.
    set_read_only("on")
    registry.app.state.database.break_off()
    for path, body in requests:
        assert_worth_another_try(registry.post(path, body), "read-only")
    set_read_only("off")
    for path, body in requests:
        assert registry.post(path, body).status_code < 300

    # One that ends all connections, as a primary does that becomes a standby.
    set_read_only("on")
    registry.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    eventually(lambda: "read-only" in str(registry.app.state.supervisor.trouble))
    assert_worth_another_try(registry.get(READY), "read-only", name)
    set_read_only("off")
    eventually(lambda: registry.get(READY).status_code == 200, 5)
    # The connection of the heartbeats shows that it has ended when the next one is sent.
    registry.post(*requests[1])
    for path, body in requests:
        assert registry.post(path, body).status_code < 300


def test_a_refusal_waits_for_no_thread_while_all_wait_for_the_database(
    registry: RunningRegistry,
) -> None:
    with psycopg.connect(registry.database_url) as other, ThreadPoolExecutor(99) as pool:
        path = f"{AGENTS}/{registry.register()['id']}/events"
        other.execute("LOCK TABLE agent_events IN ACCESS EXCLUSIVE MODE")
        waiting = [pool.submit(registry.get, path) for _ in range(MORE_THAN_THREADS)]

        assert registry.get("/metrics", "no key").status_code == 401
        assert not any(each.done() for each in waiting)
        other.rollback()


def test_background_work_outlives_that_requests_hold_all_connections(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_use, "WRITE_SECONDS", 0.01)
    database = Database(database_url)
    database.engine = create_engine(
        with_driver(database_url), pool_size=1, max_overflow=0, pool_timeout=0.05
    )
    used = LastUse(database, DatabaseClock())
    used.note(uuid.uuid4())
    supervisor = Supervisor(
        database,
        place_of(database_url),
        prepare=lambda: database.engine.connect().close(),
        followers=(),
    )

    async def run_both() -> None:
        works = [asyncio.create_task(supervisor.run()), asyncio.create_task(used.run(lambda: True))]
        try:
            with database.engine.connect():
                done, _ = await asyncio.wait(works, timeout=0.5)
                assert not done, done
            await asyncio.to_thread(eventually, lambda: supervisor.trouble is None)
        finally:
            for work in works:
                work.cancel()
            await asyncio.wait(works)
            database.engine.dispose()

    asyncio.run(run_both())
