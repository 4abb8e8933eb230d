"""Audit: every change leaves one record, nothing else does, and nobody can take it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from pulseguard_registry import upkeep
from pulseguard_registry.audit.recording import NOT_AUDITED, SAFE_METHODS
from pulseguard_registry.heartbeats import bulk
from pulseguard_registry.heartbeats.routes import router as hot_path
from tests.registry.conftest import new_database
from tests.registry.problems import assert_problem
from tests.registry.requests import CALLS, Call
from tests.registry.running import RunningRegistry, eventually, registration, running_registry

AUDIT = "/api/v1/audit"
HOT = {route.path for route in (*hot_path.routes, *bulk.router.routes) if hasattr(route, "path")}
CHECKS = {
    f"/api/v1/{path}"
    for path in (
        "agents/check",
        "alert-rules/check",
        "alert-rules/preview",
        "rule-groups/check",
        "rule-templates/{template_id}/build",
    )
}
CHANGES_NOTHING = NOT_AUDITED | HOT | CHECKS


def records(registry: RunningRegistry, **filters: str) -> list[dict[str, Any]]:
    """The records as an admin lists them, the newest first."""
    answer = registry.get(AUDIT, params=filters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_change_leaves_one_record_and_nothing_else_leaves_any(
    shared_registry: RunningRegistry, call: Call
) -> None:
    target = call.target(shared_registry)
    last = records(shared_registry)[0]["id"]

    call.send(shared_registry, target, key="")
    if call.body is not None:
        call.send(shared_registry, target, json={"wrong": 1})
    answer = call.send(shared_registry, target, headers={"X-Request-ID": "this-one"})

    assert call.is_taken(answer), answer.text
    new = [record for record in records(shared_registry) if record["id"] > last]
    if call.method in SAFE_METHODS or call.template in CHANGES_NOTHING:
        assert new == []
        return
    (record,) = new
    assert record["request_id"] == "this-one"
    assert record["route"] == call.template
    assert record["object_type"] == call.template.split("/")[3]
    named = call.path(target).split("/")[4:5] if "{" in call.template else []
    assert record["object_id"] == (named[0] if named else answer.json().get("id", ""))
    assert (record["method"], record["status"]) == (call.method, answer.status_code)
    assert (record["key_name"], record["role"]) == ("first admin", "admin")


def test_a_change_that_is_refused_or_fails_leaves_none(registry: RunningRegistry) -> None:
    agent_key = registry.key("agent", environment="production", team="finance")
    registry.register(team="sales")
    before = registry.rows("SELECT id FROM audit_records")
    registry.execute("ALTER TABLE agents ADD CHECK (name <> 'unwanted')")

    refused = registry.post("/api/v1/agents", registration(team="finance"), agent_key)
    failed = registry.post("/api/v1/agents", registration("unwanted"))

    assert (refused.status_code, failed.status_code) == (403, 500)
    assert registry.rows("SELECT id FROM audit_records") == before


def test_a_change_is_not_made_where_its_record_cannot_be_kept(registry: RunningRegistry) -> None:
    registry.execute("ALTER TABLE audit_records ADD CHECK (method <> 'POST') NOT VALID")

    assert registry.post("/api/v1/agents", registration()).status_code == 500
    assert registry.rows("SELECT * FROM agents") == []


def test_records_are_listed_by_key_object_and_time_a_page_at_a_time(
    registry: RunningRegistry,
) -> None:
    key = registry.post("/api/v1/keys", {"name": "ops", "role": "editor"}).json()
    agents = [registry.register(f"agent {number}", key["key"])["id"] for number in range(5)]
    registry.delete(f"/api/v1/agents/{agents[0]}")

    of_agent = records(registry, object_type="agents", object_id=agents[0])
    assert [record["method"] for record in of_agent] == ["DELETE", "POST"]
    by_key = records(registry, key_id=key["id"])
    assert [record["object_id"] for record in by_key] == agents[::-1]
    assert {record["key_name"] for record in by_key} == {"ops"}
    third = by_key[2]["recorded_at"]
    assert records(registry, key_id=key["id"], since=third) == by_key[:3]
    assert records(registry, key_id=key["id"], until=third) == by_key[3:]
    listed: list[Any] = []
    cursor: dict[str, int] = {}
    while len(listed) < 5:
        page = registry.get(AUDIT, params={"key_id": key["id"], "limit": 2, **cursor}).json()
        listed += page["items"]
        cursor = {"cursor": page["next_cursor"]}
    assert listed == by_key
    assert cursor == {"cursor": None}
    assert_problem(registry.get(AUDIT, params={"since": "soon"}), 422, "since", "soon")


def test_records_hold_no_secret_and_no_body(registry: RunningRegistry) -> None:
    key = registry.key("agent", environment="a very special environment")

    (text,) = registry.rows("SELECT string_agg(r::text, ' ') FROM audit_records r")
    assert "special" not in text[0]
    assert key not in text[0]
    assert registry.admin not in text[0]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_records SET key_name = 'somebody else'",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
        "SET pulseguard.audit_retention_days = 90; DELETE FROM audit_records",
    ],
)
def test_a_record_is_not_changed_by_anybody(
    shared_registry: RunningRegistry, statement: str
) -> None:
    shared_registry.register()
    before = records(shared_registry)

    with pytest.raises(psycopg.errors.RaiseException, match="not changed"):
        shared_registry.execute(statement)

    assert records(shared_registry) == before


# Two who are not to be dropped yet.
OLD_RECORDS = """
INSERT INTO audit_records (recorded_at, key_name, role, method, route, object_type, object_id,
                           status, request_id)
SELECT now() - make_interval(days => age), age::text, '', 'PUT', '/', '', '', 200, ''
  FROM unnest(ARRAY[1, 89, 91, 92, 93, 400, 401]) AS age
"""

FEW_AT_ONCE = """
CREATE FUNCTION few() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN ASSERT (SELECT count(*) <= 2 FROM gone); RETURN NULL; END $$;
CREATE TRIGGER few AFTER DELETE ON audit_records REFERENCING OLD TABLE AS gone
  EXECUTE FUNCTION few();
"""


@pytest.fixture
def dropping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records are dropped often, and few at a time."""
    monkeypatch.setattr(upkeep, "RECORDS_SECONDS", 0.02)
    monkeypatch.setattr(upkeep, "RECORDS_AT_ONCE", 2)


@pytest.mark.usefixtures("dropping")
def test_records_are_dropped_after_their_time_a_few_at_a_time(registry: RunningRegistry) -> None:
    registry.execute(FEW_AT_ONCE)
    registry.execute(OLD_RECORDS)

    eventually(lambda: len(records(registry)) == 3)

    assert [record["key_name"] for record in records(registry)] == [
        "89",
        "1",
        "start of the registry",
    ]


@pytest.mark.usefixtures("dropping")
def test_a_registry_is_ready_though_no_record_can_be_dropped(
    postgres: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with new_database(postgres, "used") as url:
        with psycopg.connect(url) as connection:
            connection.execute(OLD_RECORDS)
            # As where there are so many that PostgreSQL takes longer than a statement may.
            connection.execute(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE query_canceled; END $$;"
                " CREATE TRIGGER fail BEFORE DELETE ON audit_records EXECUTE FUNCTION fail()"
            )
        with running_registry(url, tmp_path) as registry:
            eventually(lambda: "audit records were not dropped this time" in caplog.text)
            assert len(records(registry)) > 7
