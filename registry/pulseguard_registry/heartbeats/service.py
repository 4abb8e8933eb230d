"""What a heartbeat becomes: a write, a status, and the reason why none was stored."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from fastapi import Request
from sqlalchemy import or_, select

from pulseguard_registry.access.guard import check_bound
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents import models
from pulseguard_registry.agents.service import retired_agent, unknown_agent
from pulseguard_registry.agents.status import Status, status_once_heard
from pulseguard_registry.agents.still_running import StillRunning
from pulseguard_registry.database.engine import Database
from pulseguard_registry.heartbeats.schemas import Heartbeat
from pulseguard_registry.heartbeats.statement import Outcome, Write
from pulseguard_registry.problems import Problem
from pulseguard_registry.snapshots.partitions import oldest_kept
from pulseguard_registry.snapshots.schemas import Snapshot
from pulseguard_registry.telemetry import SnapshotOutcome


def write_of(agent_id: uuid.UUID, beat: Heartbeat, principal: Principal, oldest: datetime) -> Write:
    """What is stored of a heartbeat, within the bound of the key that sends it.

    A snapshot from before `oldest` is not: the heartbeat itself holds all the same.
    """
    snapshots = () if beat.snapshot is None else (beat.snapshot,)
    return Write(
        agent_id=agent_id,
        environment=principal.environment,
        team=principal.team,
        state=beat.state,
        goodbye=beat.goodbye,
        snapshots=kept_of(snapshots, oldest),
        process=beat.process,
    )


def kept_of(snapshots: Sequence[Snapshot], oldest: datetime) -> Sequence[Snapshot]:
    """Those that are not older than what is kept."""
    return [snapshot for snapshot in snapshots if snapshot.taken_at >= oldest]


def oldest_of(request: Request) -> datetime:
    """When the oldest snapshots were taken that this registry keeps."""
    days = request.app.state.settings.snapshot_retention_days
    return oldest_kept(request.app.state.clock.now().date(), days)


def counts_of(outcome: Outcome, sent: int, kept: int) -> dict[SnapshotOutcome, int]:
    """What became of the snapshots of a request, of which so many were sent and not too old."""
    return {
        "stored": outcome.stored - outcome.late,
        "late": outcome.late,
        "repeated": kept - outcome.stored,
        "refused": sent - kept,
    }


def tell_refused(number: int, oldest: datetime) -> str | None:
    """The sentence about so many snapshots that are too old; None where there are none."""
    if not number:
        return None
    return (
        f"{number} of the snapshots, taken before {oldest.isoformat()}, are older than what is kept"
        " and were not stored; set the agent's clock, or leave them out"
    )


def status_after(beat: Heartbeat, outcome: Outcome) -> Status:
    """The agent's status once this heartbeat is stored."""
    return status_once_heard(beat.state, goodbye=beat.goodbye, is_maintained=outcome.is_maintained)


def why_not_found(
    database: Database,
    still_running: StillRunning,
    principal: Principal,
    wanted: Collection[uuid.UUID],
) -> dict[uuid.UUID, Problem]:
    """By agent: 404 for one unknown, ended or, which is said, retired; 403 for one outside of the
    key's bound.

    Of those that are retired `still_running` is told.
    """
    agent = models.Agent
    is_retired = agent.retired_at.is_not(None)
    known = (agent.id, agent.environment, agent.team, agent.retired_at, agent.retired_by_operator)
    query = select(*known).where(agent.id.in_(wanted), or_(is_retired, agent.stopped_at.is_(None)))
    # One that came back in between is a 404 too: registering again is harmless.
    problems = {agent_id: unknown_agent(agent_id) for agent_id in wanted}
    with database.sessions() as session:
        for agent_id, environment, team, since, by_operator in session.execute(query):
            if since is None:
                try:
                    check_bound(principal, agent_id, environment, team)
                except Problem as problem:
                    problems[agent_id] = problem
            elif principal.covers(environment, team):
                still_running.note(agent_id)
                is_own = principal.agent_id is not None
                problems[agent_id] = retired_agent(
                    agent_id, since, by_operator=by_operator, with_own_key=is_own
                )
    return problems
