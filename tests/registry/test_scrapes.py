"""What Prometheus scrapes, as it is told by sync, and where that does not fit the inventory."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from pulseguard_registry.scrapes.schemas import KINDS
from pulseguard_registry.upkeep import keep_house
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, eventually, snapshot
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


def time_passes(registry: RunningRegistry, seconds: float = 3600) -> None:
    """So much for the agents that discovery serves and for each Prometheus that tells."""
    served = "SELECT count(*) FROM agents LEFT JOIN served_targets ON id = agent_id"
    wanted = "metrics_address IS NOT NULL AND stopped_at IS NULL AND retired_at IS NULL"
    missing = f"agents.{wanted} AND agents.metrics_address IS DISTINCT FROM served_targets."
    eventually(lambda: registry.rows(f"{served} WHERE {missing}metrics_address") == [(0,)])
    for table, column in (
        ("served_targets", "since"),
        ("scrape_reports", "began_at"),
        *(("agents", f"{done}_at") for done in ("registered", "stopped", "retired")),
    ):
        registry.execute(f"UPDATE {table} SET {column} = {column} - interval '{seconds} s'")


def disagreements(registry: RunningRegistry) -> set[tuple[str, str]]:
    """Kind and agent of each, as the list tells them; the gauges must tell as many."""
    shown = registry.get("/api/v1/system/disagreements").json()
    assert Counter(item["kind"] for item in shown["items"]) == shown["totals"]
    assert {kind: n for kind, n in counted(registry).items() if n} == shown["totals"]
    return {(item["kind"], item["agent_id"]) for item in shown["items"]}


def counted(registry: RunningRegistry) -> dict[str, float]:
    """The series of how many there are, by kind."""
    samples, name = scrape(registry, "/metrics/agents"), "pulseguard_registry_disagreements"
    return {dict(labels)["kind"]: value for (n, labels), value in samples.items() if n == name}


def register_many(registry: RunningRegistry, numbers: range) -> None:
    """Agents that have beaten just now, a1000 and so on, each with an address."""
    registry.execute(
        "INSERT INTO agents (id, name, instance, environment, type, deployment_type,"
        " metrics_address, last_seen_at) SELECT gen_random_uuid(), 'a' || n, '0', 'production',"
        " 'CUSTOM', 'LOCAL', '127.0.0.1:' || n, now()"
        f" FROM generate_series({1000 + numbers[0]}, {1000 + numbers[-1]}) n"
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
    time_passes(registry)
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
    time_passes(registry)
    return ids


def test_nothing_is_known_while_nobody_tells(registry: RunningRegistry) -> None:
    ids = fleet(registry)

    assert scraped(scrape(registry, "/metrics/agents")) == {}
    assert parts(registry, ids["up"])["scraped"]["value"] is None
    nothing: dict[str, object] = {"prometheus": [], "totals": {}, "items": []}
    assert registry.get("/api/v1/system/disagreements").json() == nothing
    assert counted(registry) == {"retired_but_heard": 0, "two_processes": 0}


def test_metrics_and_health_say_whether_an_agent_is_scraped(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    values = scraped(scrape(registry, "/metrics/agents"))

    ones, zeros = ("up", "silent", "unheard"), ("down", "absent", "planned")
    assert values == dict.fromkeys(ones, 1) | dict.fromkeys(zeros, 0)
    for name, agent_id in told.items():
        assert parts(registry, agent_id)["scraped"]["value"] == values.get(name)
    assert registry.get(f"{AGENTS}/{told['down']}/health").json()["health_score"] == 0


def test_the_list_has_the_score_of_each_agents_health(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    now = datetime.now(UTC).isoformat()
    sent = {"snapshots": [snapshot(now, tasks_completed=1, tasks_failed=3)]}
    registry.post(f"{AGENTS}/{told['up']}/ai-metrics", sent)

    listed = registry.get(AGENTS).json()["items"]
    scores = {agent["name"]: agent["health_score"] for agent in listed}

    in_trouble = {"up": 0.25, "unheard": 1, **dict.fromkeys(("down", "silent", "absent"), 0)}
    assert scores == {**in_trouble, "planned": 0, "nowhere": 1}
    for name, agent_id in told.items():
        for path in (agent_id, f"{agent_id}/health"):
            assert registry.get(f"{AGENTS}/{path}").json()["health_score"] == scores[name]


def test_what_does_not_fit_together_is_shown(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    assert registry.get("/api/v1/system/disagreements").json()["prometheus"] == ["main"]
    assert disagreements(registry) == {
        ("registered_not_scraped", told["absent"]),
        ("scraped_not_registered", STRANGER),
        ("scraped_but_silent", told["silent"]),
        ("scraped_but_silent", told["unheard"]),
        ("beats_but_down", told["down"]),
    }
    assert set(counted(registry)) == set(KINDS)


def test_what_prometheus_has_not_had_the_time_for_is_no_disagreement(
    registry: RunningRegistry,
) -> None:
    names = ("absent", "failing", "unheard", "gone")
    ids = {name: str(registry.register(name)["id"]) for name in names}
    for name in ("absent", "failing", "gone"):
        registry.post(f"{AGENTS}/{ids[name]}/heartbeat", {"goodbye": name == "gone"})
    retired = str(registry.register("retired")["id"])
    registry.delete(f"{AGENTS}/{retired}")
    states = {**dict.fromkeys([ids["unheard"], ids["gone"], retired], "up"), ids["failing"]: "down"}
    tell(registry, **states)

    def passes(seconds: float) -> set[tuple[str, str]]:
        time_passes(registry, seconds)
        return disagreements(registry)

    assert passes(40) == set()
    assert parts(registry, ids["absent"])["scraped"]["value"] is None
    assert "absent" not in scraped(scrape(registry, "/metrics/agents"))
    of_absent = ("registered_not_scraped", ids["absent"])
    of_failing = ("beats_but_down", ids["failing"])
    others = {
        *(("scraped_but_silent", ids[name]) for name in ("unheard", "gone")),
        ("retired_but_scraped", retired),
    }
    assert passes(5) == {of_absent, of_failing, *others}
    health = registry.get(f"{AGENTS}/{retired}/health").json()
    assert health["disagreements"] == ["retired_but_scraped"]

    # At another address it is a new target.
    for name in ("absent", "failing"):
        registry.register(name, metrics_address="127.0.0.1:9465")
    assert passes(40) == others
    assert passes(5) == {of_absent, of_failing, *others}
    # Back after a goodbye as well.
    registry.post(f"{AGENTS}/{ids['absent']}/heartbeat", {"goodbye": True})
    eventually(lambda: ids["absent"] not in str(registry.targets()))
    registry.register("absent", metrics_address="127.0.0.1:9465")
    assert passes(40) == {of_failing, *others}
    assert passes(5) == {of_absent, of_failing, *others}
    # A Prometheus that was silent for too long begins anew.
    registry.execute("UPDATE scrape_reports SET told_at = told_at - interval '61 s'")
    tell(registry, **states)
    assert passes(40) == others
    tell(registry, **states)
    assert passes(5) == {of_absent, of_failing, *others}


def test_of_each_kind_500_are_listed_and_all_are_counted_whoever_tells(
    registry: RunningRegistry,
) -> None:
    register_many(registry, range(501))
    known = str(registry.register("known since")["id"])
    for prometheus, numbers in (("main", range(400)), ("other", range(200, 600))):
        strangers = [str(UUID(int=number)) for number in numbers]
        tell(registry, prometheus, **dict.fromkeys(strangers, "up"), **{known: "up"})
    registry.execute(f"UPDATE scrape_reports SET strangers = strangers || '{known}'::text")
    time_passes(registry)

    shown = registry.get("/api/v1/system/disagreements").json()

    totals = {"registered_not_scraped": 501, "scraped_but_silent": 1, "scraped_not_registered": 600}
    assert shown["prometheus"] == ["main", "other"]
    assert shown["totals"] == {kind: n for kind, n in counted(registry).items() if n} == totals
    listed = Counter(item["kind"] for item in shown["items"])
    assert listed == {kind: min(n, 500) for kind, n in totals.items()}
    assert shown["items"] == sorted(shown["items"], key=lambda one: (one["kind"], one["agent_id"]))


def test_one_that_scrapes_is_enough_and_what_is_old_is_neither_believed_nor_forgotten(
    registry: RunningRegistry, told: dict[str, str]
) -> None:
    tell(registry, "other", **dict.fromkeys([told["down"], told["absent"]], "up"))
    assert parts(registry, told["down"])["scraped"]["value"] == 1

    registry.execute(
        "UPDATE scrape_reports SET told_at = now() - interval '61 s' WHERE prometheus = 'other'"
    )
    assert parts(registry, told["down"])["scraped"]["value"] == 0
    # What it had, no other can miss.
    assert parts(registry, told["absent"])["scraped"]["value"] is None
    assert "absent" not in scraped(scrape(registry, "/metrics/agents"))
    (listed,) = registry.get(AGENTS, params={"name": "absent"}).json()["items"]
    assert listed["health_score"] == 1
    assert "registered_not_scraped" not in {kind for kind, _ in disagreements(registry)}

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
    too_many = tell(registry, **{str(UUID(int=number)): "up" for number in range(23_001)})

    assert_problem(wrong_state, 422, "scrapes", "sideways", "absent")
    assert_problem(wrong_id, 422, "scrapes", "seven")
    assert_problem(too_many, 422, "scrapes", "23000")
    assert registry.rows("SELECT * FROM agent_scrapes ORDER BY agent_id") == before
