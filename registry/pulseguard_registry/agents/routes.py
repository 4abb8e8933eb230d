"""/agents: the inventory."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, check_bound, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents import service
from pulseguard_registry.agents.schemas import Agent, AgentFilters, AgentPage, AgentRegister
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.discovery.addresses import (
    AddressPolicy,
    AddressRefused,
    check_address,
    resolve_host,
)
from pulseguard_registry.problems import refusal
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=f"{API_PREFIX}/agents", tags=["agents"], route_class=StrictRoute)
Writer = Annotated[Principal, requires("agent", "editor", "admin")]
Reader = Annotated[Principal, requires("agent", *PEOPLE)]
Operator = Annotated[Principal, requires("editor", "admin")]


@router.post("", status_code=201, responses={200: {"model": Agent, "description": "Known already"}})
def register_agent(
    said: AgentRegister,
    writer: Writer,
    session: DatabaseSession,
    request: Request,
    response: Response,
) -> Agent:
    """Register an agent, or tell what has changed about one. The same three of environment, name
    and instance always give the same id."""
    check_bound(writer, said.environment, said.team)
    _check_metrics_address(said.metrics_address, request.app.state.address_policy)
    agent_id, is_new = service.register_agent(session, said, writer)
    response.status_code = 201 if is_new else 200
    return service.read_agent(session, agent_id, _offline_after(request))


@router.post("/check", status_code=204)
def check_registration(said: AgentRegister, writer: Writer, request: Request) -> None:
    """Whether a registration would be taken, without registering: 204, or the problem."""
    check_bound(writer, said.environment, said.team)
    _check_metrics_address(said.metrics_address, request.app.state.address_policy)


@router.get("")
def list_agents(
    filters: Annotated[AgentFilters, Query()],
    reader: Reader,
    session: DatabaseSession,
    request: Request,
) -> AgentPage:
    """The agents that were not retired, a page at a time, ordered by id. A key of role agent lists
    those inside its bound."""
    return service.list_agents(session, _within_bound(filters, reader), _offline_after(request))


@router.get("/{agent_id}")
def read_agent(
    agent_id: uuid.UUID, reader: Reader, session: DatabaseSession, request: Request
) -> Agent:
    """One agent with its status and the reason for it."""
    agent = service.read_agent(session, agent_id, _offline_after(request))
    check_bound(reader, agent.environment, agent.team)
    return agent


@router.delete("/{agent_id}", status_code=204)
def retire_agent(agent_id: uuid.UUID, operator: Operator, session: DatabaseSession) -> None:
    """Take an agent out of lists and discovery for good; registering brings it back."""
    service.retire_agent(session, agent_id)


def _within_bound(filters: AgentFilters, reader: Principal) -> AgentFilters:
    bound = {"environment": reader.environment, "team": reader.team}
    limits = {name: value for name, value in bound.items() if value is not None}
    asked = filters.model_copy(
        update={name: value for name, value in limits.items() if getattr(filters, name) is None}
    )
    if limits:
        check_bound(reader, asked.environment or "", asked.team or "")
    return asked


def _check_metrics_address(address: str | None, policy: AddressPolicy) -> None:
    if address is None:
        return
    try:
        check_address(address, policy, resolve_host)
    except AddressRefused as error:
        raise refusal("metrics_address", address, str(error)) from None


def _offline_after(request: Request) -> float:
    seconds: float = request.app.state.settings.offline_after_seconds
    return seconds
