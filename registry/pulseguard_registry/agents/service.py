"""Registers, reads and retires agents."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    and_,
    case,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.access.own_keys import revoke_own_keys
from pulseguard_registry.agents import models
from pulseguard_registry.agents.enrolment import may_be_enrolled_again, taken
from pulseguard_registry.agents.identity import agent_id
from pulseguard_registry.agents.schemas import Agent, AgentRegister
from pulseguard_registry.agents.status import status_expression, status_reason_expression
from pulseguard_registry.audit.recording import name_object
from pulseguard_registry.problems import Fault, Problem

IDENTITY = ("environment", "name", "instance")
# What an operator may set for good, so that the agent's registrations leave it.
OPERATOR_FIELDS = ("description", "team", "tags", "labels")
OPERATOR = "operator"
# Not as mapped objects, which take twice as long to read: those are for what is to be changed.
_SHOWN = [
    getattr(models.Agent, name)
    for name in Agent.model_fields
    if name not in ("status", "status_reason")
]


def register_agent(
    session: Session, said: AgentRegister, by: Principal, offline_after_seconds: float
) -> tuple[uuid.UUID, bool]:
    """Store what the agent says; returns its id and whether it is new.

    A retired or stopped agent that registers is back, with the id that it had. What an operator
    has set stays. A 403 problem where this identity is another team's agent, outside of the bound
    of the key; a 409 problem where an enrolment would take over an agent that lives, or where an
    operator has retired the agent and this is an enrolment or the agent's own key.
    """
    values = said.model_dump()
    known = agent_id(said.environment, said.name, said.instance)
    _take_turn(session, known)
    # Without the identity: PostgreSQL would lock the agent FOR UPDATE, as if its key changed.
    returned = {name: value for name, value in values.items() if name not in IDENTITY}
    returned |= {"stopped_at": None, "retired_at": None, "state": "idle"}
    returned["retired_by_operator"] = False
    new = insert(models.Agent).values(id=known, **values)
    returned |= {name: _what_stays(new.excluded, name) for name in OPERATOR_FIELDS}
    statement = (
        new.on_conflict_do_update(
            index_elements=IDENTITY,
            set_=returned,
            where=_may_be_taken(known, said, by, offline_after_seconds),
        )
        # PostgreSQL's own sign of an inserted row: nobody has updated it.
        .returning(literal_column("xmax = 0", Boolean))
    )
    is_new = session.execute(statement).scalar_one_or_none()
    if is_new is None:
        raise _refusal(session, known, said, by, offline_after_seconds)
    name_object(session, known)
    return known, is_new


def read_agent(session: Session, wanted: uuid.UUID, offline_after_seconds: float) -> Agent:
    """One agent; a 404 problem where there is none."""
    query = shown_agents(offline_after_seconds).where(models.Agent.id == wanted)
    values = session.execute(query).mappings().one_or_none()
    if values is None:
        raise unknown_agent(wanted)
    return Agent(**values)


def retire_agent(session: Session, agent: models.Agent) -> None:
    """Take an agent out of lists and discovery and end its own keys; its history stays.

    Also where it is retired for having been away. Again changes nothing.
    """
    name_cause(session, OPERATOR)
    if agent.retired_at is None:
        agent.maintenance_until = None
        agent.retired_at = func.now()
    agent.retired_by_operator = True
    # First: whoever writes both versions writes that of targets before that of keys.
    session.flush()
    revoke_own_keys(session, agent.id)


def restore_agent(session: Session, agent: models.Agent) -> None:
    """Bring a retired agent back as it was. Again changes nothing."""
    if agent.retired_at is not None:
        name_cause(session, OPERATOR)
        agent.retired_at = None
        agent.retired_by_operator = False


def lock_agent(session: Session, wanted: uuid.UUID) -> models.Agent:
    """One agent, which nobody else changes until the end; a 404 problem where there is none."""
    # FOR NO KEY UPDATE: who only refers to the agent, as an event does, waits for nobody.
    query = select(models.Agent).where(models.Agent.id == wanted).with_for_update(key_share=True)
    agent = session.scalars(query).one_or_none()
    if agent is None:
        raise unknown_agent(wanted)
    return agent


def name_cause(session: Session, cause: str) -> None:
    """Who or what changes agents in this transaction: the events that the database writes say it.

    Said before the change; without a word it is the agent.
    """
    session.execute(select(func.set_config("pulseguard.cause", cause, True)))


def unknown_agent(wanted: uuid.UUID) -> Problem:
    """The 404 of every route that names an agent."""
    return Problem(
        404, f"there is no agent {wanted}, or it has ended; register with POST /api/v1/agents"
    )


def retired_agent(
    wanted: uuid.UUID,
    since: datetime,
    *,
    by_operator: bool,
    with_own_key: bool,
    status: int = 404,
    headers: Mapping[str, str] | None = None,
) -> Problem:
    """What a retired agent is told that sends something: since when it is, what brings it back.

    `with_own_key`: what it was sent with is the agent's own, which ends where an operator retires.
    """
    why = "by an operator" if by_operator else "for having been away"
    restore = f"pulseguard agents restore {wanted}"
    if by_operator and with_own_key:
        mend = f"its own key ended with that; have one restore it ({restore}), then enrol it again"
    else:
        mend = (
            "registering (POST /api/v1/agents) brings it back, as the exporter does by itself, and"
            f" so does an operator: {restore}"
        )
    detail = f"agent {wanted} is retired {why} since {since.isoformat(timespec='seconds')}; {mend}"
    fault = Fault(field="agent_id", value=str(wanted), message=detail)
    return Problem(status, detail, errors=[fault], headers=headers)


# Any: of each column what it holds.
def shown_agents(offline_after_seconds: float) -> Select[*tuple[Any, ...]]:
    """Each agent as the fields of the schema, by their names, as the database holds it now."""
    return select(
        *_SHOWN,
        status_expression(offline_after_seconds).label("status"),
        status_reason_expression(offline_after_seconds).label("status_reason"),
    )


def _take_turn(session: Session, known: uuid.UUID) -> None:
    """Wait until nobody else registers this agent.

    ON CONFLICT looks at one index only: of two who register the same new agent at once, one may
    meet the other in the index of the ids first, which is an error there.
    """
    number = int.from_bytes(known.bytes[:8], signed=True)
    session.execute(select(func.pg_advisory_xact_lock(number)))


def _may_be_taken(
    known: uuid.UUID, said: AgentRegister, by: Principal, offline_after_seconds: float
) -> ColumnElement[bool]:
    """Whether this key may register the agent that is there, as it is once its row is locked."""
    # The identity knows no team: what is there must be inside the bound as well.
    is_bound = true() if by.team is None else models.Agent.team == by.team
    if by.role == "enrolment":
        return and_(is_bound, may_be_enrolled_again(known, said, offline_after_seconds))
    if by.agent_id is not None:
        # Its own key has ended with the retirement, and for a moment that is not known here.
        return and_(is_bound, models.Agent.retired_by_operator.is_(False))
    return is_bound


def _refusal(
    session: Session,
    known: uuid.UUID,
    said: AgentRegister,
    by: Principal,
    offline_after_seconds: float,
) -> Problem:
    if by.team in (None, session.get_one(models.Agent, known).team):
        return taken(session, known, said, offline_after_seconds)
    return Problem(
        403,
        f"{said.name!r}, instance {said.instance!r}, is an agent of another team, and this key"
        f" speaks for team {by.team!r} only; choose another name or instance",
    )


# Any: an expression of the column's type.
def _what_stays(told: Any, name: str) -> ColumnElement[Any]:
    """The column as it is where an operator has set it, else what the agent says."""
    is_set = models.Agent.operator_set.contains([name])
    return case((is_set, getattr(models.Agent, name)), else_=told[name])
