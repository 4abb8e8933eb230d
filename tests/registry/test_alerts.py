"""Alert history: what Alertmanager tells is stored once, and read back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect

from pulseguard_registry.alerts.models import Alert
from tests.registry.notifications import ENDED, HISTORY, alert, history, resolved, tell
from tests.registry.running import RunningRegistry


def test_a_firing_alert_is_in_the_history_as_it_was_told(registry: RunningRegistry) -> None:
    tell(registry, alert())

    (entry,) = history(registry)

    assert entry.pop("id") > 0
    assert entry.pop("received_at") == entry.pop("last_told_at")
    assert datetime.fromisoformat(entry.pop("starts_at")) == datetime.fromisoformat(
        "2026-11-23T10:00:00.123456Z"
    )
    assert entry == {
        "fingerprint": "0123456789abcdef",
        "status": "firing",
        "alertname": "AgentDown",
        "severity": "critical",
        "agent_id": None,
        "agent_name": "invoice-bot",
        "environment": "",
        "team": "",
        "labels": {"alertname": "AgentDown", "severity": "critical", "agent": "invoice-bot"},
        "annotations": {"summary": "An agent is down."},
        "ends_at": None,
        "generator_url": "http://prometheus:9090/graph?g0.expr=up",
        "fires": True,
        "is_test": False,
        "agent_then": None,
        "acknowledged": None,
    }


def test_its_end_is_a_second_entry_with_the_same_start(registry: RunningRegistry) -> None:
    tell(registry, alert())
    tell(registry, resolved())

    over, began = history(registry)

    assert [over["status"], began["status"]] == ["resolved", "firing"]
    assert over["starts_at"] == began["starts_at"]
    assert datetime.fromisoformat(over["ends_at"]) == datetime.fromisoformat(ENDED)


def test_an_alert_that_is_delivered_again_is_stored_once(registry: RunningRegistry) -> None:
    assert tell(registry, alert(), alert()) == (1, 1)
    # A repetition differs in all that does not make it another event.
    again = alert(annotations={"summary": "Still down."}, generatorURL="http://other:9090")
    assert tell(registry, again) == (0, 1)

    (entry,) = history(registry)
    assert entry["annotations"] == {"summary": "An agent is down."}


def test_of_a_repetition_the_time_is_kept(registry: RunningRegistry) -> None:
    tell(registry, alert())
    (first,) = history(registry)
    tell(registry, alert())
    (second,) = history(registry)

    assert second.pop("last_told_at") > first.pop("last_told_at")
    assert second == first


def test_deliveries_at_the_same_time_are_stored_once(registry: RunningRegistry) -> None:
    # So many that their transactions overlap.
    many = [alert(fingerprint=f"{number:016x}", labels={}) for number in range(3000)]

    with ThreadPoolExecutor(4) as pool:
        orders = (many, many[::-1], many, many[::-1])
        receipts = list(pool.map(lambda alerts: tell(registry, *alerts), orders))

    assert sum(stored for stored, _ in receipts) == 3000
    assert registry.rows("SELECT count(*) FROM alerts") == [(3000,)]


def test_the_same_alert_that_fires_anew_is_another_entry(registry: RunningRegistry) -> None:
    assert tell(registry, alert(), alert(startsAt="2026-11-23T11:00:00Z")) == (2, 0)


def test_an_alert_of_a_known_agent_is_joined_to_it(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    other_id = registry.register("another")["id"]
    tell(registry, alert(labels={"alertname": "AgentDown", "agent_id": agent_id}))

    assert [entry["agent_id"] for entry in history(registry, agent_id=agent_id)] == [agent_id]
    assert history(registry, agent_id=other_id) == []


@pytest.mark.parametrize(
    "agent_id", ["00000000-0000-0000-0000-000000000000", "bot-7", "", "\x00"], ids=ascii
)
def test_an_alert_of_no_known_agent_is_stored_all_the_same(
    registry: RunningRegistry, agent_id: str
) -> None:
    assert tell(registry, alert(labels={"agent_id": agent_id})) == (1, 0)
    assert history(registry)[0]["agent_id"] is None


def test_the_history_is_filtered_by_status_and_name(registry: RunningRegistry) -> None:
    slow = {"alertname": "AgentLatencyHigh"}
    tell(registry, alert(), resolved(), alert(labels=slow, fingerprint="b"))

    assert len(history(registry)) == 3
    assert [e["status"] for e in history(registry, status="resolved")] == ["resolved"]
    assert [e["labels"] for e in history(registry, alertname="AgentLatencyHigh")] == [slow]
    assert history(registry, alertname="AgentLatencyHigh", status="resolved") == []


def test_only_what_has_not_ended_is_listed_as_firing(registry: RunningRegistry) -> None:
    anew = "2026-11-23T11:00:00Z"
    tell(registry, alert(fingerprint="a"), alert(fingerprint="b"))
    tell(registry, resolved(fingerprint="a"))

    assert [entry["fingerprint"] for entry in history(registry, status="firing")] == ["b"]
    tell(registry, alert(fingerprint="a", startsAt=anew))
    assert [entry["fingerprint"] for entry in history(registry, status="firing")] == ["a", "b"]
    # An end that is told twice, or late, changes nothing about what fires anew.
    tell(registry, resolved(fingerprint="a"), resolved(fingerprint="b"))
    assert [entry["fingerprint"] for entry in history(registry, status="firing")] == ["a"]
    assert len(history(registry)) == 5


def test_pages_follow_one_another_newest_first_without_gap_or_repetition(
    registry: RunningRegistry,
) -> None:
    for number in range(7):
        tell(registry, alert(fingerprint=f"f{number}"))
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = registry.get(HISTORY, params={"limit": 3, **cursor}).json()
        seen += [entry["fingerprint"] for entry in page["items"]]
        # What arrives meanwhile is newer than every page still to come.
        tell(registry, alert(fingerprint=f"meanwhile{len(seen)}"))
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert seen == ["f6", "f5", "f4", "f3", "f2", "f1", "f0"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "pending"},
        {"agent_id": "7"},
        {"alertname": "\x00"},
        {"cursor": "0"},
        {"cursor": str(2**63)},
        {"cursor": "x"},
        {"limit": "0"},
        {"limit": "501"},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_a_wrong_filter_is_refused_by_name(
    registry: RunningRegistry, query: dict[str, str]
) -> None:
    answer = registry.get(HISTORY, params=query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in query


def test_a_retired_agent_keeps_its_history(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    tell(registry, alert(labels={"agent_id": agent_id}))
    registry.delete(f"/api/v1/agents/{agent_id}")

    assert len(history(registry, agent_id=agent_id)) == 1


def test_the_mapped_table_is_that_of_the_database(registry: RunningRegistry) -> None:
    engine = create_engine(registry.database_url.replace("postgresql://", "postgresql+psycopg://"))
    columns = {column["name"] for column in inspect(engine).get_columns("alerts")}
    engine.dispose()

    assert {column.key for column in Alert.__mapper__.columns} == columns
