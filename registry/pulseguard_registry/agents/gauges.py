"""The gauges of /metrics/agents, in the part that both text formats of Prometheus share.

PostgreSQL writes the lines. Objects of prometheus_client for ten thousand agents take 0.6 s, text
made here still a tenth of a second in which nobody else gets on.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from sqlalchemy import CTE, ColumnElement, String, case, cast, func, literal, select, text
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.processes import processes_expression
from pulseguard_registry.agents.status import STATUSES, status_expression
from pulseguard_registry.scrapes.service import is_up_by_agent, scraped_expression

# Few: they are dropped after the retention, and a day that is made takes its own over.
_LATE_SNAPSHOTS = text("SELECT count(*) FROM ai_metrics_default")
_ESCAPED = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
_IDENTITY = dict(
    zip(
        catalog.AGENT_LAST_SEEN.labels,
        (Agent.id, Agent.name, Agent.instance, Agent.type, Agent.environment, Agent.team),
        strict=True,
    )
)
# By gauge, the column of `_agents` with its value.
_OF_EACH = {
    catalog.AGENT_STATUS: "one",
    catalog.AGENT_LAST_SEEN: "last_seen",
    catalog.AGENT_SCRAPED: "scraped",
    catalog.AGENT_TWO_PROCESSES: "two_processes",
}


def agent_gauges(session: Session, offline_after_seconds: float) -> str:
    """Status, last sign of life and scrape of each agent that was not retired, as which of them two
    processes beat, how many have which status, and how many snapshots came late."""
    agents = _agents(offline_after_seconds)
    counts = [func.count().filter(agents.c.status == name).label(name) for name in STATUSES]
    samples = [_samples(metric, agents) for metric in _OF_EACH]
    found = session.execute(select(*counts, *samples)).mappings().one()
    total, late = catalog.REGISTRY_AGENTS, catalog.REGISTRY_LATE_SNAPSHOTS
    totals = [f'{total.name}{{{total.labels[0]}="{name}"}} {found[name]}\n' for name in STATUSES]
    return "".join(
        (
            _family(total, "".join(totals)),
            _family(late, f"{late.name} {session.execute(_LATE_SNAPSHOTS).scalar_one()}\n"),
            *(_family(metric, found[metric.name]) for metric in _OF_EACH),
        )
    )


def _family(metric: catalog.Metric, samples: str | None) -> str:
    head = f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"
    return head + (samples or "")


def _samples(metric: catalog.Metric, agents: CTE) -> ColumnElement[str]:
    """The lines of all agents that have a value; null where none has."""
    labels: ColumnElement[str] = agents.c.labels
    if catalog.LABEL_STATUS in metric.labels:
        labels = labels + f',{catalog.LABEL_STATUS}="' + agents.c.status + '"'
    line = f"{metric.name}{{" + labels + "} " + agents.c[_OF_EACH[metric]] + "\n"
    return func.string_agg(line, "").label(metric.name)


def _agents(offline_after_seconds: float) -> CTE:
    """Of each agent its labels and, as text, what the gauges say of it: null where they do not."""
    is_up = is_up_by_agent()
    scraped = scraped_expression(is_up.c.is_up)
    return (
        select(
            _labels().label("labels"),
            status_expression(offline_after_seconds).label("status"),
            literal("1").label("one"),
            cast(func.extract("epoch", Agent.last_seen_at), String).label("last_seen"),
            case((scraped == "up", "1"), (scraped.is_not(None), "0")).label("scraped"),
            case((processes_expression(offline_after_seconds).is_not(None), "1")).label(
                "two_processes"
            ),
        )
        .outerjoin(is_up, is_up.c.agent_id == Agent.id)
        .where(Agent.retired_at.is_(None))
        .order_by(Agent.id)
        .cte("agents_told")
        # Else PostgreSQL writes the labels anew for each gauge.
        .prefix_with("MATERIALIZED")
    )


def _labels() -> ColumnElement[str]:
    """Who an agent is, as it stands between the braces."""
    written: ColumnElement[str] = literal("")
    for number, (label, column) in enumerate(_IDENTITY.items()):
        value: ColumnElement[str] = cast(column, String)
        for character, escape in _ESCAPED.items():
            value = func.replace(value, character, escape)
        written = written + f'{"," if number else ""}{label}="' + value + '"'
    return written
