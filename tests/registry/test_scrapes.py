"""What Prometheus scrapes, as it is told by sync, and where that does not fit the inventory."""

from __future__ import annotations

from typing import Any

import pytest

from pulseguard_registry.upkeep import keep_house
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry
from tests.registry.test_metrics import Samples, scrape

AGENTS = "/api/v1/agents"
STRANGER = "00000000-0000-4000-8000-000000000000"


def tell(registry: RunningRegistry, prometheus: str = "main", **scrapes: str) -> Any:
    """What sync tells of one Prometheus."""
    return registry.client.put(
        f"/api/v1/sync/{prometheus}",
        json={"scrapes": {name.replace("_", "-"): state for name, state in scrapes.items()}},
        headers=registry.bearer(None),
    )


def fleet(registry: RunningRegistry) -> dict[str, str]:
    """Agents that beat, one that never did, and one without an address, by name."""
    beating = ("up", "down", "absent", "planned")
    ids = {name: registry.register(name)["id"] for name in (*beating, "silent", "unheard")}
    ids["nowhere"] = registry.register("nowhere", metrics_address=None)["id"]
    for name in (*beating, "silent", "nowhere"):
        registry.post(f"{AGENTS}/{ids[name]}/heartbeat", {})
    registry.wait_until_silence_counts()
    registry.execute(
        f"UPDATE agents SET last_seen_at = now() - interval '1 h' WHERE id = '{ids['silent']}'"
    )
    registry.execute(
        "UPDATE agents SET maintenance_until = now() + interval '1 h'"
        f" WHERE id = '{ids['planned']}'"
    )
    return ids


def scraped(samples: Samples) -> dict[str, float]:
    """The series that say whether an agent is scraped, by its name."""
    name = "pulseguard_registry_agent_scraped"
    return {dict(labels)["agent"]: value for (n, labels), value in samples.items() if n == name}


def parts(registry: RunningRegistry, agent_id: str) -> Any:
    """The parts of an agent's health."""
    return registry.get(f"{AGENTS}/{agent_id}/health").json()["parts"]


@pytest.fixture
def told(registry: RunningRegistry) -> dict[str, str]:
    """A fleet of which one Prometheus has told."""
    ids = fleet(registry)
    states = {ids["up"]: "up", ids["silent"]: "up", ids["unheard"]: "up", ids["down"]: "down"}
    answer = tell(registry, **states, **{STRANGER: "up", ids["absent"]: "absent"})
    assert answer.json() == {"changed": 4, "strangers": 1}
    assert tell(registry, **states, **{STRANGER: "up"}).json() == {"changed": 0, "strangers": 1}
    return ids


def test_nothing_is_known_while_nobody_tells(registry: RunningRegistry) -> None:
    ids = fleet(registry)

    assert scraped(scrape(registry, "/metrics/agents")) == {}
    assert parts(registry, ids["up"])["scraped"]["value"] is None
    nothing: dict[str, list[str]] = {"prometheus": [], "items": []}
    assert registry.get("/api/v1/system/disagreements").json() == nothing


def test_metrics_and_health_say_whether_an_agent_is_scraped(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    values = scraped(scrape(registry, "/metrics/agents"))

    ones, zeros = ("up", "silent", "unheard"), ("down", "absent", "planned")
    assert values == dict.fromkeys(ones, 1) | dict.fromkeys(zeros, 0)
    for name, agent_id in told.items():
        assert parts(registry, agent_id)["scraped"]["value"] == values.get(name)
    assert registry.get(f"{AGENTS}/{told['down']}/health").json()["health_score"] == 0


def test_what_does_not_fit_together_is_shown(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    shown = registry.get("/api/v1/system/disagreements").json()

    assert shown["prometheus"] == ["main"]
    assert {(item["kind"], item["agent_id"]) for item in shown["items"]} == {
        ("registered_not_scraped", told["absent"]),
        ("scraped_not_registered", STRANGER),
        ("scraped_but_silent", told["silent"]),
        ("scraped_but_silent", told["unheard"]),
        ("beats_but_down", told["down"]),
    }


def test_one_that_scrapes_is_enough_and_what_is_old_is_not_believed(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    tell(registry, "other", **{told["down"]: "up"})
    assert parts(registry, told["down"])["scraped"]["value"] == 1

    registry.execute(
        "UPDATE scrape_reports SET told_at = now() - interval '61 s' WHERE prometheus = 'other'"
    )
    assert parts(registry, told["down"])["scraped"]["value"] == 0

    registry.execute("UPDATE scrape_reports SET told_at = now() - interval '61 s'")
    assert parts(registry, told["down"])["scraped"]["value"] is None
    assert registry.get("/api/v1/system/disagreements").json()["items"] == []


def test_a_prometheus_that_is_gone_leaves_nothing_behind(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    tell(registry, "gone", **{told["up"]: "up"})
    registry.execute(
        "UPDATE scrape_reports SET told_at = now() - interval '25 h' WHERE prometheus = 'gone'"
    )

    keep_house(registry.app.state.database, registry.app.state.settings)

    for table in ("scrape_reports", "agent_scrapes"):
        assert registry.rows(f"SELECT DISTINCT prometheus FROM {table}") == [("main",)]


def test_a_report_that_does_not_hold_is_refused_whole(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    before = registry.rows("SELECT * FROM agent_scrapes ORDER BY agent_id")

    wrong_state = tell(registry, **{told["up"]: "sideways"})
    wrong_id = tell(registry, seven="up")

    assert_problem(wrong_state, 422, "scrapes", "sideways", "absent")
    assert_problem(wrong_id, 422, "scrapes", "seven")
    assert registry.rows("SELECT * FROM agent_scrapes ORDER BY agent_id") == before
