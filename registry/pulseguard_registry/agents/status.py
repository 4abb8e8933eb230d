"""The status of an agent, as one SQL expression: judged by the database's clock, never ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from sqlalchemy import ColumnElement, String, and_, case, func, literal, null, or_, select

from pulseguard_registry.agents.models import Agent, Watch

Status = Literal["ONLINE", "ERROR", "UNKNOWN", "OFFLINE", "MAINTENANCE"]
STATUSES: tuple[Status, ...] = ("ONLINE", "ERROR", "UNKNOWN", "OFFLINE", "MAINTENANCE")
TROUBLED_STATES = ("failed", "stuck")


def status_expression(offline_after_seconds: float) -> ColumnElement[Status]:
    """The first that applies: MAINTENANCE (until its end, and of no retired agent), OFFLINE
    (retired, stopped or silent), UNKNOWN, ERROR, ONLINE."""
    return case(
        (is_maintained(), "MAINTENANCE"),
        (Agent.retired_at.is_not(None), "OFFLINE"),
        (Agent.stopped_at.is_not(None), "OFFLINE"),
        (Agent.last_seen_at.is_(None), "UNKNOWN"),
        (is_silent(offline_after_seconds), "OFFLINE"),
        (Agent.state.in_(TROUBLED_STATES), "ERROR"),
        else_="ONLINE",
    )


def status_reason_expression(offline_after_seconds: float) -> ColumnElement[str | None]:
    """Why: maintenance, retired, stopped (it said goodbye), silent, never_heard, failed, stuck,
    or null."""
    return case(
        (is_maintained(), literal("maintenance", String)),
        (Agent.retired_at.is_not(None), "retired"),
        (Agent.stopped_at.is_not(None), "stopped"),
        (Agent.last_seen_at.is_(None), "never_heard"),
        (is_silent(offline_after_seconds), "silent"),
        (Agent.state.in_(TROUBLED_STATES), Agent.state),
        else_=null(),
    )


def status_once_heard(state: str, *, goodbye: bool, is_maintained: bool) -> Status:
    """What `status_expression` says of an agent that has just beaten, or said goodbye."""
    if is_maintained:
        return "MAINTENANCE"
    if goodbye:
        return "OFFLINE"
    return "ERROR" if state in TROUBLED_STATES else "ONLINE"


def is_maintained() -> ColumnElement[bool]:
    """Whether work on it is planned until later, by the database's clock."""
    return and_(Agent.maintenance_until > func.now(), Agent.retired_at.is_(None))


def is_gone(offline_after_seconds: float) -> ColumnElement[bool]:
    """Whether it has said goodbye or is silent, retired and in maintenance or not."""
    return or_(Agent.stopped_at.is_not(None), is_silent(offline_after_seconds))


def is_silent(offline_after_seconds: float) -> ColumnElement[bool]:
    """Silent for so long, and known to be while somebody listened (`agents/silence.py`)."""
    heard_in_time = func.now() - timedelta(seconds=offline_after_seconds)
    silent_before = select(Watch.silent_before).scalar_subquery()
    return Agent.last_seen_at < func.least(silent_before, heard_in_time)
