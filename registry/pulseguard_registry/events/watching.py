"""Notices what no write tells: silence, maintenance that is over, two processes of one agent."""

from __future__ import annotations

from sqlalchemy import (
    CTE,
    Connection,
    Insert,
    Select,
    case,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.processes import processes_expression
from pulseguard_registry.agents.status import status_expression, status_reason_expression
from pulseguard_registry.events.models import AgentEvent, AgentTold

# "watch" as a number: the advisory lock under which one registry looks.
LOCK = 0x7761746368
_COLUMNS = ("agent_id", "at", "kind", "was", "became", "detail")


def tell_status_changes(connection: Connection, offline_after_seconds: float) -> None:
    """Write an event for each agent whose status is not the one told last, and where two processes
    begin or end to beat as one.

    One statement, by the database's clock, which writes only what has changed. It changes no agent:
    the events' foreign keys lock theirs FOR KEY SHARE, for which no heartbeat waits. Nothing where
    another registry looks just now. Of an agent that was never told of the status is remembered
    without an event: it was there before there were any.
    """
    lock = connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK})
    if lock.scalar_one():
        connection.execute(_told(offline_after_seconds))


def _told(offline_after_seconds: float) -> Insert:
    changed = _changed(offline_after_seconds).cte("changed")
    remembered = upsert(AgentTold).from_select(
        ["agent_id", "status", "two_processes"],
        select(changed.c.id, changed.c.status, changed.c.processes.is_not(None)).order_by(
            changed.c.id
        ),
    )
    kept = remembered.on_conflict_do_update(
        index_elements=["agent_id"],
        set_={
            "status": remembered.excluded.status,
            "two_processes": remembered.excluded.two_processes,
            # Since when the status is so: retirement counts from then.
            "told_at": case(
                (AgentTold.status == remembered.excluded.status, AgentTold.told_at),
                else_=func.now(),
            ),
        },
    ).cte("kept")
    events = union_all(
        _maintenance_ended(changed), _status_changed(changed), _processes_changed(changed)
    )
    # Locked in the order of heartbeats. Of one agent's, the alphabet has the order of the union.
    ordered = events.order_by(events.selected_columns.id, events.selected_columns.kind)
    return insert(AgentEvent).from_select(_COLUMNS, ordered).add_cte(kept)


def _changed(offline_after_seconds: float) -> Select[*tuple[object, ...]]:
    status = status_expression(offline_after_seconds)
    processes = processes_expression(offline_after_seconds)
    had_two = func.coalesce(AgentTold.two_processes, False)
    return (
        select(
            Agent.id,
            Agent.maintenance_until,
            Agent.maintenance_reason,
            AgentTold.status.label("was"),
            status.label("status"),
            status_reason_expression(offline_after_seconds).label("reason"),
            had_two.label("had_two"),
            processes.label("processes"),
        )
        .outerjoin(AgentTold, AgentTold.agent_id == Agent.id)
        .where(or_(AgentTold.status.is_distinct_from(status), had_two != processes.is_not(None)))
    )


def _status_changed(changed: CTE) -> Select[*tuple[object, ...]]:
    return select(
        changed.c.id,
        func.now(),
        literal("status_changed").label("kind"),
        changed.c.was,
        changed.c.status,
        func.jsonb_build_object("reason", changed.c.reason),
    ).where(changed.c.was.is_not(None), changed.c.was != changed.c.status)


def _processes_changed(changed: CTE) -> Select[*tuple[object, ...]]:
    two = changed.c.processes.is_not(None)
    return select(
        changed.c.id,
        func.now(),
        case((two, "two_processes_began"), else_="two_processes_ended").label("kind"),
        null(),
        null(),
        func.jsonb_strip_nulls(func.jsonb_build_object("processes", changed.c.processes)),
    ).where(two != changed.c.had_two)


def _maintenance_ended(changed: CTE) -> Select[*tuple[object, ...]]:
    """Ended by themselves, which no write tells; the others are told as they are ended."""
    until = changed.c.maintenance_until
    return select(
        changed.c.id,
        until,
        literal("maintenance_ended").label("kind"),
        func.to_json(until).op("#>>")(text("'{}'")),
        null(),
        func.jsonb_build_object("reason", changed.c.maintenance_reason),
    ).where(changed.c.was == "MAINTENANCE", changed.c.status != "MAINTENANCE", until <= func.now())
