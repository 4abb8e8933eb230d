"""Which agents that are there a key of role enrolment may enrol again: none that lives."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from pulseguard_registry.access.own_keys import is_unused
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.schemas import AgentRegister
from pulseguard_registry.agents.status import is_gone
from pulseguard_registry.problems import Fault, Problem


class RetiredRefused(Problem):
    """The 409 of the enrolment of an agent that an operator has retired."""

    def __init__(self, agent_id: uuid.UUID, detail: str, fault: Fault) -> None:
        super().__init__(409, detail, errors=[fault])
        self.agent_id = agent_id


def may_be_enrolled_again(
    known: uuid.UUID, said: AgentRegister, offline_after_seconds: float
) -> ColumnElement[bool]:
    """Whether the agent is gone (stopped, silent, retired for that) or its key was never used,
    was not retired by an operator, and stays in its team."""
    return and_(
        Agent.retired_by_operator.is_(False),
        _stays_in_team(said),
        or_(is_gone(offline_after_seconds), is_unused(known, Agent.last_seen_at)),
    )


def taken(
    session: Session, known: uuid.UUID, said: AgentRegister, offline_after_seconds: float
) -> Problem:
    """The 409 of an enrolment that would take over an agent: why, and what helps."""
    agent = session.get_one(Agent, known)
    name = f"{said.name!r}, instance {said.instance!r}, of environment {said.environment!r}"
    if agent.retired_by_operator:
        detail = (
            f"{name} was retired by an operator; have one restore it"
            f" (pulseguard agents restore {known}), then enrol it"
        )
    elif agent.team != said.team and "team" not in agent.operator_set:
        detail = (
            f"{name} is an agent of another team than {said.team!r}, and enrolment moves none;"
            " say its team, or have an operator change that"
        )
    else:
        detail = (
            f"{name} is there already and has a key in use, or beats; use the agent's own key, or"
            f" wait until it has said goodbye or been silent for {offline_after_seconds:g} s; an"
            " operator who retires and restores it ends its keys"
        )
    fault = Fault(field="instance", value=said.instance, message=detail)
    if agent.retired_by_operator:
        return RetiredRefused(known, detail, fault)
    return Problem(409, detail, errors=[fault])


def _stays_in_team(said: AgentRegister) -> ColumnElement[bool]:
    # What an operator has set as its team stays, whatever is said.
    return or_(Agent.team == said.team, Agent.operator_set.contains(["team"]))
