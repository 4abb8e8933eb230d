"""The catalogue and what agents really emit are one and the same."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from pulseguard import Agent
from pulseguard.catalog import (
    AGENT_INFO,
    AGENT_METRICS,
    AGENT_STATE,
    AGENT_STATES,
    ERROR_SOURCES,
    ERROR_TYPES,
    ERRORS,
    EXPORTER_DROPPED,
    EXPORTER_REGISTRY_REQUESTS,
    HUMAN_INTERVENTIONS,
    INTERVENTION_KINDS,
    LOOP_SIGNALS,
    LOOP_SUSPICIONS,
    PROCESSES,
    REGISTRY_METRICS,
    REGISTRY_OUTCOMES,
    RETRIES,
    TASK_DURATION,
    TASK_OUTCOMES,
    TASKS,
    WAITING_REASONS,
    WAITING_SECONDS,
)
from pulseguard.catalog.document import document
from pulseguard.recording.quota import BOUNDED_SERIES
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def use_everything(agent: Agent) -> None:
    """One of each: every door through which a value can come in."""
    with agent.task() as task:
        task.fail("timeout")
    with agent.llm_call("openai", "gpt-4o") as call:
        call.first_chunk()
        call.usage(input_tokens=10, output_tokens=5)
        call.context(window=100)
        call.retries(1, "rate_limit")
    with agent.llm_call("nobody", "a model without a price") as call:
        call.usage(input_tokens=10, output_tokens=5)
    with agent.llm_call("openai", "gpt-4o"):
        pass  # nobody tells its tokens
    with agent.tool("search"):
        pass
    with agent.api_call("api.example.com") as outbound:
        outbound.status(200)
    for number in range(20):
        agent.evaluation(f"evaluation {number}", 1)
    agent.evaluation("accuracy", -1)
    agent.queue(pending=3, oldest_age_seconds=2.5)
    agent.guardrail("pii", "redact")
    with agent.waiting("human"):
        agent.human_intervention("approval")
    with (
        agent.workflow("refund"),
        agent.invoke("planner"),
        agent.mcp_session("files.example.com"),
        agent.mcp_call("files.example.com", tool="read"),
    ):
        pass


def test_what_is_emitted_is_in_the_catalogue_and_the_other_way_round(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent(strict=False)
    agent.start()
    use_everything(agent)
    scrape(agent)  # the host's CPU is known from the second scrape on

    families = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(scrape(agent))
    }

    # This one is shown by `pulseguard run` alone.
    shown = [metric for metric in AGENT_METRICS if metric != PROCESSES]
    assert set(families) == {metric.name for metric in shown}
    for metric in shown:
        family = families[metric.name]
        assert family.documentation == metric.help
        assert family.type in {metric.type, "summary" if metric.lean_buckets == () else metric.type}
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels)


def test_names_and_types_agree() -> None:
    metrics = (*AGENT_METRICS, *REGISTRY_METRICS)

    assert len({metric.name for metric in metrics}) == len(metrics)
    for metric in metrics:
        assert metric.name.endswith("_total") == (metric.type == "counter")
        assert bool(metric.buckets) == (metric.type == "histogram")
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.help.endswith(".")


def test_every_label_that_agents_fill_is_bounded() -> None:
    bounded = {"outcome", "source", "reason", "state", "metric", "operation", "kind", "signal"}
    once = {"agent_version", "framework", "exporter_version", "config_hash", "semconv"}

    for metric in AGENT_METRICS:
        free = set(metric.labels) - bounded - once
        if free - {"error_type"}:
            assert metric.max_label_sets > 0, metric.name


def test_there_is_room_for_every_value_that_the_code_bounds() -> None:
    folding = [metric for metric in AGENT_METRICS if metric.max_label_sets and not metric.optional]
    label_sets = {
        ERRORS: len(ERROR_TYPES) * len(ERROR_SOURCES),
        RETRIES: len(ERROR_TYPES),
        TASKS: len(TASK_OUTCOMES),
        TASK_DURATION: len(TASK_OUTCOMES),
        AGENT_STATE: len(AGENT_STATES),
        HUMAN_INTERVENTIONS: len(INTERVENTION_KINDS),
        LOOP_SUSPICIONS: len(LOOP_SIGNALS),
        WAITING_SECONDS: len(WAITING_REASONS),
        EXPORTER_REGISTRY_REQUESTS: len(REGISTRY_OUTCOMES),
        EXPORTER_DROPPED: len(folding),
        AGENT_INFO: 1,
    }
    bounded = [metric for metric in AGENT_METRICS if not metric.max_label_sets]

    assert {metric for metric in bounded if metric.labels} == set(label_sets)
    series = sum(label_sets.get(metric, 1) * metric.samples("standard") for metric in bounded)
    assert series <= BOUNDED_SERIES


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "write it: python -m pulseguard.catalog"
