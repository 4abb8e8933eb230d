"""Metrics of the author's own: on the page as he defined them, bounded like all others."""

import math
import threading
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pulseguard import Agent
from pulseguard.catalog import AGENT_METRICS, EXPORTER_DROPPED, EXPORTER_FAILURES, OTHER
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import (
    PROMETHEUS_ACCEPTS,
    openmetrics_names,
    promtool_complaints,
    samples,
    scrape,
    total,
)


def test_they_are_on_the_page_with_type_and_help(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    scrape(agent)

    documents = agent.counter("documents_total", "Documents read.", labels=("kind",))
    documents.labels(kind="pdf").inc()
    documents.labels(kind="pdf").inc(2.5)
    documents.labels(kind="html").inc(0)
    agent.gauge("cache_bytes", "Size of the cache.").set(4096)
    agent.gauge("cache_bytes", "Size of the cache.").inc(4)
    agent.gauge("cache_bytes", "Size of the cache.").dec(100)
    pages = agent.histogram("pages", 'Pages of a "document".', ("kind",), buckets=(1, 10))
    for number in (1, 5, 50):
        pages.labels(kind="pdf").observe(number)

    text = scrape(agent)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["agent_documents"].documentation == "Documents read."
    assert families["agent_documents"].type == "counter"
    assert total(text, "agent_documents_total", kind="pdf") == 3.5
    assert total(text, "agent_cache_bytes") == 4000
    assert families["agent_pages"].documentation == 'Pages of a "document".'
    buckets = [total(text, "agent_pages_bucket", le=le) for le in ("1.0", "10.0", "+Inf")]
    assert buckets == [1, 2, 3]
    assert total(text, "agent_pages_sum") == 56
    assert promtool_complaints(text) == ""
    names = openmetrics_names(scrape(agent, PROMETHEUS_ACCEPTS))
    assert {"agent_documents", "agent_cache_bytes", "agent_pages"} <= names


def test_a_metric_can_be_defined_before_the_start_and_again(make_agent: MakeAgent) -> None:
    agent = make_agent()

    for _ in range(3):
        agent.counter("agent_runs_total", "Runs.").inc()
    agent.start()

    assert total(scrape(agent), "agent_runs_total") == 3


REFUSED: list[tuple[str, Callable[[Agent], Any]]] = [
    ("no _total", lambda agent: agent.counter("documents")),
    ("a gauge with _total", lambda agent: agent.gauge("documents_total")),
    ("a counter of a counter", lambda agent: agent.counter("documents_total_total")),
    ("a bucket", lambda agent: agent.gauge("documents_bucket")),
    ("a sum", lambda agent: agent.histogram("documents_sum")),
    ("a time of creation", lambda agent: agent.gauge("documents_created")),
    ("capitals", lambda agent: agent.gauge("Documents")),
    ("a colon", lambda agent: agent.gauge("a:b")),
    ("a line break", lambda agent: agent.gauge("a\n")),
    ("no name", lambda agent: agent.gauge("")),
    ("no text", lambda agent: agent.gauge(None)),  # type: ignore[arg-type]
    ("a long name", lambda agent: agent.gauge("a" * 81)),
    ("taken by a gauge", lambda agent: agent.counter("there_total")),
    ("taken with labels", lambda agent: agent.gauge("there", labels=("kind",))),
    ("a target's label", lambda agent: agent.gauge("x", labels=("environment",))),
    ("a histogram's label", lambda agent: agent.gauge("x", labels=("le",))),
    ("a hidden label", lambda agent: agent.gauge("x", labels=("__name__",))),
    ("no label name", lambda agent: agent.gauge("x", labels=("a b",))),
    ("one label twice", lambda agent: agent.gauge("x", labels=("a", "a"))),
    ("six labels", lambda agent: agent.gauge("x", labels="abcdef"[:6].split("x") * 6)),
    ("labels as text", lambda agent: agent.gauge("x", labels="kind")),
    ("no buckets", lambda agent: agent.histogram("x", buckets=())),
    ("falling buckets", lambda agent: agent.histogram("x", buckets=(2, 1))),
    ("a bucket below 0", lambda agent: agent.histogram("x", buckets=(-1, 1))),
    ("an endless bucket", lambda agent: agent.histogram("x", buckets=(1, math.inf))),
    ("a bucket that is none", lambda agent: agent.histogram("x", buckets=(1, math.nan))),
    ("21 buckets", lambda agent: agent.histogram("x", buckets=range(1, 22))),
    ("no label sets", lambda agent: agent.gauge("x", labels=("a",), max_label_sets=0)),
    ("201 label sets", lambda agent: agent.gauge("x", labels=("a",), max_label_sets=201)),
]


@pytest.mark.parametrize("define", [each for _, each in REFUSED], ids=[name for name, _ in REFUSED])
def test_a_metric_that_cannot_be_is_told_and_records_nothing(
    make_agent: MakeAgent, define: Callable[[Agent], Any], caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(strict=False)
    agent.start()
    agent.gauge("there").set(1)

    refused = define(agent)
    for _ in range(2):
        for record in ("inc", "set", "observe"):
            getattr(refused, record, lambda value: None)(1)
        refused = refused.labels(a="x")

    own = {name for name, _ in samples(scrape(agent)) if name.startswith("agent_")}
    assert own == {"agent_there"}
    assert "pulseguard could not define a metric: " in caplog.text
    assert total(scrape(agent), EXPORTER_FAILURES) == 1


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, 1e200, 10**400, "1", None, True, []])
def test_a_value_that_cannot_be_is_told_and_changes_nothing(
    make_agent: MakeAgent, value: Any
) -> None:
    agent = make_agent(strict=False)
    agent.start()
    agent.counter("documents_total").inc(2)
    agent.histogram("pages").observe(2)
    agent.gauge("cache_bytes").set(2)

    agent.counter("documents_total").inc(value)
    agent.histogram("pages").observe(value)
    if value != -1:
        agent.gauge("cache_bytes").set(value)
        agent.gauge("cache_bytes").inc(value)

    text = scrape(agent)
    assert total(text, "agent_documents_total") == 2
    assert total(text, "agent_pages_count") == 1
    assert total(text, "agent_cache_bytes") == 2
    assert total(text, EXPORTER_FAILURES) == (2 if value == -1 else 4)


def test_labels_are_given_exactly(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False)
    agent.start()
    documents = agent.counter("documents_total", labels=("kind", "source"))

    documents.inc()
    documents.labels(kind="pdf").inc()
    documents.labels(kind="pdf", origin="web").inc()
    documents.labels(source="web", kind="pdf").inc()

    text = scrape(agent)
    assert total(text, "agent_documents_total", kind="pdf", source="web") == 1
    assert total(text, "agent_documents_total") == 1
    assert total(text, EXPORTER_FAILURES) == 3


def test_label_sets_are_bounded_and_sums_stay_true(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    documents = agent.counter("documents_total", labels=("kind",), max_label_sets=5)
    pages = agent.histogram("pages", labels=("kind",), buckets=(1, 2))

    def record(thread: int) -> None:
        for number in range(500):
            documents.labels(kind=f"{thread} {number}").inc()
            pages.labels(kind=f"{thread} {number}").observe(1)

    threads = [threading.Thread(target=record, args=(thread,)) for thread in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    text = scrape(agent)
    assert total(text, "agent_documents_total") == total(text, "agent_pages_count") == 4000
    assert total(text, "agent_documents_total", kind=OTHER) == 3995
    assert total(text, EXPORTER_DROPPED, metric="agent_documents_total") == 3995
    assert total(text, EXPORTER_DROPPED, metric="agent_pages") == 3980
    assert len(samples(text)) <= 1000


def test_a_label_set_kept_at_hand_is_the_same_and_folded_ones_are_counted_each_time(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()
    documents = agent.counter("documents_total", labels=("kind",), max_label_sets=1)

    kept, folded = documents.labels(kind="pdf"), documents.labels(kind="html")
    for _ in range(3):
        kept.inc()
        folded.inc()

    text = scrape(agent)
    assert total(text, "agent_documents_total", kind="pdf") == 3
    assert total(text, "agent_documents_total", kind=OTHER) == 3
    assert total(text, EXPORTER_DROPPED, metric="agent_documents_total") == 3


def test_there_are_at_most_fifty_and_never_more_series_than_the_limit(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent(strict=False)
    agent.start()

    for number in range(60):
        gauge = agent.gauge(f"number_{number}", labels=("kind",), max_label_sets=200)
        for kind in range(30):
            gauge.labels(kind=str(kind)).set(1)

    text = scrape(agent)
    own = {name for name, _ in samples(text) if name.startswith("agent_")}
    assert len(own) == 50
    assert len(samples(text)) <= 1000
    assert total(text, EXPORTER_FAILURES) == 10


def test_one_for_which_there_is_no_room_is_refused(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False, series_limit=500)
    agent.start()

    for number in range(50):
        agent.histogram(f"pages_{number}", labels=("kind",), buckets=range(1, 21)).labels(
            kind="pdf"
        ).observe(1)

    text = scrape(agent)
    assert total(text, EXPORTER_FAILURES) > 40
    assert 50 <= len(samples(text)) <= 500


def test_the_catalogue_leaves_their_names_alone() -> None:
    assert not [metric.name for metric in AGENT_METRICS if metric.name.startswith("agent_")]


def test_hostile_label_values_are_made_harmless(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False)
    agent.start()
    documents = agent.counter("documents_total", 'A "help"\nwith \\ everything \ud800', ("kind",))

    for value in ('a "quote"', "a\\b", "new\nline", "\ud800", "\x00", "é" * 10**6, b"1", None):
        documents.labels(kind=value).inc()

    text = scrape(agent)
    assert promtool_complaints(text) == ""
    assert total(text, "agent_documents_total") == 8
    assert "agent_documents" in openmetrics_names(scrape(agent, PROMETHEUS_ACCEPTS))
