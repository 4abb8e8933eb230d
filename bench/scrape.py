"""A scrape of 1,000 series as Prometheus asks for it: OpenMetrics, gzip."""

import gzip
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import _bake_output
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from bench.rounds import Comparison, Result, in_turn, scaled
from pulseguard import Agent
from pulseguard.scraping.answer import Answering

ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
HEAD = f"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {ACCEPT}\r\nAccept-Encoding: gzip".encode()
TIMES = 5
SERIES = 1000


def run() -> Iterator[Result]:
    """The whole answer, packed, beside prometheus_client's for the same samples."""
    answering = _answering()
    page = gzip.decompress(answering(HEAD).content.partition(b"\r\n\r\n")[2]).decode()
    floor = _same_samples(page)
    theirs = gzip.decompress(floor()).decode()
    samples = _samples(page)
    assert samples == _samples(theirs), "the two pages do not hold the same samples"
    assert len(samples) >= SERIES, f"{len(samples)} samples are too few for what is promised"
    mine, their_times = in_turn(lambda: answering(HEAD), floor, TIMES)
    yield Comparison(
        f"scrape of {len(samples):,} samples",
        "ms",
        scaled(mine, 1e3),
        scaled(their_times, 1e3),
        "prometheus_client",
        0.6,
    )


def _answering() -> Answering:
    agent = Agent("bench", metrics_port=0, strict=True, detail="standard", series_limit=2000)
    for number in range(6):
        with agent.llm_call("openai", f"model-{number}") as call:
            call.first_chunk()
            call.usage(input_tokens=812, output_tokens=164, cache_read_tokens=100)
            call.context(window=128_000)
    for number in range(25):
        with agent.tool(f"tool-{number}"):
            pass
    for name in ("accuracy", "confidence", "groundedness"):
        agent.evaluation(name, 0.9)
    recorder = agent._recorder
    return Answering(agent._exporter._collection.read, recorder.series)


def _same_samples(page: str) -> Callable[[], bytes]:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    for family in text_string_to_metric_families(page):  # type: ignore[no-untyped-call]
        sets = dict.fromkeys(
            tuple((name, value) for name, value in sample.labels.items() if name != "le")
            for sample in family.samples
        )
        names = [name for name, _ in next(iter(sets))]
        if family.type == "histogram":
            bounds = sorted({float(s.labels["le"]) for s in family.samples if "le" in s.labels})
            made: Histogram | Counter | Gauge = Histogram(
                family.name, family.documentation, names, registry=registry, buckets=bounds
            )
        else:
            kind = Counter if family.type == "counter" else Gauge
            made = kind(family.name, family.documentation, names, registry=registry)
        for labels in sets:
            one = made.labels(**dict(labels)) if labels else made
            one.observe(0.3) if isinstance(one, Histogram) else one.inc(3.5)
    bake = _bake_output
    return lambda: bytes(bake(registry, ACCEPT, "gzip", {}, False)[2])  # type: ignore[no-untyped-call]


def _samples(page: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    families = text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in families
        for sample in family.samples
    }
