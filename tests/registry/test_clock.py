"""One clock for all registries: the database's, however far from it that of their host is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from pulseguard_registry.access import last_use
from tests.registry.conftest import new_database
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, eventually, running_registry, snapshot
from tests.registry.test_midnight import CLOCK

AGENTS = "/api/v1/agents"
KEYS = "/api/v1/keys"


@pytest.fixture(scope="module", params=[2, -2], ids=["ahead", "behind"])
def elsewhen(
    postgres: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningRegistry]:
    """A registry whose database's clock is days ahead of its own, or behind it."""
    with pytest.MonkeyPatch.context() as patched, new_database(postgres, "used") as url:
        patched.setattr(last_use, "WRITE_SECONDS", 0.1)
        with psycopg.connect(url) as connection:
            connection.execute(CLOCK)
            connection.execute("UPDATE moved.clock SET days = %s", [request.param])
        with running_registry(url, tmp_path_factory.mktemp("s")) as one:
            yield one


def moment(registry: RunningRegistry, **ahead: float) -> datetime:
    """The time by the database's clock, and so much later."""
    ((now,),) = registry.rows("SELECT now()")
    return now + timedelta(**ahead)  # type: ignore[no-any-return]


def test_a_key_is_made_for_a_time_by_the_clock_of_the_database(elsewhen: RunningRegistry) -> None:
    def make(role: str, **ahead: float) -> Any:
        end = moment(elsewhen, **ahead).isoformat()
        body = {"name": "new", "role": role, "environment": "production", "expires_at": end}
        return elsewhen.post(KEYS, body)

    assert_problem(make("enrolment", hours=24, minutes=1), 422, "expires_at", "24 h")
    assert_problem(make("enrolment", minutes=-1), 422, "expires_at", "past")
    assert make("agent", minutes=1).status_code == 201


def test_a_key_ends_by_the_clock_of_the_database(elsewhen: RunningRegistry) -> None:
    key = elsewhen.key("viewer", expires_at=moment(elsewhen, minutes=1).isoformat())
    assert elsewhen.get(AGENTS, key).status_code == 200

    elsewhen.execute(
        "UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE name = 'viewer'"
    )

    eventually(lambda: elsewhen.get(AGENTS, key).status_code == 401, 5)


def test_the_last_use_of_a_key_is_dated_by_the_clock_of_the_database(
    elsewhen: RunningRegistry,
) -> None:
    before = moment(elsewhen, seconds=-1)
    key = elsewhen.key("viewer", name="dated")
    assert elsewhen.get(AGENTS, key).status_code == 200

    used = "SELECT last_used_at FROM api_keys WHERE name = 'dated' AND last_used_at IS NOT NULL"
    eventually(lambda: elsewhen.rows(used))

    ((at,),) = elsewhen.rows(used)
    assert before <= at <= moment(elsewhen, seconds=1)


@pytest.mark.parametrize(
    ("ahead", "stored", "status"),
    [
        ({"days": -6}, 1, 200),
        ({"days": -8}, 0, 200),
        ({"hours": 23}, 1, 200),
        ({"hours": 25}, 0, 422),
    ],
    ids=str,
)
def test_a_snapshot_is_too_old_or_ahead_by_the_clock_of_the_database(
    elsewhen: RunningRegistry, ahead: dict[str, float], stored: int, status: int
) -> None:
    path = f"{AGENTS}/{elsewhen.register()['id']}/ai-metrics"

    one = snapshot(moment(elsewhen, **ahead).isoformat())
    answer = elsewhen.post(path, {"snapshots": [one]})

    assert (answer.status_code, answer.json().get("stored", 0)) == (status, stored), answer.text
