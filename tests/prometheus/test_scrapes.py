"""What sync tells the registry of the scrapes of the Prometheus beside it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from pulseguard_prometheus import scrapes
from pulseguard_prometheus.errors import ScrapesTrouble
from pulseguard_prometheus.registry import RegistryConnection
from pulseguard_prometheus.scrapes import REPORT_SECONDS, ScrapesReport, scrapes_of
from pulseguard_prometheus.settings import ServerAddress
from pulseguard_prometheus.settling import settling_seconds
from tests.prometheus.fakes import JSON, FakeServer, Reply, fake_server

ONE, TWO, THREE = (f"00000000-0000-4000-8000-00000000000{number}" for number in range(3))


def answer(*targets: tuple[str | None, str]) -> dict[str, object]:
    """What Prometheus says of its active targets: agent_id and health."""
    active = [
        {"labels": {"job": "agents", **({"agent_id": one} if one else {})}, "health": health}
        for one, health in targets
    ]
    return {"status": "success", "data": {"activeTargets": active}}


def test_each_agent_that_was_scraped_is_told_once_with_the_better_state() -> None:
    targets = [(ONE, "up"), (ONE, "down"), (TWO, "down"), (THREE, "unknown")]

    assert scrapes_of(answer(*targets)) == {ONE: "up", TWO: "down"}
    assert scrapes_of(answer(*targets[::-1])) == {ONE: "up", TWO: "down"}


def test_targets_of_other_jobs_are_none_of_ours() -> None:
    assert scrapes_of(answer((None, "up"), ("7", "up"), (ONE.replace("-", ""), "up"))) == {}


@pytest.mark.parametrize(
    "said", [[], {}, {"data": None}, {"data": {"activeTargets": [1]}}, "<html>"], ids=repr
)
def test_what_is_no_answer_of_prometheus_is_not_told(said: object) -> None:
    with pytest.raises(ScrapesTrouble, match="PULSEGUARD_PROMETHEUS_URL"):
        scrapes_of(said)


def address(server: FakeServer) -> ServerAddress:
    return ServerAddress("http", "127.0.0.1", server.port, "")


@contextmanager
def report(prometheus: FakeServer, registry: FakeServer) -> Iterator[ScrapesReport]:
    """What tells this registry of this Prometheus."""
    with closing(RegistryConnection(address(registry))) as connection:
        yield ScrapesReport(
            prometheus=address(prometheus),
            registry=connection,
            name="eu/1",
            read_key=lambda: "secret",
        )


def test_the_registry_is_told_with_the_key_that_prometheus_never_sees() -> None:
    targets = Reply(200, JSON, json.dumps(answer((ONE, "up"))).encode())
    with (
        fake_server(lambda asked: targets) as prometheus,
        fake_server(lambda asked: Reply(200, JSON, b"{}")) as registry,
        report(prometheus, registry) as telling,
    ):
        telling.run_once()

        (told,) = registry.asked
        assert told.path == "/api/v1/sync/eu%2F1"
        assert told.headers["Authorization"] == "Bearer secret"
        assert json.loads(told.body) == {"scrapes": {ONE: "up"}}
        assert "Authorization" not in prometheus.asked[0].headers


def started(seconds_ago: float) -> Reply:
    """What Prometheus says of its start, as finely as it does."""
    start = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    document = {"data": {"startTime": f"{start:%Y-%m-%dT%H:%M:%S.%f}789Z"}}
    return Reply(200, JSON, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("start", "is_told"),
    [
        (lambda: started(2), False),
        # By a clock that is ahead.
        (lambda: started(-2), False),
        (lambda: started(3600), True),
        (lambda: Reply(404), True),
        (lambda: Reply(200, JSON, b'{"data": {"startTime": "soon"}}'), True),
        (lambda: Reply(200, JSON, b"[]"), True),
    ],
    ids=["now", "soon", "long ago", "none", "no time", "no object"],
)
def test_a_prometheus_that_has_just_started_is_told_of_once_it_knows_its_targets_again(
    start: Callable[[], Reply], is_told: bool
) -> None:
    targets, began = Reply(200, JSON, json.dumps(answer()).encode()), start()
    with (
        fake_server(lambda asked: targets if "targets" in asked.path else began) as prometheus,
        fake_server(lambda asked: Reply(200, JSON, b"{}")) as registry,
        report(prometheus, registry) as telling,
    ):
        assert telling.run_once() == REPORT_SECONDS
        assert bool(registry.asked) is is_told


def test_it_is_told_of_as_soon_as_it_knows_them() -> None:
    now = datetime.now(UTC)

    left = [
        settling_seconds(now - timedelta(seconds=ago), now) for ago in (0, 15, 24, 25, 9999, -24)
    ]

    assert left == [25, 10, 1, 0, 0, 1]
    assert settling_seconds(None, now) == 0


def test_an_answer_that_nobody_can_read_is_trouble_like_any_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nested = Reply(200, JSON, b"[" * 100_000)
    with (
        fake_server(lambda asked: nested) as prometheus,
        fake_server(lambda asked: Reply(200, JSON, b"{}")) as registry,
        report(prometheus, registry) as telling,
    ):
        assert telling.run_once() == REPORT_SECONDS

    assert "Prometheus does not answer" in caplog.text


def test_a_prometheus_that_never_stops_talking_is_given_up_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scrapes, "ANSWER_TIMEOUT_SECONDS", 0.3)
    dripping = Reply(200, JSON, b"[", (b" ",) * 100, pause_seconds=0.1)
    with (
        fake_server(lambda asked: dripping) as prometheus,
        fake_server(lambda asked: Reply(200, JSON, b"{}")) as registry,
        report(prometheus, registry) as telling,
    ):
        began = time.monotonic()
        telling.run_once()

    assert time.monotonic() - began < 2
    assert "Prometheus does not answer" in caplog.text


def test_trouble_is_said_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with (
        fake_server(lambda asked: Reply(503)) as prometheus,
        fake_server(lambda asked: Reply(200, JSON, b"{}")) as registry,
        report(prometheus, registry) as telling,
    ):
        for _ in range(2):
            telling.run_once()
        targets = Reply(200, JSON, json.dumps(answer()).encode())
        just_started = started(1)
        prometheus.reply = lambda asked: targets if "targets" in asked.path else just_started
        telling.run_once()
        assert registry.asked == []
        # It begins to be told of with this, and not before.
        assert "again" not in caplog.text
        prometheus.reply = lambda asked: targets
        for _ in range(2):
            telling.run_once()

    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "Prometheus answers 503" in said[0]
    assert "again" in said[1]
