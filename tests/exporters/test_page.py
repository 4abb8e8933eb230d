"""What stands on /metrics, in both formats, judged by prometheus_client's own parsers."""

import gzip
import urllib.error
import urllib.request

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from pulseguard import Agent
from pulseguard.catalog import OPERATION_DURATION
from pulseguard.scraping.page import OPENMETRICS, TEXT, accepts_gzip, content_type
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import PROMETHEUS_ACCEPTS, promtool_complaints, samples, scrape
from tests.exporters.test_catalogue import use_everything

HOSTILE = ('a "quote"', "back\\slash", "new\nline", "\ud800", "\x00", "é" * 300, "{}=,", "")


def ask(agent: Agent, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of /metrics."""
    request = urllib.request.Request(f"http://{agent.metrics_address}/metrics", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read(), dict(refused.headers)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
        (PROMETHEUS_ACCEPTS, OPENMETRICS),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "text/plain;version=0.0.4;q=0.4",
            OPENMETRICS,
        ),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;version=7.0.0", TEXT),
        ("application/openmetrics-text;q=nonsense,;;;,=", TEXT),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept: str, expected: str) -> None:
    assert content_type(accept) == expected


@pytest.mark.parametrize(
    ("asked", "taken"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("gzip;q=0", False), ("", False)],
)
def test_gzip_is_used_where_it_is_taken(asked: str, taken: bool) -> None:
    assert accepts_gzip(asked) is taken


def test_both_formats_hold_the_same_samples(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False, detail="standard")
    agent.start()
    use_everything(agent)
    scrape(agent)  # the host's CPU is known from the second scrape on

    text = samples(scrape(agent))
    parse = openmetrics.text_string_to_metric_families
    families = list(parse(scrape(agent, PROMETHEUS_ACCEPTS)))  # type: ignore[no-untyped-call]
    strict = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }

    moving = {
        name for name, _ in text if name.startswith(("pulseguard_process", "pulseguard_host"))
    }
    moving |= {"pulseguard_exporter_collect_duration_seconds", "pulseguard_exporter_series"}
    still = {key: value for key, value in text.items() if key[0] not in moving}
    assert {key: value for key, value in strict.items() if key[0] not in moving} == still
    assert text.keys() - strict.keys() == set()


def test_no_value_breaks_the_page(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False)
    agent.start()
    for value in HOSTILE:
        with agent.llm_call(provider=value, model=value) as call:
            call.usage(input_tokens=1)
        with agent.tool(value):
            pass
        agent.evaluation(value, 0.5)

    text = scrape(agent)
    assert promtool_complaints(text) == ""
    assert list(text_string_to_metric_families(text))
    list(openmetrics.text_string_to_metric_families(scrape(agent, PROMETHEUS_ACCEPTS)))  # type: ignore[no-untyped-call]
    assert ("gen_ai_provider_name", 'a "quote"') in {
        pair for (_, labels) in samples(text) for pair in labels
    }


def test_what_prometheus_asks_for_is_packed_openmetrics(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    status, body, headers = ask(agent, Accept=PROMETHEUS_ACCEPTS, **{"Accept-Encoding": "gzip"})

    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert headers["Content-Type"] == OPENMETRICS
    assert gzip.decompress(body).endswith(b"# EOF\n")


def test_with_a_token_only_its_bearer_sees_the_metrics(make_agent: MakeAgent) -> None:
    agent = make_agent(metrics_token="open sesame")
    agent.start()

    without, body, headers = ask(agent)
    assert (without, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"pulseguard" not in body
    for wrong in ("Bearer open", "Basic open sesame", "open sesame", "Bearer", "Bearer \xff"):
        assert ask(agent, Authorization=wrong)[0] == 401
    assert ask(agent, Authorization="Bearer open sesame")[0] == 200


@pytest.mark.parametrize("arguments", [{"metrics_token": "\n"}, {"metrics_token": "é"}])
def test_a_token_that_cannot_be_used_leaves_nothing_open(
    make_agent: MakeAgent, arguments: dict[str, str]
) -> None:
    agent = make_agent(strict=False, **arguments)
    agent.start()

    assert ask(agent)[0] == 401


def test_a_call_within_a_sampled_trace_leaves_its_id_as_an_exemplar(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    tracer = TracerProvider().get_tracer("test")

    with tracer.start_as_current_span("turn") as span:
        with agent.llm_call("openai", "gpt-4o"):
            pass
        with agent.llm_call("openai", "gpt-4o") as failed:
            failed.error("timeout")
    trace_id = f"{span.get_span_context().trace_id:032x}"

    parse = openmetrics.text_string_to_metric_families
    families = list(parse(scrape(agent, PROMETHEUS_ACCEPTS)))  # type: ignore[no-untyped-call]
    (durations,) = (each for each in families if each.name == OPERATION_DURATION.name)
    found = [sample.exemplar for sample in durations.samples if sample.exemplar]
    assert [exemplar.labels for exemplar in found] == [{"trace_id": trace_id}] * 2
    assert all(0 <= exemplar.value < 1 for exemplar in found)
    assert "trace_id" not in scrape(agent)


def test_a_trace_that_is_not_sampled_leaves_none(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    tracer = TracerProvider(sampler=ALWAYS_OFF).get_tracer("test")

    with tracer.start_as_current_span("turn"), agent.llm_call("openai", "gpt-4o"):
        pass

    assert "trace_id" not in scrape(agent, PROMETHEUS_ACCEPTS)
