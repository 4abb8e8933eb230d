"""The gauges of /metrics/agents, in the part that both text formats of Prometheus share.

PostgreSQL hands over each column of all agents as one text, and each step here goes once over such
a text. Objects of prometheus_client for ten thousand agents take 0.6 s.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import CTE, Select, String, Subquery, case, cast, func, select, text
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.status import STATUSES
from pulseguard_registry.scrapes.disagreement import HEARD, counts_among, known_kinds, seen_agents

# Few: they are dropped after the retention, and a day that is made takes its own over.
_LATE_SNAPSHOTS = text("SELECT count(*) FROM ai_metrics_default")
# The record separator of ASCII, which no name may hold (`fields.py`), ends each agent.
_END = "\x1e"
_ESCAPED = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
# By label, the column of `seen_agents` with its value.
_IDENTITY = dict(
    zip(
        catalog.AGENT_LAST_SEEN.labels,
        ("id", "name", "instance", "type", "environment", "team"),
        strict=True,
    )
)
_LABELS = ",".join(f'{label}="%s"' for label in _IDENTITY)


def agent_gauges(session: Session, offline_after_seconds: float, heard: Sequence[uuid.UUID]) -> str:
    """Status, last sign of life and scrape of each agent that was not retired, as which of them two
    processes beat, how many have which status, how many snapshots came late, and about how many
    agents inventory, heartbeats and scrapes disagree; `heard` are the retired ones that were."""
    asked = _statement(offline_after_seconds)
    found = session.execute(asked, {HEARD: heard}).mappings().one()
    odd = {**dict.fromkeys(known_kinds(session), 0), **found["odd"]}
    late = session.execute(_LATE_SNAPSHOTS).scalar_one()
    return "".join(
        (
            family(catalog.REGISTRY_LATE_SNAPSHOTS, [f" {late}"]),
            family(catalog.REGISTRY_DISAGREEMENTS, counts(catalog.LABEL_KIND, odd)),
            *_of_agents({name: _values(found[name]) for name in found if name != "odd"}),
        )
    )


def _of_agents(told: dict[str, Sequence[str]]) -> Iterator[str]:
    """The families that are told of each agent, by `told` of its labels and values."""
    columns = (told[name] for name in _IDENTITY.values())
    of_each = list(map(_LABELS.__mod__, zip(*columns, strict=True)))
    by_status = _grouped(told["status"], of_each)
    by_count = {status: len(by_status.get(status, ())) for status in STATUSES}
    yield family(catalog.REGISTRY_AGENTS, counts(catalog.LABEL_STATUS, by_count))
    with_status = {
        f',{catalog.LABEL_STATUS}="{status}"}} 1': labels for status, labels in by_status.items()
    }
    yield _family_by_ending(catalog.AGENT_STATUS, with_status)
    last_seen = zip(of_each, told["last_seen"], strict=True)
    samples = [f"{{{labels}}} {value}" for labels, value in last_seen if value]
    yield family(catalog.AGENT_LAST_SEEN, samples)
    for metric, name in (
        (catalog.AGENT_SCRAPED, "scraped"),
        (catalog.AGENT_TWO_PROCESSES, "two_processes"),
    ):
        by_value = _grouped(told[name], of_each).items()
        by_ending = {f"}} {value}": labels for value, labels in by_value if value}
        yield _family_by_ending(metric, by_ending)


def family(metric: catalog.Metric, samples: Sequence[str]) -> str:
    """Its lines; of a sample what comes after the name."""
    head = f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} gauge\n"
    between = f"\n{metric.name}"
    return f"{head}{metric.name}{between.join(samples)}\n" if samples else head


def _family_by_ending(metric: catalog.Metric, labels: Mapping[str, Sequence[str]]) -> str:
    """Its lines, by what comes after these labels: most agents have one of a few endings."""
    parts = (
        "{" + f"{ending}\n{metric.name}{{".join(of_ending) + ending
        for ending, of_ending in labels.items()
    )
    return family(metric, list(parts))


def _grouped(values: Sequence[str], labels: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The labels by value."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for value, of_one in zip(values, labels, strict=True):
        groups[value].append(of_one)
    return groups


def counts(label: str, numbers: Mapping[Any, int]) -> list[str]:
    """Samples of a family with one label, by its values."""
    return [f'{{{label}="{name}"}} {count}' for name, count in numbers.items()]


def _values(column: str | None) -> Sequence[str]:
    """Of all agents; "" where one has none."""
    if column is None:
        return []
    for character, escape in _ESCAPED.items():
        column = column.replace(character, escape)
    return column.split(_END)


# Made once: to make it takes a fifth as long as to run it.
@cache
def _statement(offline_after_seconds: float) -> Select[*tuple[Any, ...]]:
    """Each column of `_agents` as one text, all in one order, and the disagreements by kind."""
    shown = (Agent.type, Agent.environment, Agent.team, Agent.last_seen_at)
    seen = seen_agents(offline_after_seconds, *shown)
    columns = _agents(seen).c
    whole = [func.string_agg(func.coalesce(each, ""), _END).label(each.name) for each in columns]
    return select(*whole, counts_among(seen).label("odd"))


def _agents(seen: CTE) -> Subquery:
    agent = seen.c
    labels = [cast(agent[column], String).label(column) for column in _IDENTITY.values()]
    return (
        select(
            *labels,
            agent.status,
            cast(func.extract("epoch", agent.last_seen_at), String).label("last_seen"),
            case((agent.scraped == "up", "1"), (agent.scraped.is_not(None), "0")).label("scraped"),
            case((agent.processes.is_not(None), "1")).label("two_processes"),
        )
        .where(agent.retired_at.is_(None))
        .subquery()
    )
