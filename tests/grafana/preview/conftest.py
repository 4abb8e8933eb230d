"""A Prometheus with a past that is known."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pulseguard_grafana.fleet_rows.verdict import SHIPPED_GROUPS
from pulseguard_grafana.preview.evaluation import evaluate
from pulseguard_grafana.preview.prometheus import Prometheus
from pulseguard_stack.programs import find_program
from tests.prometheus_server import PrometheusServer

SCRAPE_SECONDS = 10
HOUR = 3_600
# Of each agent its environment, team, status, rank of trouble and tokens a second.
AGENTS = {
    "coder": ("production", "platform", "ONLINE", 0, 12.5),
    "support.chat": ("production", "service", "ERROR", 3, 2),
    "researcher": ("staging", "platform", "ONLINE", 0, 1500),
    "played": ("demo", "platform", "ONLINE", 0, 7),
}
# What each agent spends, in USD per second.
SPENT = 0.001
# Of a histogram, how many values a second are at most so large.
BUCKETS = {"0.5": 3, "1": 3, "+Inf": 4}
# Of two agents that do not tell the same buckets; the coarse one came after half an hour.
FINE = {"0.32": 1, "0.64": 2, "1.28": 3, "+Inf": 4}
COARSE = {"0.32": 1, "1.28": 3, "+Inf": 4}
# The value of a series at a Unix time; None where it has none.
Course = Callable[[int], float | None]


@pytest.fixture(scope="session")
def now() -> int:
    """When the past ends: within the last few seconds of every test."""
    return int(time.time())


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory, now: int) -> Iterator[PrometheusServer]:
    """One that scrapes nothing, with an hour of the past."""
    folder = tmp_path_factory.mktemp("prometheus")
    _backfill(folder, now)
    configuration = f"global: {{scrape_interval: {SCRAPE_SECONDS}s}}\n"
    with PrometheusServer(folder, configuration) as one:
        yield one


# Any: how evaluate is called.
@pytest.fixture
def previewed(prometheus: PrometheusServer, now: int) -> Callable[..., dict[str, Any]]:
    """Evaluates a dashboard at the end of the past; the answer is its JSON."""

    def preview(dashboard: Mapping[str, Any], **wanted: Sequence[str]) -> dict[str, Any]:
        evaluated = evaluate(
            dashboard,
            Prometheus(prometheus.url),
            wanted=wanted,
            since="1h",
            now=now,
            scrape_seconds=SCRAPE_SECONDS,
        )
        return evaluated.document()

    return preview


def _backfill(folder: Path, now: int) -> None:
    # A little into the future, so that the past does not end while the tests run.
    times = range(now - HOUR, now + 120, SCRAPE_SECONDS)
    series = _series(now - HOUR)
    # The samples of a name have to stand together.
    lines = [
        f"{each} {value} {at}"
        for each, course in sorted(series.items())
        for at in times
        if (value := course(at)) is not None
    ]
    (folder / "past.txt").write_text("\n".join([*lines, "# EOF", ""]))
    command = ["tsdb", "create-blocks-from", "openmetrics", "-q", "past.txt", "data"]
    subprocess.run([find_program("promtool"), *command], cwd=folder, check=True, timeout=60)


def _series(begin: int) -> dict[str, Course]:
    series: dict[str, Course] = {
        'up{job="registry"}': lambda at: 1,
        'up{job="registry-agents"}': lambda at: 1,
        'pulseguard_registry_agents{status="ONLINE"}': lambda at: len(AGENTS),
    }
    for group in SHIPPED_GROUPS:
        labels = f'{{rule_group="/etc/rules/{group}.yml;{group}"}}'
        series |= {
            f"prometheus_rule_group_last_evaluation_timestamp_seconds{labels}": float,
            f"prometheus_rule_group_interval_seconds{labels}": _always(10),
        }
    for agent, (environment, team, status, rank, tokens) in AGENTS.items():
        labels = (
            f'agent="{agent}",agent_id="id of {agent}",instance="one",'
            f'environment="{environment}",team="{team}"'
        )
        series |= {
            f'pulseguard_registry_agent_status{{{labels},status="{status}"}}': _always(1),
            f"pulseguard:agent_trouble:rank{{{labels}}}": _always(rank),
            f"pulseguard:agent_tokens_processed:rate5m{{{labels}}}": _always(tokens),
            f"pulseguard:agent_cost_usd:sum{{{labels}}}": lambda at: SPENT * (at - begin),
            # Each is the only one of its team and environment.
            f'pulseguard:model_tokens:rate5m{{environment="{environment}",team="{team}"}}': _always(
                tokens
            ),
        }
    series |= _histogram("wait_seconds", "", BUCKETS, begin)
    series |= _histogram("mixed_seconds", 'agent="fine"', FINE, begin)
    series |= _histogram("mixed_seconds", 'agent="coarse"', COARSE, begin + HOUR // 2)
    return {
        **series,
        # Working, and after the first half hour stuck.
        "state_place": lambda at: 1 if at < begin + HOUR / 2 else 3,
        "not_a_number": _always(math.nan),
    }


def _always(value: float) -> Course:
    return lambda at: value


def _rising(rate: float, begin: int) -> Course:
    return lambda at: rate * (at - begin) if at >= begin else None


def _histogram(
    name: str, labels: str, buckets: Mapping[str, float], begin: int
) -> dict[str, Course]:
    """Its buckets and its count."""
    found = {
        f'{name}_bucket{{{labels}{"," if labels else ""}le="{bound}"}}': _rising(rate, begin)
        for bound, rate in buckets.items()
    }
    return {**found, f"{name}_count{{{labels}}}": _rising(buckets["+Inf"], begin)}
