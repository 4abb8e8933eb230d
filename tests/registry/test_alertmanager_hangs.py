"""An Alertmanager that hangs takes neither threads nor connections from anybody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.registry.conftest import new_database
from tests.registry.running import RunningRegistry, running_registry
from tests.registry.strange_alertmanager import StrangeAlertmanager, strange_alertmanager

ALERTS = "/api/v1/alerts"
RECEIVERS = '[{"name": "registry"}, {"name": "deadman"}, {"name": "slack"}]'
VIEWERS = 80


@pytest.fixture(scope="module")
def strange() -> Iterator[StrangeAlertmanager]:
    """One that routes every alert to Slack and tells of no silence."""
    routed = '[{"receivers": [{"name": "registry"}, {"name": "slack"}]}]'
    answers = {"/api/v2/receivers": RECEIVERS, "/api/v2/alerts": routed, "/metrics": ""}
    with strange_alertmanager(answers) as one:
        yield one


@pytest.fixture(scope="module")
def registry(
    postgres: str, strange: StrangeAlertmanager, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRegistry]:
    """A registry that knows this Alertmanager."""
    with (
        new_database(postgres, "used") as url,
        running_registry(url, tmp_path_factory.mktemp("s"), alertmanager_url=strange.url) as one,
    ):
        yield one


def test_our_own_receivers_are_nobody_whom_alerts_reach(registry: RunningRegistry) -> None:
    assert registry.get(f"{ALERTS}/receivers").json()["receivers"] == ["slack"]


def test_what_became_of_a_test_alert_is_known_when_alertmanager_has_forgotten_it(
    registry: RunningRegistry, strange: StrangeAlertmanager
) -> None:
    sent = registry.post(f"{ALERTS}/test", None).json()
    told = {**strange.answers}

    def result(**answers: str) -> Any:
        strange.answers = told | answers
        return registry.get(f"{ALERTS}/test", params={"test_id": sent["test_id"]}).json()

    counted = 'alertmanager_notification_requests_total{integration="slack"} 1\n'
    not_yet = result(**{"/api/v2/alerts": "[]"})
    taken = result(**{"/metrics": counted})
    later = result(**{"/api/v2/alerts": "[]"})

    assert (not_yet["reached"], not_yet["judged_at"]) == (None, None)
    assert taken["reached"] is True
    assert later == taken


def test_nobody_else_waits_while_it_hangs(
    registry: RunningRegistry, strange: StrangeAlertmanager
) -> None:
    strange.hangs = True

    def timed(method: str, path: str) -> tuple[int, float]:
        begun = time.monotonic()
        answer = registry.client.request(method, path, headers=registry.bearer(None))
        return answer.status_code, time.monotonic() - begun

    with ThreadPoolExecutor(VIEWERS) as crowd:
        asked = [crowd.submit(timed, "GET", f"{ALERTS}/receivers") for _ in range(VIEWERS - 1)]
        asked.append(crowd.submit(timed, "POST", f"{ALERTS}/test"))
        others = [timed("GET", "/api/v1/agents") for _ in range(5)]
        answers = [each.result() for each in asked]

    assert {status for status, _ in others} == {200}
    assert max(seconds for _, seconds in others) < 2
    assert {status for status, _ in answers} == {200, 503}
    assert max(seconds for _, seconds in answers) < 4.5
