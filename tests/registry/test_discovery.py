"""Discovery: the list that Prometheus gets, and when it gets none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psycopg
import pytest
from pydantic import ValidationError

from pulseguard_registry.database import connecting, supervisor
from pulseguard_registry.discovery.targets import Target, render_targets
from pulseguard_registry.settings import Settings
from tests.registry.running import RunningRegistry, eventually, running_registry

TARGETS = "/api/v1/discovery/targets"


def test_a_registered_agent_is_a_target_with_its_identity(registry: RunningRegistry) -> None:
    agent = registry.register(team="finance", labels={"region": "eu"})
    eventually(lambda: len(registry.targets()) == 1)

    answer = registry.get(TARGETS, registry.key("prometheus"))

    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [
        {
            "targets": ["127.0.0.1:9464"],
            "labels": {
                "agent_id": agent["id"],
                "agent": "invoice-bot",
                "instance": "web-1-0",
                "agent_type": "LLM_AGENT",
                "environment": "production",
                "team": "finance",
            },
        }
    ]


def test_chosen_labels_of_the_inventory_are_on_the_target(
    database_url: str, tmp_path: Path
) -> None:
    with running_registry(database_url, tmp_path, target_labels=("region", "tier")) as registry:
        registry.register(labels={"region": "eu", "rack": "7"})
        eventually(lambda: len(registry.targets()) == 1)

        labels = registry.targets()[0]["labels"]

    assert labels["region"] == "eu"
    assert not {"rack", "tier"} & set(labels)


def test_an_agent_without_an_address_is_no_target(registry: RunningRegistry) -> None:
    registry.register("silent", metrics_address=None)
    registry.register("loud")

    eventually(lambda: [t["labels"]["agent"] for t in registry.targets()] == ["loud"])


def test_a_changed_address_is_on_the_list(registry: RunningRegistry) -> None:
    registry.register()
    registry.register(metrics_address="127.0.0.1:9999")

    eventually(lambda: [t["targets"] for t in registry.targets()] == [["127.0.0.1:9999"]])


def test_the_same_list_is_304_and_a_changed_one_is_not(registry: RunningRegistry) -> None:
    registry.register("one")
    eventually(lambda: len(registry.targets()) == 1)
    etag = registry.get(TARGETS).headers["etag"]
    headers = {**registry.bearer(None), "if-none-match": etag}

    same = registry.client.get(TARGETS, headers=headers)
    registry.register("two")
    eventually(lambda: len(registry.targets()) == 2)
    other = registry.client.get(TARGETS, headers=headers)

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200


def test_a_heartbeat_does_not_touch_the_list(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    eventually(lambda: len(registry.targets()) == 1)
    before = registry.rows("SELECT value FROM versions WHERE name = 'targets'")

    registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {"state": "working"})

    assert registry.rows("SELECT value FROM versions WHERE name = 'targets'") == before


def test_a_change_by_another_registry_on_the_database_is_taken_up(
    registry: RunningRegistry, tmp_path: Path
) -> None:
    other_secrets = tmp_path / "other"
    other_secrets.mkdir()
    (other_secrets / "admin.key").write_text(registry.admin)
    with running_registry(registry.database_url, other_secrets) as other:
        other.register("made-there")

        eventually(lambda: [t["labels"]["agent"] for t in registry.targets()] == ["made-there"])


def test_what_the_database_cannot_confirm_is_503_and_never_an_empty_list(
    registry: RunningRegistry,
) -> None:
    registry.register()
    eventually(lambda: len(registry.targets()) == 1)
    with psycopg.connect(registry.database_url, autocommit=True) as connection:
        # A lock that the version query waits for: a database that is there and does not answer.
        connection.execute("BEGIN; LOCK TABLE versions IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        eventually(lambda: registry.get(TARGETS).status_code == 503, seconds=4)
        waited = time.monotonic() - started
        connection.execute("ROLLBACK")

    assert waited < 4.5
    eventually(lambda: registry.get(TARGETS).status_code == 200, seconds=5)
    assert len(registry.targets()) == 1


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing notices that the database is slow."""
    monkeypatch.setattr(supervisor, "ANSWER_SECONDS", 30)
    monkeypatch.setattr(connecting, "LOCK_MILLISECONDS", 30_000)


@pytest.mark.usefixtures("patient")
def test_a_list_that_was_not_confirmed_for_three_seconds_is_not_served(
    registry: RunningRegistry,
) -> None:
    with psycopg.connect(registry.database_url) as other:
        other.execute("LOCK TABLE versions IN ACCESS EXCLUSIVE MODE")

        eventually(lambda: registry.get(TARGETS).status_code == 503, seconds=4.5)

        assert "keep yours" in registry.get(TARGETS).json()["detail"]


def test_a_label_that_slipped_into_the_database_never_reaches_the_list() -> None:
    hostile = {"agent_id": "forged", "region": 7, "tier": "gold"}
    target = Target("127.0.0.1:1", "id", "a", "i", "t", "e", "", hostile)  # type: ignore[arg-type]

    body = render_targets([target], ["agent_id", "region", "tier"]).body

    labels = json.loads(body)[0]["labels"]
    assert labels["agent_id"] == "id"
    assert "region" not in labels
    assert labels["tier"] == "gold"


def test_a_target_has_at_most_eight_labels_and_a_third_of_the_inventory_is_refused() -> None:
    brought = {f"label_{number}": "x" for number in range(20)}
    target = Target("127.0.0.1:1", "id", "a", "i", "t", "e", "", brought)
    chosen = Settings(target_labels=("label_3", "label_7")).target_labels

    labels = json.loads(render_targets([target], chosen).body)[0]["labels"]

    assert len(labels) == 8
    assert {"label_3", "label_7"} <= labels.keys()
    with pytest.raises(ValidationError, match="at most 2"):
        Settings(target_labels=("one", "two", "three"))
