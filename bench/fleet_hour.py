"""An hour of what the pages of whole fleets read, of a thousand agents, as Prometheus' blocks."""

from collections.abc import Iterator
from itertools import product

from bench.blocks import Course
from pulseguard.catalog import TOKEN_KINDS

AGENTS = 1_000
SECONDS = 3_600
# As prometheus.yml and the groups of rules have it.
SCRAPE_SECONDS, MODELS_SECONDS, COST_SECONDS = 10, 30, 60
TEAMS, MODELS = 10, 6
LATENCY_BOUNDS = ("0.32", "1.28", "2.56", "5.12", "10.24", "40.96", "+Inf")
FIRST_CHUNK_BOUNDS = ("0.16", "0.32", "0.64", "1.28", "2.56", "10.24", "+Inf")
OUTCOMES = ("completed", "failed", "timeout", "cancelled")
FIRING = 20


def fleet_hour(end: float) -> Iterator[Course]:
    """The courses of all series, for the hour until `end`."""
    yield from _of_the_watchers(end)
    for number in range(AGENTS):
        yield from _of_an_agent(number, end)
    for team in range(TEAMS):
        yield from _of_a_team(team)
    places = product(range(TEAMS), range(MODELS))
    for team, model in places:
        yield from _of_a_model(team, model)


def _of_the_watchers(end: float) -> Iterator[Course]:
    yield Course("up", {"job": "registry"}, SCRAPE_SECONDS)
    group = {"job": "prometheus", "rule_group": "/etc/prometheus/rules/fleet.yml;fleet"}
    name = "prometheus_rule_group_last_evaluation_timestamp_seconds"
    yield Course(name, group, SCRAPE_SECONDS, end - SECONDS, 1)
    registry = {"job": "registry"}
    yield Course("pulseguard_registry_agents", {**registry, "status": "ONLINE"}, 10, AGENTS)
    yield Course("pulseguard_registry_disagreements", {**registry, "kind": "not_scraped"}, 10, 3)


def _labels(number: int) -> dict[str, str]:
    return {
        "job": "agents",
        "agent_id": f"{number:08d}-0000-4000-8000-000000000000",
        "agent": f"agent-{number // 10}",
        "agent_type": "LLM_AGENT",
        "environment": "production",
        "team": f"team-{number % TEAMS}",
        "instance": f"host-{number}",
    }


def _of_an_agent(number: int, end: float) -> Iterator[Course]:
    labels = _labels(number)
    status = "ONLINE" if number % 20 else "OFFLINE"
    yield Course("pulseguard_registry_agent_status", {**labels, "status": status}, 10, 1, 1e-12)
    seen = "pulseguard_registry_agent_last_seen_timestamp_seconds"
    yield Course(seen, labels, SCRAPE_SECONDS, end - SECONDS, 1)
    info = {"agent_version": "1.2.3", "framework": "none", "exporter_version": "0.1.0"}
    yield Course("pulseguard_agent_info", {**labels, **info}, SCRAPE_SECONDS, 1, 1e-12)
    yield Course("pulseguard:agent_trouble:rank", labels, 10, 0 if number % 20 else 2, 1e-12)
    for outcome in OUTCOMES:
        yield Course("pulseguard:agent_tasks_ended:rate5m", {**labels, "outcome": outcome}, 10, 0.2)
    yield Course("pulseguard:agent_task_success:ratio5m", labels, SCRAPE_SECONDS, 0.9)
    yield Course("pulseguard:agent_model_inference_time_ms:p95_5m", labels, 10, 900 + number)
    yield Course("pulseguard:agent_tokens_processed:rate5m", labels, 10, 100 + number)
    yield Course("pulseguard:agent_context_length:max", labels, SCRAPE_SECONDS, 10_000 + number)
    yield Course("pulseguard:agent_cost_usd:sum", labels, COST_SECONDS, number, 0.001)
    yield Course("pulseguard:agent_cost_usd_per_hour:mean15m", labels, COST_SECONDS, 3.6)
    yield Course("pulseguard:agent_task_cost_usd:mean1h", labels, COST_SECONDS, 0.01)
    if number < FIRING:
        alert = {"alertname": "AgentDown", "severity": "critical"}
        yield Course("ALERTS", {**labels, **alert, "alertstate": "firing"}, 10, 1, 1e-12)
        yield Course("ALERTS_FOR_STATE", {**labels, **alert}, SCRAPE_SECONDS, end - 600, 1e-12)


def _of_a_team(team: int) -> Iterator[Course]:
    labels = {"environment": "production", "team": f"team-{team}"}
    yield Course("pulseguard:team_task_cost_usd_per_hour:mean15m", labels, COST_SECONDS, 360)
    yield Course("pulseguard:team_priced_tasks:rate5m", labels, COST_SECONDS, 20)
    yield Course("pulseguard:team_tokens:rate5m", labels, COST_SECONDS, 30_000)


def _of_a_model(team: int, model: int) -> Iterator[Course]:
    scope = {"environment": "production", "team": f"team-{team}"}
    alone = {**scope, "gen_ai_request_model": f"model-{model}"}
    unpriced = {**alone, "reason": "unknown_model"}
    yield Course("pulseguard:model_unpriced_tokens:rate5m", unpriced, COST_SECONDS, 10)
    labels = {**alone, "gen_ai_provider_name": f"provider-{model % 2}"}
    every = MODELS_SECONDS
    yield Course("pulseguard:model_calls:rate5m", labels, every, 10)
    yield Course("pulseguard:model_failures:rate5m", labels, every, 0.2)
    for kind in TOKEN_KINDS:
        of_kind = {**labels, "gen_ai_token_type": kind}
        yield Course("pulseguard:model_tokens:rate5m", of_kind, every, 1_000)
        yield Course("pulseguard:model_cost_usd_per_hour:mean15m", of_kind, COST_SECONDS, 3)
    for name, bounds in (
        ("pulseguard:model_inference_seconds_bucket:rate5m", LATENCY_BOUNDS),
        ("pulseguard:model_time_to_first_chunk_seconds_bucket:rate5m", FIRST_CHUNK_BOUNDS),
    ):
        for place, bound in enumerate(bounds):
            yield Course(name, {**labels, "le": bound}, every, 2.0 + place)
    yield Course("pulseguard:model_output_tokens_per_second_sum:rate5m", alone, every, 800)
    yield Course("pulseguard:model_output_tokens_per_second_count:rate5m", alone, every, 10)
