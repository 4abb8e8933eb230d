"""/agents/{id}/maintenance: planned work, told before it begins."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents import models
from pulseguard_registry.agents.schemas import Agent
from pulseguard_registry.agents.service import lock_agent, read_agent
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.fields import Instant, Prose
from pulseguard_registry.preconditions import LOST_RACE, TAGGED, Tags, check_match, tagged
from pulseguard_registry.problems import Problem, refusal
from pulseguard_registry.strict_json import StrictRoute

LONGEST = timedelta(days=30)

router = APIRouter(
    prefix=f"{API_PREFIX}/agents/{{agent_id}}/maintenance",
    tags=["agents"],
    route_class=StrictRoute,
)
Operator = Annotated[Principal, requires("editor", "admin")]


class Maintenance(BaseModel):
    """Planned work on an agent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"until": "2026-12-01T18:00:00+01:00", "reason": "new model is rolled out"}
            ]
        },
    )

    until: Instant = Field(description="When it ends by itself; at most 30 days ahead.")
    reason: Prose = Field(
        "",
        description="For people; where it is absent, that of work planned already stays.",
        examples=["new model is rolled out"],
    )


@router.put("", responses=LOST_RACE | {200: TAGGED})
def maintain_agent(
    agent_id: uuid.UUID,
    work: Maintenance,
    tags: Tags,
    operator: Operator,
    session: DatabaseSession,
    request: Request,
    response: Response,
) -> Agent:
    """From now on the status is MAINTENANCE, whatever the agent does, until `until` by the
    database's clock. The same again changes nothing; another `until` moves the end, and without a
    `reason` leaves the one that was given. Its alerts fire in Prometheus all the same, but nobody
    is notified of them, the registry neither: Alertmanager silences those with its agent_id, within
    seconds and for as long as it lasts, where the registry knows one (PULSEGUARD_ALERTMANAGER_URL).
    The history holds what was notified: what begins under maintenance and fires still when that
    ends is told then. Whether it is silent is in `/agents/{id}/health`."""
    agent = lock_agent(session, agent_id)
    check_match(tags, agent.revision)
    begin_maintenance(session, agent, work)
    period = request.app.state.settings.offline_after_seconds
    return tagged(response, read_agent(session, agent_id, period))


@router.delete("", status_code=204, responses=LOST_RACE)
def end_agent_maintenance(
    agent_id: uuid.UUID, tags: Tags, operator: Operator, session: DatabaseSession
) -> None:
    """End it before its time. Where there is none, nothing changes."""
    agent = lock_agent(session, agent_id)
    check_match(tags, agent.revision)
    agent.maintenance_until = None
    agent.maintenance_reason = ""


def begin_maintenance(session: Session, agent: models.Agent, work: Maintenance) -> None:
    """Plan the work; a 422 problem where it would be over already or last too long."""
    if agent.retired_at is not None:
        raise Problem(
            409,
            f"the agent was retired at {agent.retired_at.isoformat()}, so there is nothing to"
            " maintain; POST /api/v1/agents/{id}/restore brings it back",
        )
    now = session.execute(select(func.now())).scalar_one()
    _check_end(work.until, now)
    is_planned = agent.maintenance_until is not None and agent.maintenance_until > now
    if "reason" in work.model_fields_set or not is_planned:
        agent.maintenance_reason = work.reason
    agent.maintenance_until = work.until
    session.flush()


def _check_end(until: datetime, now: datetime) -> None:
    if until <= now:
        raise refusal(
            "until", until, f"is over already, it is {now.isoformat()}; give a later time"
        )
    if until > now + LONGEST:
        latest = (now + LONGEST).isoformat()
        raise refusal("until", until, f"is more than 30 days ahead; give {latest} at the latest")
