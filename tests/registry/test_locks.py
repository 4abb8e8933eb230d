"""Who changes an agent and who tells of it: neither waits for the other, let alone for ever."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy.orm import Session

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.access.own_keys import create_own_key
from pulseguard_registry.agents.retirement import retire_long_gone
from pulseguard_registry.agents.schemas import AgentRegister
from pulseguard_registry.agents.service import lock_agent, register_agent, retire_agent
from tests.registry.events import ahead, heartbeat
from tests.registry.running import PEPPER, RunningRegistry, eventually, registration

ENROLMENT = Principal(uuid.uuid4(), "enrolment", "enrolment", "production", None, None)


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has agents of its own."""
    return shared_registry


def lock(session: Session, agent_id: str) -> None:
    """As everything does that an operator changes."""
    lock_agent(session, uuid.UUID(agent_id))


def register(session: Session, agent_id: str) -> None:
    """Register the agent again."""
    said = AgentRegister.model_validate(registration("changed"))
    assert register_agent(session, said, ENROLMENT, 45) == (uuid.UUID(agent_id), False)


def retire(session: Session, agent_id: str) -> None:
    """Retire it for having been away."""
    retire_long_gone(session, silent_days=0, stopped_days=1, offline_after_seconds=45)
    assert lock_agent(session, uuid.UUID(agent_id)).retired_at is not None


def event_of(agent_id: str) -> str:
    """Tell anything of an agent; an error where that has to wait."""
    return (
        "SET lock_timeout = '10 ms';"
        f" INSERT INTO agent_events (agent_id, kind) VALUES ('{agent_id}', 'changed')"
    )


def test_a_heartbeat_does_not_wait_for_who_has_told_of_the_agent(registry: RunningRegistry) -> None:
    agent_id = registry.register("told-of")["id"]

    with psycopg.connect(registry.database_url) as connection:
        connection.execute(event_of(agent_id))
        heartbeat(registry, agent_id, state="working")


@pytest.mark.parametrize("change", [lock, register, retire])
def test_who_tells_of_an_agent_does_not_wait_for_who_changes_it(
    registry: RunningRegistry, change: Callable[[Session, str], None]
) -> None:
    agent_id = registry.register("changed")["id"]
    heartbeat(registry, agent_id, goodbye=True)
    registry.execute(
        "UPDATE agent_told SET status = 'OFFLINE', told_at = now() - interval '2 d'"
        f" WHERE agent_id = '{agent_id}'"
    )

    with registry.app.state.database.sessions() as session:
        change(session, agent_id)
        registry.execute(event_of(agent_id))


def test_an_agent_is_enrolled_while_an_operator_retires_another(registry: RunningRegistry) -> None:
    leaving = uuid.UUID(registry.register("leaving")["id"])
    sessions = registry.app.state.database.sessions
    key = {"name": "new", "role": "enrolment", "environment": "production"}
    made = registry.post("/api/v1/keys", {**key, "expires_at": ahead(hours=1)}).json()
    by = replace(ENROLMENT, key_id=uuid.UUID(made["id"]))

    def retire_other() -> None:
        with sessions.begin() as session:
            retire_agent(session, lock_agent(session, leaving))

    with ThreadPoolExecutor(1) as thread, sessions.begin() as session:
        said = AgentRegister.model_validate(registration("coming"))
        agent_id, _ = register_agent(session, said, by, 45)
        retired = thread.submit(retire_other)
        eventually(
            lambda: (
                registry.rows(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
                == [(1,)]
            )
        )
        create_own_key(session, agent_id, "coming", None, by, PEPPER)
        session.commit()
        retired.result()


def test_the_own_keys_of_an_agent_are_locked_in_the_order_of_their_ids(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("two-keys")["id"]
    first, last = (str(uuid.UUID(int=number << 96 | uuid.uuid4().int >> 32)) for number in (1, 2))
    # The last lies first in the table.
    for key_id in (last, first):
        registry.execute(
            "INSERT INTO api_keys (id, name, role, environment, digest, pepper_id, agent_id) VALUES"
            f" ('{key_id}', 'own', 'agent', 'production', '{key_id}', '', '{agent_id}')"
        )
    retire = (
        "SET LOCAL pulseguard.cause = 'operator';"
        f" UPDATE agents SET retired_at = now() WHERE id = '{agent_id}'"
    )
    lock_key = "SELECT FROM api_keys WHERE id = '{}' FOR UPDATE NOWAIT"

    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(registry.database_url) as other,
    ):
        other.execute(lock_key.format(first))
        retired = thread.submit(registry.execute, retire)
        waiting = "SELECT FROM pg_stat_activity WHERE pg_blocking_pids(pid) <> '{}'"
        eventually(lambda: registry.rows(f"{waiting} AND datname = current_database()"))
        other.execute(lock_key.format(last))
        other.commit()
        retired.result()
    revoked = f"SELECT revoked_at IS NULL FROM api_keys WHERE agent_id = '{agent_id}'"
    assert registry.rows(revoked) == [(False,), (False,)]
