"""The status of an agent, as one SQL expression: judged by the database's clock, never ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from sqlalchemy import ColumnElement, String, and_, case, func, literal, null

from pulseguard_registry.agents.models import Agent

Status = Literal["ONLINE", "ERROR", "UNKNOWN", "OFFLINE", "MAINTENANCE"]
STATUSES: tuple[Status, ...] = ("ONLINE", "ERROR", "UNKNOWN", "OFFLINE", "MAINTENANCE")
TROUBLED_STATES = ("failed", "stuck")


def status_expression(offline_after_seconds: float) -> ColumnElement[Status]:
    """The first that applies: MAINTENANCE (until its end, and of no retired agent), OFFLINE
    (retired, stopped or silent), UNKNOWN, ERROR, ONLINE."""
    return case(
        (_is_maintained(), "MAINTENANCE"),
        (Agent.retired_at.is_not(None), "OFFLINE"),
        (Agent.stopped_at.is_not(None), "OFFLINE"),
        (Agent.last_seen_at.is_(None), "UNKNOWN"),
        (_is_silent(offline_after_seconds), "OFFLINE"),
        (Agent.state.in_(TROUBLED_STATES), "ERROR"),
        else_="ONLINE",
    )


def status_reason_expression(offline_after_seconds: float) -> ColumnElement[str | None]:
    """Why: maintenance, retired, stopped (it said goodbye), silent, never_heard, failed, stuck,
    or null."""
    return case(
        (_is_maintained(), literal("maintenance", String)),
        (Agent.retired_at.is_not(None), "retired"),
        (Agent.stopped_at.is_not(None), "stopped"),
        (Agent.last_seen_at.is_(None), "never_heard"),
        (_is_silent(offline_after_seconds), "silent"),
        (Agent.state.in_(TROUBLED_STATES), Agent.state),
        else_=null(),
    )


def _is_maintained() -> ColumnElement[bool]:
    return and_(Agent.maintenance_until > func.now(), Agent.retired_at.is_(None))


def _is_silent(offline_after_seconds: float) -> ColumnElement[bool]:
    return Agent.last_seen_at < func.now() - timedelta(seconds=offline_after_seconds)
