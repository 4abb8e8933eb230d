"""The catalogue and what agents really emit are one and the same."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from pulseguard import Agent
from pulseguard.catalog import AGENT_METRICS, REGISTRY_METRICS
from pulseguard.catalog.document import document
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
    with agent.tool("search"):
        pass
    with agent.api_call("api.example.com") as outbound:
        outbound.status(200)
    for number in range(20):
        agent.evaluation(f"evaluation {number}", 1)
    agent.evaluation("accuracy", -1)


def test_what_is_emitted_is_in_the_catalogue_and_the_other_way_round(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent(strict=False)
    agent.start()
    use_everything(agent)

    families = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(scrape(agent))
    }

    assert set(families) == {metric.name for metric in AGENT_METRICS}
    for metric in AGENT_METRICS:
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
    bounded = {"outcome", "source", "reason", "state", "metric", "operation"}
    once = {"agent_version", "framework", "exporter_version", "config_hash", "semconv"}

    for metric in AGENT_METRICS:
        free = set(metric.labels) - bounded - once
        if free - {"error_type"}:
            assert metric.max_label_sets > 0, metric.name


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "write it: python -m pulseguard.catalog"
