"""What a rule would do, told by a real Prometheus that has a day of two agents."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulseguard_stack.programs import find_program
from tests.prometheus_server import PrometheusServer
from tests.registry.conftest import new_database
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, running_registry
from tests.started_program import free_port

PATH = "/api/v1/alert-rules/preview"
MINUTE = 60
# In minutes before now, first and last: when the queue of each agent was long.
LONG = {"a": [(300, 290), (120, 118), (8, 0)], "b": [(2, 0)]}
RULE = {"kind": "alert", "name": "QueueLong", "expr": "queue > 5", "for": "5m"}


@pytest.fixture(scope="module")
def now() -> int:
    return int(time.time())


@pytest.fixture(scope="module")
def registry(
    postgres: str, tmp_path_factory: pytest.TempPathFactory, now: int
) -> Iterator[RunningRegistry]:
    """A registry that knows a Prometheus with the past above."""
    folder = tmp_path_factory.mktemp("prometheus")
    backfill(folder, now)
    secrets = tmp_path_factory.mktemp("s")
    with (
        PrometheusServer(folder, "global: {}\n") as prometheus,
        new_database(postgres, "used") as url,
        running_registry(url, secrets, prometheus_url=prometheus.url) as one,
    ):
        yield one


def backfill(folder: Path, now: int) -> None:
    """Blocks of a sample a minute."""
    series = 'queue{{agent="{0}",agent_id="{0}"}} {1} {2}'
    samples = [
        series.format(agent, length(agent, minute), now - minute * MINUTE)
        for agent in LONG
        for minute in range(420, -1, -1)
    ]
    text = "\n".join(["# TYPE queue gauge", *samples, "# EOF", ""])
    (folder / "past.txt").write_text(text)
    command = ["tsdb", "create-blocks-from", "openmetrics", "-q", "past.txt", "data"]
    subprocess.run([find_program("promtool"), *command], cwd=folder, check=True, timeout=60)


def length(agent: str, minute: int) -> int:
    return 9 if any(first >= minute >= last for first, last in LONG[agent]) else 1


def preview(registry: RunningRegistry, **changed: Any) -> Any:
    answer = registry.post(PATH, RULE | {"hours": 6} | changed)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_preview_says_who_fires_now_and_how_often_it_would_have_fired(
    registry: RunningRegistry, now: int
):
    told = preview(registry)

    assert [(one["labels"]["agent"], one["state"]) for one in told["now"]] == [
        ("a", "firing"),
        ("b", "pending"),
    ]
    assert (told["series"], told["firing"]) == (2, 1)
    assert [one["ended"] is None for one in told["past"]] == [True, False]
    assert (told["fired"], told["fired_for_agents"]) == (2, 1)


def test_without_a_for_what_holds_for_a_moment_has_fired_as_well(registry: RunningRegistry):
    told = preview(registry, **{"for": None})

    assert {one["state"] for one in told["now"]} == {"firing"}
    assert told["fired"] == 4


def test_what_is_kept_firing_fires_once_where_it_would_have_twice(registry: RunningRegistry):
    told = preview(registry, **{"for": None, "keep_firing_for": "3h"})

    assert told["fired"] == 2


def test_what_fired_before_the_time_that_is_asked_for_is_left_out(registry: RunningRegistry):
    assert preview(registry, hours=4)["fired"] == 1


def test_a_long_for_is_looked_at_in_longer_steps(registry: RunningRegistry):
    told = preview(registry, hours=1, **{"for": "2d"})

    assert told["step_seconds"] == 122
    assert {one["state"] for one in told["now"]} == {"pending"}


def test_values_are_as_prometheus_writes_them(registry: RunningRegistry):
    told = preview(registry, expr="queue * 1234567 > 0", **{"for": None})

    assert {one["value"] for one in told["now"]} == {"11111103"}
    assert {one["value"] for one in told["past"]} == {"11111103"}


def test_a_recording_rule_is_previewed_as_the_series_that_it_makes(registry: RunningRegistry):
    rule = {"kind": "record", "name": "team:queue:max", "expr": "max(queue)", "labels": {"x": "y"}}

    told = registry.post(PATH, rule).json()

    assert told["now"] == [{"labels": {"x": "y"}, "value": "9", "state": "recorded", "since": None}]
    assert told["past"] == []


def test_an_expression_that_prometheus_refuses_names_the_field(registry: RunningRegistry):
    answer = registry.post(PATH, RULE | {"expr": "queue * on () queue"})

    assert_problem(answer, 422, "expr", "Prometheus")


def test_a_prometheus_that_is_away_is_told_as_such(
    postgres: str, tmp_path: Path, registry: RunningRegistry
):
    url = f"http://127.0.0.1:{free_port()}"
    patched = registry.app.state.settings.model_copy(update={"prometheus_url": url})
    kept, registry.app.state.settings = registry.app.state.settings, patched
    try:
        assert_problem(registry.post(PATH, RULE), 503, url)
    finally:
        registry.app.state.settings = kept
