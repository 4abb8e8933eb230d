"""A request of several slow statements: all that it waits for together has an end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pulseguard_registry.database import overdue
from tests.registry.events import AGENTS
from tests.registry.problems import assert_problem, everything
from tests.registry.running import RunningRegistry

KEYS = "/api/v1/keys"
PATIENCE_SECONDS = 0.4
# Neither is too long for a statement.
SHORT_SECONDS, LONG_SECONDS = 0.3, 1.5
SLOW = """
CREATE FUNCTION tarry() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(TG_ARGV[0]::float); RETURN NEW; END $$;
"""
SLOW_TABLE = """
CREATE TRIGGER tarry BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION tarry({});
"""


@pytest.fixture
def registry(registry: RunningRegistry) -> RunningRegistry:
    """One in which a change can be slowed down."""
    registry.execute(SLOW)
    return registry


@contextmanager
def impatience() -> Iterator[None]:
    """Callers are owed an answer sooner than usual."""
    assert overdue.ANSWER_SECONDS < 5
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(overdue, "ANSWER_SECONDS", PATIENCE_SECONDS)
        yield


def slow_down(registry: RunningRegistry, table: str, seconds: float) -> None:
    """Let every change of this table take so long."""
    registry.execute(SLOW_TABLE.format(table, seconds))


def test_a_request_whose_statements_together_take_too_long_is_503_and_changes_nothing(
    registry: RunningRegistry,
) -> None:
    before = everything(registry)
    slow_down(registry, "api_keys", SHORT_SECONDS)
    slow_down(registry, "audit_records", LONG_SECONDS)

    began = time.monotonic()
    with impatience():
        answer = registry.post(KEYS, {"name": "late", "role": "viewer"})

    assert time.monotonic() - began < SHORT_SECONDS + LONG_SECONDS
    assert_problem(answer, 503, "did not answer this request in time", "try again")
    assert int(answer.headers["retry-after"]) > 0
    assert registry.get(KEYS).status_code == 200
    assert everything(registry) == before


def test_a_heartbeat_that_would_be_stored_too_late_is_503_and_the_next_is_stored(
    registry: RunningRegistry,
) -> None:
    heartbeat = f"{AGENTS}/{registry.register()['id']}/heartbeat"
    slow_down(registry, "agents", LONG_SECONDS)

    began = time.monotonic()
    with impatience():
        answer = registry.post(heartbeat, {"state": "working"})

    assert time.monotonic() - began < LONG_SECONDS
    assert_problem(answer, 503, "not known to be stored", "takes too long", "try again")
    registry.execute("DROP TRIGGER tarry ON agents")  # waits for what is under way
    assert registry.post(heartbeat, {"state": "idle"}).status_code == 200
