"""Series of one agent: its snapshots aggregated by steps, in SQL."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from pulseguard_registry.problems import Problem, refusal
from pulseguard_registry.snapshots.aggregation import (
    Aggregation,
    SeriesField,
    expression,
    is_meaningful,
    meaningful_fields,
)
from pulseguard_registry.snapshots.schemas import SeriesPoint, SnapshotQuery, SnapshotSeries
from pulseguard_registry.snapshots.steps import MOST_POINTS, Steps, lay_steps, smallest_step


@dataclass(frozen=True)
class Plan:
    """What is to be aggregated, and how."""

    steps: Steps
    aggregation: Aggregation
    fields: Sequence[SeriesField]


def plan_series(query: SnapshotQuery, now: datetime) -> Plan | None:
    """What a query asks for; None where it wants the snapshots themselves.

    A 422 problem where its parts make no sense together.
    """
    if query.step is None:
        _refuse_without_step(query)
        return None
    if query.start is None:
        raise _missing("from", "a step needs a range; say where it begins")
    if query.limit is not None:
        raise refusal("limit", query.limit, "is for the snapshots themselves; take out it or step")
    aggregation = query.aggregation or "avg"
    for field in query.field:
        if not is_meaningful(field, aggregation):
            raise _no_sum(field)
    end = query.end or max(now, query.start + timedelta(seconds=1))
    steps = _fitting_steps(query.start, end, query.step)
    # Each once, in the order of its first mention.
    return Plan(
        steps, aggregation, list(dict.fromkeys(query.field)) or meaningful_fields(aggregation)
    )


def read_series(session: Session, agent_id: uuid.UUID, plan: Plan) -> SnapshotSeries:
    """The points of one agent, the oldest first; steps without a snapshot are absent."""
    steps = plan.steps
    bounds = {
        "agent_id": agent_id,
        "start": steps.start,
        "end": steps.end,
        "step": timedelta(seconds=steps.seconds),
    }
    rows = session.execute(text(statement(plan)), bounds)
    return SnapshotSeries(
        agent_id=agent_id,
        start=steps.start,
        end=steps.end,
        step_seconds=steps.seconds,
        aggregation=plan.aggregation,
        points=[
            SeriesPoint(at=at, snapshots=number, values=dict(zip(plan.fields, values, strict=True)))
            for at, number, *values in rows
        ],
    )


def statement(plan: Plan) -> str:
    """The query of a plan, which takes `agent_id`, `start`, `end` and `step`."""
    values = ", ".join(expression(field, plan.aggregation) for field in plan.fields)
    return f"""
    SELECT date_bin(CAST(:step AS interval), taken_at, CAST('epoch' AS timestamptz)), count(*),
           {values}
      FROM ai_metrics
     WHERE agent_id = :agent_id AND taken_at >= :start AND taken_at < :end
     GROUP BY 1 ORDER BY 1
    """


def _refuse_without_step(query: SnapshotQuery) -> None:
    for name, given in (("aggregation", query.aggregation), ("field", query.field)):
        if given:
            raise _missing("step", f"{name} is of the snapshots of a step; give one, such as 5m")
    # They may be equal: that page is empty, and `next_to` of one before may have led there.
    if query.start and query.end and query.end < query.start:
        raise _ends_before(query.end)


def _fitting_steps(start: datetime, end: datetime, seconds: int) -> Steps:
    if end <= start:
        raise _ends_before(end)
    steps = lay_steps(start, end, seconds)
    if steps.count > MOST_POINTS:
        mend = f"use at least {smallest_step(start, end)}s, or a shorter range"
        message = f"gives {steps.count:,} points, more than {MOST_POINTS:,}; {mend}"
        raise refusal("step", f"{seconds}s", message)
    return steps


def _ends_before(end: datetime) -> Problem:
    return refusal("to", end.isoformat(), "does not lie after `from`; give a later time")


def _no_sum(field: SeriesField) -> Problem:
    counts = ", ".join(meaningful_fields("sum"))
    return refusal("field", field, f"has no sum; use avg, min, max or last, or one of {counts}")


def _missing(field: str, message: str) -> Problem:
    return refusal(field, None, f"is missing: {message}")
