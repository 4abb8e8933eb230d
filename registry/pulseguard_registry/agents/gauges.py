"""The gauges of /metrics/agents, in the part that both text formats of Prometheus share.

PostgreSQL hands over each column of all agents as one text, and each step here goes once over such
a text. Objects of prometheus_client for ten thousand agents take 0.6 s.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Select, String, Subquery, case, cast, func, select, text
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.processes import processes_expression
from pulseguard_registry.agents.status import STATUSES, status_expression
from pulseguard_registry.scrapes.service import is_up_by_agent, scraped_expression

# Few: they are dropped after the retention, and a day that is made takes its own over.
_LATE_SNAPSHOTS = text("SELECT count(*) FROM ai_metrics_default")
# The record separator of ASCII, which no name may hold (`fields.py`), ends each agent.
_END = "\x1e"
_ESCAPED = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
_IDENTITY = dict(
    zip(
        catalog.AGENT_LAST_SEEN.labels,
        (Agent.id, Agent.name, Agent.instance, Agent.type, Agent.environment, Agent.team),
        strict=True,
    )
)
_LABELS = ",".join(f'{label}="%s"' for label in _IDENTITY)


def agent_gauges(session: Session, offline_after_seconds: float) -> str:
    """Status, last sign of life and scrape of each agent that was not retired, as which of them two
    processes beat, how many have which status, and how many snapshots came late."""
    told = _told(session, offline_after_seconds)
    of_each = [
        _LABELS % of_one for of_one in zip(*(told[label] for label in _IDENTITY), strict=True)
    ]
    of_status = [f'{catalog.LABEL_STATUS}="{status}"' for status in STATUSES]
    with_status = [
        f'{labels},{catalog.LABEL_STATUS}="{status}"'
        for labels, status in zip(of_each, told["status"], strict=True)
    ]
    late = catalog.REGISTRY_LATE_SNAPSHOTS
    return "".join(
        (
            _family(catalog.REGISTRY_AGENTS, of_status, _counts(told["status"])),
            _head(late),
            f"{late.name} {session.execute(_LATE_SNAPSHOTS).scalar_one()}\n",
            _family(catalog.AGENT_STATUS, with_status, ["1"] * len(with_status)),
            _family(catalog.AGENT_LAST_SEEN, of_each, told["last_seen"]),
            _family(catalog.AGENT_SCRAPED, of_each, told["scraped"]),
            _family(catalog.AGENT_TWO_PROCESSES, of_each, told["two_processes"]),
        )
    )


def _family(metric: catalog.Metric, labels: Sequence[str], values: Sequence[str]) -> str:
    """The lines of a metric, one for each that has a value."""
    name = metric.name
    lines = [
        f"{name}{{{of_one}}} {value}\n"
        for of_one, value in zip(labels, values, strict=True)
        if value
    ]
    return _head(metric) + "".join(lines)


def _head(metric: catalog.Metric) -> str:
    return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"


def _counts(statuses: Sequence[str]) -> list[str]:
    return [str(statuses.count(status)) for status in STATUSES]


def _told(session: Session, offline_after_seconds: float) -> dict[str, list[str]]:
    """By column of `_agents` the values of all agents, in one order; "" where there is none."""
    found = session.execute(_whole_columns(offline_after_seconds)).mappings().one()
    return {
        name: [] if text is None else _escaped(text).split(_END) for name, text in found.items()
    }


# Made once: to make it takes a fifth as long as to run it.
@cache
def _whole_columns(offline_after_seconds: float) -> Select[*tuple[str | None, ...]]:
    whole = [
        func.string_agg(func.coalesce(each, ""), _END).label(each.name)
        for each in _agents(offline_after_seconds).c
    ]
    return select(*whole)


def _escaped(values: str) -> str:
    for character, escape in _ESCAPED.items():
        values = values.replace(character, escape)
    return values


def _agents(offline_after_seconds: float) -> Subquery:
    is_up = is_up_by_agent()
    scraped = scraped_expression(is_up.c.is_up)
    identity = [cast(column, String).label(label) for label, column in _IDENTITY.items()]
    return (
        select(
            *identity,
            status_expression(offline_after_seconds).label("status"),
            cast(func.extract("epoch", Agent.last_seen_at), String).label("last_seen"),
            case((scraped == "up", "1"), (scraped.is_not(None), "0")).label("scraped"),
            case((processes_expression(offline_after_seconds).is_not(None), "1")).label(
                "two_processes"
            ),
        )
        .outerjoin(is_up, is_up.c.agent_id == Agent.id)
        .where(Agent.retired_at.is_(None))
        .subquery()
    )
