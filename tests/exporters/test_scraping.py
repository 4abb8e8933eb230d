"""The /metrics page: what it serves, and to whom."""

import gzip
import http.client
import socket
import sys
import threading
import urllib.request

import pytest

from pulseguard import Agent
from pulseguard.catalog import AGENT_METRICS, OPERATION_DURATION, TOKENS
from pulseguard.identity import compute_agent_id
from pulseguard.recording.series import Series
from pulseguard.scraping.answer import ANOTHER_AGENT, Answering
from pulseguard_registry.agents.identity import agent_id
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import (
    PROMETHEUS_ACCEPTS,
    openmetrics_names,
    promtool_complaints,
    scrape,
    total,
    wait_until,
)
from tests.exporters.work import work


def ask(agent: Agent, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
    assert agent.metrics_address
    connection = http.client.HTTPConnection(agent.metrics_address, timeout=5)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    connection.close()
    return response


@pytest.mark.parametrize("detail", ["lean", "standard"])
def test_promtool_has_nothing_to_say(make_agent: MakeAgent, detail: str) -> None:
    agent = make_agent(detail=detail)
    agent.start()
    work(agent)
    agent.evaluation("accuracy", 1)
    with agent.tool("search"):
        pass

    assert promtool_complaints(scrape(agent)) == ""


def test_prometheus_gets_openmetrics_packed(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    work(agent)

    response = ask(
        agent, "GET", "/metrics", **{"Accept": PROMETHEUS_ACCEPTS, "Accept-Encoding": "gzip"}
    )

    text = gzip.decompress(response.read()).decode()
    assert (response.getheader("Content-Type") or "").startswith("application/openmetrics-text")
    assert response.getheader("Content-Encoding") == "gzip"
    assert OPERATION_DURATION.name in openmetrics_names(text)
    assert "_created" not in text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/metrics?name[]=x", 200),
        ("GET", "/other", 404),
        ("POST", "/metrics", 405),
        ("GET", "/../etc/passwd", 404),
    ],
)
def test_only_the_page_is_served(
    make_agent: MakeAgent, method: str, path: str, status: int
) -> None:
    agent = make_agent()
    agent.start()

    assert ask(agent, method, path).status == status


@pytest.mark.parametrize(
    ("environment", "name", "instance"),
    [
        ("production", "invoice-bot", "web-1-0"),
        ("a", "b", "c"),
        ("demo", 'a "quoted" name', "back\\slash"),
        ("größe", "请求", "\U0001f600\u202e"),
        ("\ufffd", " spaced ", "x" * 120),
        ('a", "b', "c", "\x7f\t"),
    ],
    ids=ascii,
)
def test_an_agent_computes_the_id_that_the_registry_gives_it(
    environment: str, name: str, instance: str
) -> None:
    computed = compute_agent_id(environment, name, instance)

    assert computed == str(agent_id(environment, name, instance))


MINE = "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("?agent_id=", 200),
        ("?name[]=x", 200),
        (f"?agent_id={MINE}", 200),
        (f"?x=1&agent_id={MINE.upper()}", 200),
        (f"?agent_id={MINE[:-1]}6", 404),
        ("?agent_id=x", 404),
        (f"?agent_id={MINE}&agent_id=x", 404),
    ],
)
def test_a_scrape_that_is_meant_for_another_agent_is_refused_with_the_reason(
    query: str, status: int
) -> None:
    series = Series(AGENT_METRICS, "lean", 1000)
    answering = Answering(series.read, series, identify=lambda: MINE)

    answer = answering(f"GET /metrics{query} HTTP/1.1\r\n\r\n".encode())

    head, _, body = answer.content.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert (ANOTHER_AGENT.encode() in body) == (status == 404)
    # What was refused is not taken for a scrape, for which a stopping agent waits.
    assert (answer.changes is None) == (status == 404)


def test_an_agent_knows_who_it_is_without_a_registry(make_agent: MakeAgent) -> None:
    agent = make_agent("invoice-bot", environment="demo", instance="web-1-0")
    agent.start()
    mine = agent_id("demo", "invoice-bot", "web-1-0")
    another = agent_id("demo", "invoice-bot", "web-1-1")

    assert ask(agent, "GET", f"/metrics?agent_id={mine}").status == 200
    assert ask(agent, "GET", f"/metrics?agent_id={another}").status == 404
    assert ask(agent, "GET", "/metrics").status == 200


def test_with_a_token_nobody_learns_whose_page_it_is() -> None:
    series = Series(AGENT_METRICS, "lean", 1000)
    answering = Answering(series.read, series, "secret", lambda: MINE)

    answer = answering(b"GET /metrics?agent_id=x HTTP/1.1\r\n\r\n")

    assert answer.content.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "head", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"x" * 40_000]
)
def test_rubbish_is_refused_and_scraping_goes_on(make_agent: MakeAgent, head: bytes) -> None:
    agent = make_agent()
    agent.start()
    assert agent.metrics_address
    host, port = agent.metrics_address.split(":")

    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(head)
        answer = client.recv(100)

    assert answer.startswith(b"HTTP/1.1 4")
    assert scrape(agent)


def test_a_taken_port_is_told_and_another_serves(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        agent = make_agent(metrics_port=port)

        agent.start()

        assert agent.metrics_address != f"127.0.0.1:{port}"
        assert scrape(agent)
    lines = [each.getMessage() for each in caplog.records if "taken" in each.getMessage()]
    assert len(lines) == 1
    assert str(port) in lines[0]


def test_an_address_that_cannot_be_had_leaves_the_agent_alone(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False, metrics_host="203.0.113.1")

    agent.start()
    work(agent)

    assert agent.metrics_address is None


def test_after_stop_the_port_is_free(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    assert agent.metrics_address
    host, port = agent.metrics_address.split(":")

    agent.stop()

    with socket.create_server((host, int(port))):
        pass


def test_a_scrape_is_of_one_moment(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    stop = threading.Event()

    def record() -> None:
        while not stop.is_set():
            with agent.llm_call("p", "m") as call:
                call.usage(input_tokens=2, output_tokens=1)

    threads = [threading.Thread(target=record) for _ in range(2)]
    switch_interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            text = scrape(agent)
            calls = total(text, f"{OPERATION_DURATION.name}_count")
            assert total(text, f"{OPERATION_DURATION.name}_bucket", le="+Inf") == calls
            assert total(text, TOKENS) == 3 * calls
    finally:
        sys.setswitchinterval(switch_interval)
        stop.set()
        for thread in threads:
            thread.join()


def test_a_page_that_cannot_be_made_is_a_500_and_the_next_may_be_made(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make_agent(strict=False)
    agent.start()

    with monkeypatch.context() as patch:
        patch.setattr("pulseguard.scraping.collection.AGENT_STATES", None)
        broken = ask(agent, "GET", "/metrics").status

    assert broken == 500
    wait_until(lambda: urllib.request.urlopen(f"http://{agent.metrics_address}/metrics").read())
