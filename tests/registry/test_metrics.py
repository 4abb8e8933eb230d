"""The registry's own metrics, and those about the agents."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as strict_families,
)
from prometheus_client.parser import text_string_to_metric_families

from pulseguard.catalog import REGISTRY_METRICS
from tests.registry.running import RunningRegistry, snapshot

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(registry: RunningRegistry, path: str) -> Samples:
    """What Prometheus would store."""
    answer = registry.get(path, registry.key("prometheus"))
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The one sample with these labels at least."""
    (found,) = [
        amount
        for (sample, pairs), amount in samples.items()
        if sample == name and labels.items() <= dict(pairs).items()
    ]
    return found


def test_each_agent_has_its_status_and_when_it_was_seen(registry: RunningRegistry) -> None:
    alive, never = registry.register("alive", team="finance"), registry.register("never")
    registry.post(f"/api/v1/agents/{alive['id']}/heartbeat", {})

    samples = scrape(registry, "/metrics/agents")

    status = "pulseguard_registry_agent_status"
    seen = "pulseguard_registry_agent_last_seen_timestamp_seconds"
    assert value(samples, status, agent="alive", team="finance", status="ONLINE") == 1
    assert value(samples, status, agent="never", agent_id=never["id"], status="UNKNOWN") == 1
    assert value(samples, seen, agent="alive") > 1.7e9
    assert [dict(pairs)["agent"] for name, pairs in samples if name == seen] == ["alive"]
    assert value(samples, "pulseguard_registry_agents", status="ONLINE") == 1
    assert value(samples, "pulseguard_registry_agents", status="OFFLINE") == 0


def test_both_formats_hold_any_name_as_it_was_given(registry: RunningRegistry) -> None:
    name, team = 'say "hi"', "back\\slash\\n"
    registry.register(name, team=team)
    accepted = {"text/plain": text_string_to_metric_families}
    accepted["application/openmetrics-text; version=1.0.0"] = strict_families

    for kind, families in accepted.items():
        headers = registry.bearer(None) | {"accept": kind}
        answer = registry.client.get("/metrics/agents", headers=headers)
        assert answer.headers["content-type"].startswith(kind.partition(";")[0])
        samples = [sample for family in families(answer.text) for sample in family.samples]
        labels = [sample.labels for sample in samples if "agent_id" in sample.labels]
        assert {(each["agent"], each["team"]) for each in labels} == {(name, team)}


def test_the_registry_counts_what_it_does(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    for _ in range(3):
        body = {"snapshot": snapshot()}
        registry.post(f"/api/v1/agents/{agent_id}/heartbeat", body)

    samples = scrape(registry, "/metrics")

    assert value(samples, "pulseguard_registry_heartbeats_total", outcome="alive") == 3
    assert value(samples, "pulseguard_registry_snapshots_total", outcome="stored") == 1
    assert value(samples, "pulseguard_registry_snapshots_total", outcome="repeated") == 2
    assert value(samples, "pulseguard_registry_database_up") == 1
    route = "/api/v1/agents/{agent_id}/heartbeat"
    counted = "pulseguard_registry_http_request_duration_seconds_count"
    assert value(samples, counted, method="POST", route=route, code="200") == 3


def test_every_name_is_in_the_catalogue_and_the_other_way_round(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {})
    emitted = set()
    for path in ("/metrics", "/metrics/agents"):
        text = registry.get(path).text
        for family in text_string_to_metric_families(text):
            suffix = "_total" if family.type == "counter" else ""
            emitted.add(family.name + suffix)

    assert emitted == {metric.name for metric in REGISTRY_METRICS}
    assert "_created" not in text


def test_paths_that_nobody_offers_make_no_series(registry: RunningRegistry) -> None:
    for number in range(50):
        registry.get(f"/api/v1/nothing-{number}")
        registry.client.request(f"METHOD{number}", "/", headers=registry.bearer(None))

    routes = {dict(pairs).get("route") for _, pairs in scrape(registry, "/metrics")}

    assert not any("nothing" in (route or "") for route in routes)
    assert "_OTHER" in routes
