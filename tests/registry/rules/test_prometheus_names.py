"""The names of a Prometheus: read beside the requests, kept while it is away."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from pulseguard_registry.errors import ConfigurationError, NamesUnknown
from pulseguard_registry.rules.checking import prometheus_names
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.checking.prometheus_names import (
    PrometheusNames,
    names_known,
    read_names,
)
from pulseguard_registry.settings import read_settings
from tests.prometheus.fakes import Asked, FakeServer, Reply, fake_server
from tests.registry.running import eventually

METADATA = {
    "node_load1": [{"type": "gauge", "help": "", "unit": ""}],
    "sent_total": [{"type": "counter", "help": "", "unit": ""}],
    "got": [{"type": "counter", "help": "", "unit": ""}],
    "took_seconds": [{"type": "histogram"}],
    "doubtful": [{"type": "counter"}, {"type": "gauge"}],
    "pulseguard_tokens_total": [{"type": "gauge"}],
}
NAMES = [
    *("node_load1", "sent_total", "got_total", "took_seconds_bucket", "took_seconds_created"),
    *("doubtful", "nobody_says", "pulseguard_tokens_total"),
]


def tells(asked: Asked) -> Reply:
    data: object = {
        "/api/v1/metadata": METADATA,
        "/api/v1/label/__name__/values": NAMES,
        "/api/v1/labels": ["__name__", "rack"],
    }[asked.path]
    return Reply(body=json.dumps({"status": "success", "data": data}).encode())


@pytest.fixture
def prometheus() -> Iterator[FakeServer]:
    with fake_server(tells) as server:
        yield server


def test_a_series_has_the_type_of_its_metric():
    known = names_known(NAMES, ["rack"], METADATA)

    assert {name: known.types[name] for name in NAMES} == {
        "node_load1": "gauge",
        "sent_total": "counter",
        "got_total": "counter",
        "took_seconds_bucket": "counter",
        "took_seconds_created": "gauge",
        "doubtful": "unknown",
        "nobody_says": "unknown",
        # What the catalogue says goes first.
        "pulseguard_tokens_total": "counter",
    }
    assert known.labels == catalogue_names().labels | {"rack"}
    assert known.asked_prometheus


def test_names_are_read_beside_and_kept_while_prometheus_is_away(
    prometheus: FakeServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(prometheus_names, "READ_SECONDS", 0.01)
    monkeypatch.setattr(prometheus_names, "AGAIN_SECONDS", 0.01)
    names = PrometheusNames(prometheus.url + "/")
    assert names() == catalogue_names()

    async def watch() -> None:
        running = asyncio.create_task(names.run())
        await asyncio.to_thread(eventually, lambda: "node_load1" in names().types)
        prometheus.reply = lambda asked: Reply(status=503)
        count = len(prometheus.asked)
        await asyncio.to_thread(eventually, lambda: len(prometheus.asked) > count + 4)
        assert "node_load1" in names().types
        assert not running.done()
        running.cancel()

    asyncio.run(watch())


def test_one_that_does_not_answer_holds_up_nothing(monkeypatch: pytest.MonkeyPatch):
    held = threading.Event()

    def hangs(url: str) -> None:
        held.wait(30)

    monkeypatch.setattr(prometheus_names, "read_names", hangs)

    async def end() -> None:
        running = asyncio.create_task(PrometheusNames("http://127.0.0.1:1").run())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running})

    try:
        asyncio.run(asyncio.wait_for(end(), 5))
    finally:
        held.set()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=404, body=b"not found"),
        Reply(body=b"<html>"),
        Reply(body=b'{"status":"error","error":"no"}'),
    ],
)
def test_what_is_no_prometheus_is_told_of_with_the_setting(prometheus: FakeServer, reply: Reply):
    prometheus.reply = lambda asked: reply

    with pytest.raises(NamesUnknown, match="PULSEGUARD_PROMETHEUS_URL"):
        read_names(prometheus.url)


def test_strange_answers_are_no_names(prometheus: FakeServer):
    strange: dict[str, object] = {"status": "success", "data": [1, None, {"a": []}]}
    prometheus.reply = lambda asked: Reply(body=json.dumps(strange).encode())

    assert read_names(prometheus.url).types == catalogue_names().types


def test_an_address_with_a_password_stops_the_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PULSEGUARD_PROMETHEUS_URL", "http://me:secret@host:9090")

    with pytest.raises(ConfigurationError, match="PULSEGUARD_PROMETHEUS_URL") as told:
        read_settings()
    assert "secret" not in str(told.value)
