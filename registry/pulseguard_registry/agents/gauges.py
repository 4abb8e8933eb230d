"""The gauges of /metrics/agents, in the part that both text formats of Prometheus share.

prometheus_client makes objects of each sample: with ten thousand agents that takes 0.6 s, here it
is text from the start. https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, String, cast, func, select, text
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.status import STATUSES, status_expression
from pulseguard_registry.scrapes.service import is_up_by_agent, scraped_expression

# Few: they are dropped after the retention, and a day that is made takes its own over.
_LATE_SNAPSHOTS = text("SELECT count(*) FROM ai_metrics_default")
_ESCAPED = {"\\": r"\\", '"': r"\"", "\n": r"\n"}


class Gauge:
    """One metric with its samples."""

    def __init__(self, metric: catalog.Metric) -> None:
        self._name = metric.name
        self._lines = [f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"]

    def add(self, labels: str, value: float) -> None:
        """One sample; `labels` as `labels_of` writes them."""
        self._lines.append(f"{self._name}{{{labels}}} {value}\n")

    def __str__(self) -> str:
        return "".join(self._lines)


def labels_of(names: Iterable[str], values: Iterable[str]) -> str:
    """Labels as they stand between the braces."""
    pairs = zip(names, values, strict=True)
    return ",".join([f'{name}="{_escaped(value)}"' for name, value in pairs])


def agent_gauges(session: Session, offline_after_seconds: float) -> str:
    """Status, last sign of life and scrape of each agent that was not retired, how many have which
    status, and how many snapshots came late."""
    total, late = Gauge(catalog.REGISTRY_AGENTS), Gauge(catalog.REGISTRY_LATE_SNAPSHOTS)
    status, last_seen = Gauge(catalog.AGENT_STATUS), Gauge(catalog.AGENT_LAST_SEEN)
    scraped = Gauge(catalog.AGENT_SCRAPED)
    counts: dict[str, int] = dict.fromkeys(STATUSES, 0)
    for *identity, now, seen, scrape in session.execute(_agents(offline_after_seconds)):
        labels = labels_of(catalog.AGENT_LAST_SEEN.labels, identity)
        counts[now] += 1
        status.add(f'{labels},{catalog.LABEL_STATUS}="{now}"', 1)
        if seen is not None:
            last_seen.add(labels, float(seen))
        if scrape is not None:
            scraped.add(labels, int(scrape == "up"))
    for name, count in counts.items():
        total.add(labels_of(catalog.REGISTRY_AGENTS.labels, [name]), count)
    late.add("", session.execute(_LATE_SNAPSHOTS).scalar_one())
    return "".join(map(str, (total, late, status, last_seen, scraped)))


def _agents(offline_after_seconds: float) -> Select[*tuple[Any, ...]]:
    is_up = is_up_by_agent()
    identity = (Agent.name, Agent.instance, Agent.type, Agent.environment, Agent.team)
    return (
        select(
            cast(Agent.id, String),
            *identity,
            status_expression(offline_after_seconds),
            func.extract("epoch", Agent.last_seen_at),
            scraped_expression(is_up.c.is_up),
        )
        .outerjoin(is_up, is_up.c.agent_id == Agent.id)
        .where(Agent.retired_at.is_(None))
        .order_by(Agent.id)
    )


def _escaped(value: str) -> str:
    for character, escape in _ESCAPED.items():
        value = value.replace(character, escape)
    return value
