"""The gauges of /metrics/agents, in the part that both text formats of Prometheus share.

PostgreSQL writes the lines. Objects of prometheus_client for ten thousand agents take 0.6 s, text
made here still a tenth of a second in which nobody else gets on.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import CTE, ColumnElement, String, case, cast, func, literal, select, text
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.agents.status import STATUSES
from pulseguard_registry.scrapes.disagreement import counts_among, known_kinds, seen_agents

# Few: they are dropped after the retention, and a day that is made takes its own over.
_LATE_SNAPSHOTS = text("SELECT count(*) FROM ai_metrics_default")
_ESCAPED = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
# Those of which PostgreSQL keeps no text of an agent's own.
_PLAIN = ("id", "type")
# By label, the column of `seen_agents` with its value.
_IDENTITY = dict(
    zip(
        catalog.AGENT_LAST_SEEN.labels,
        ("id", "name", "instance", "type", "environment", "team"),
        strict=True,
    )
)
# By gauge, the column of `_told` with its value.
_OF_EACH = {
    catalog.AGENT_STATUS: "one",
    catalog.AGENT_LAST_SEEN: "last_seen",
    catalog.AGENT_SCRAPED: "scraped",
    catalog.AGENT_TWO_PROCESSES: "two_processes",
}


def agent_gauges(session: Session, offline_after_seconds: float) -> str:
    """Status, last sign of life and scrape of each agent that was not retired, as which of them two
    processes beat, how many have which status, how many snapshots came late, and about how many
    agents inventory, heartbeats and scrapes disagree."""
    seen = seen_agents(offline_after_seconds)
    agents = _told(seen)
    counts = [func.count().filter(agents.c.status == name).label(name) for name in STATUSES]
    samples = [_samples(metric, agents) for metric in _OF_EACH]
    odd = counts_among(seen).label("odd")
    found = session.execute(select(*counts, *samples, odd)).mappings().one()
    total, late = catalog.REGISTRY_AGENTS, catalog.REGISTRY_LATE_SNAPSHOTS
    disagreeing = catalog.REGISTRY_DISAGREEMENTS
    odd_ones = {**dict.fromkeys(known_kinds(session), 0), **found["odd"]}
    return "".join(
        (
            _family(total, _counts(total, [(name, found[name]) for name in STATUSES])),
            _family(late, f"{late.name} {session.execute(_LATE_SNAPSHOTS).scalar_one()}\n"),
            _family(disagreeing, _counts(disagreeing, odd_ones.items())),
            *(_family(metric, found[metric.name]) for metric in _OF_EACH),
        )
    )


def _family(metric: catalog.Metric, samples: str | None) -> str:
    head = f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"
    return head + (samples or "")


def _counts(metric: catalog.Metric, counts: Iterable[tuple[str, int]]) -> str:
    """A line for each value of the only label."""
    (label,) = metric.labels
    return "".join(f'{metric.name}{{{label}="{name}"}} {n}\n' for name, n in counts)


def _samples(metric: catalog.Metric, agents: CTE) -> ColumnElement[str]:
    """The lines of all agents that have a value; null where none has."""
    labels: ColumnElement[str] = agents.c.labels
    if catalog.LABEL_STATUS in metric.labels:
        labels = labels + f',{catalog.LABEL_STATUS}="' + agents.c.status + '"'
    line = f"{metric.name}{{" + labels + "} " + agents.c[_OF_EACH[metric]] + "\n"
    return func.string_agg(line, "").label(metric.name)


def _told(seen: CTE) -> CTE:
    """Of each agent its labels and, as text, what the gauges say of it: null where they do not."""
    agent = seen.c
    return (
        select(
            _labels(seen).label("labels"),
            agent.status,
            literal("1").label("one"),
            cast(func.extract("epoch", agent.last_seen_at), String).label("last_seen"),
            case((agent.scraped == "up", "1"), (agent.scraped.is_not(None), "0")).label("scraped"),
            case((agent.processes.is_not(None), "1")).label("two_processes"),
        )
        .where(agent.retired_at.is_(None))
        .order_by(agent.id)
        .cte("agents_told")
        # Else PostgreSQL writes the labels anew for each gauge.
        .prefix_with("MATERIALIZED")
    )


def _labels(seen: CTE) -> ColumnElement[str]:
    """Who an agent is, as it stands between the braces."""
    written: ColumnElement[str] = literal("")
    for number, (label, column) in enumerate(_IDENTITY.items()):
        value: ColumnElement[str] = cast(seen.c[column], String)
        for character, escape in () if column in _PLAIN else _ESCAPED.items():
            value = func.replace(value, character, escape)
        written = written + f'{"," if number else ""}{label}="' + value + '"'
    return written
