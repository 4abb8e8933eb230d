"""/agents: the inventory."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, check_bound, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.access.own_keys import create_own_key
from pulseguard_registry.agents import changing, listing, service
from pulseguard_registry.agents.csv_list import MEDIA_TYPE, lines_of, wants_csv
from pulseguard_registry.agents.enrolment import RetiredRefused
from pulseguard_registry.agents.health import AgentHealth, read_health
from pulseguard_registry.agents.identity import agent_id as compute_agent_id
from pulseguard_registry.agents.retirement import tell_restored, tell_retired
from pulseguard_registry.agents.schemas import (
    Agent,
    AgentFilters,
    AgentPage,
    AgentPatch,
    AgentRegister,
    EnrolledAgent,
    RestoredAgent,
    RetiredAgent,
    ScoredAgent,
)
from pulseguard_registry.agents.score import read_scores
from pulseguard_registry.alerts.firing import seconds_running
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.discovery.addresses import (
    AddressPolicy,
    AddressRefused,
    check_address,
    resolve_host,
)
from pulseguard_registry.preconditions import (
    LOST_RACE,
    TAGGED,
    UNCONDITIONAL,
    DemandedTags,
    Tags,
    check_match,
    tagged,
)
from pulseguard_registry.problems import documented, refusal
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=f"{API_PREFIX}/agents", tags=["agents"], route_class=StrictRoute)
Registrar = Annotated[Principal, requires("agent", "enrolment", "editor", "admin")]
Writer = Annotated[Principal, requires("agent", "editor", "admin")]
Reader = Annotated[Principal, requires("agent", *PEOPLE)]
Operator = Annotated[Principal, requires("editor", "admin")]
Running = Annotated[float, Depends(seconds_running)]

_TAGGED: dict[int | str, dict[str, Any]] = {200: TAGGED}
_LISTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
}
_KNOWN: dict[int | str, dict[str, Any]] = {
    201: TAGGED,
    200: TAGGED | {"model": EnrolledAgent | Agent, "description": "Known already"},
}
_PATCH_SCHEMA = {"schema": {"$ref": "#/components/schemas/AgentPatch"}}
_MERGE_PATCH = {"requestBody": {"content": {"application/merge-patch+json": _PATCH_SCHEMA}}}


@router.post("", status_code=201, responses=_KNOWN | documented(409))
def register_agent(
    said: AgentRegister,
    registrar: Registrar,
    session: DatabaseSession,
    request: Request,
    response: Response,
) -> EnrolledAgent | Agent:
    """Register an agent, or tell what has changed about one. The same three of environment, name
    and instance always give the same id. With a key of role enrolment the answer holds a key of
    the agent's own, which is shown once. Such a key enrols again what has said goodbye or fallen
    silent, or never used its key, as after a lost answer; else 409."""
    _check_registration(said, registrar, request)
    try:
        agent_id, is_new = service.register_agent(session, said, registrar, _offline_after(request))
    except RetiredRefused as problem:
        request.app.state.still_running.note(problem.agent_id)
        raise
    request.app.state.still_running.forget(agent_id)
    response.status_code = 201 if is_new else 200
    agent = tagged(response, service.read_agent(session, agent_id, _offline_after(request)))
    if registrar.role != "enrolment":
        return agent
    name = f"{said.name} ({said.instance})"
    pepper = request.app.state.pepper
    key = create_own_key(session, agent_id, name, agent.last_seen_at, registrar, pepper)
    return EnrolledAgent(**agent.model_dump(), key=key)


@router.post("/check", status_code=204)
def check_registration(said: AgentRegister, registrar: Registrar, request: Request) -> None:
    """Whether key and address would be taken, without registering: 204, or the problem. Whether
    an agent that is there may be enrolled again only registering tells."""
    _check_registration(said, registrar, request)


@router.get("", responses=_LISTED, response_model=AgentPage)
def list_agents(
    filters: Annotated[AgentFilters, Query()],
    reader: Reader,
    session: DatabaseSession,
    request: Request,
) -> AgentPage | Response:
    """The agents, without those that were retired, a page at a time, ordered by id. A key of role
    agent lists those inside its bound. With `Accept: text/csv` all of them at once as CSV, or one
    page where `limit` is given."""
    asked = _within_bound(filters, reader)
    if not wants_csv(request.headers.get("accept", "")):
        page = listing.list_agents(session, asked, _offline_after(request), reader.agent_id)
        # As it is: hundreds of agents are built as JSON at once here, not each value anew.
        return Response(page.model_dump_json(), media_type="application/json")
    if "limit" in filters.model_fields_set:
        page = listing.list_agents(session, asked, _offline_after(request), reader.agent_id)
        batches: Iterator[list[ScoredAgent]] = iter([page.items])
    else:
        sessions = request.app.state.database.sessions
        batches = listing.all_agents(sessions, asked, _offline_after(request), reader.agent_id)
    # The first before the answer begins: a database that is away is then told as such.
    first = next(batches)
    return StreamingResponse(lines_of(chain([first], batches)), media_type=MEDIA_TYPE)


@router.get("/{agent_id}", responses=_TAGGED)
def read_agent(
    agent_id: uuid.UUID,
    reader: Reader,
    session: DatabaseSession,
    request: Request,
    response: Response,
) -> ScoredAgent:
    """One agent with its status, the reason for it, and its score."""
    agent = service.read_agent(session, agent_id, _offline_after(request))
    check_bound(reader, agent_id, agent.environment, agent.team)
    scores = read_scores(session, {agent.id: agent.last_seen_at}, _offline_after(request))
    return tagged(response, ScoredAgent(**dict(agent), health_score=scores[agent.id]))


@router.get("/{agent_id}/health")
def read_agent_health(
    agent_id: uuid.UUID,
    reader: Reader,
    session: DatabaseSession,
    running: Running,
    request: Request,
) -> AgentHealth:
    """Why the status is what it is: heartbeat, tasks, scrape, last progress, firing alerts. The
    score is the smallest of the parts that are known."""
    agent = service.read_agent(session, agent_id, _offline_after(request))
    check_bound(reader, agent_id, agent.environment, agent.team)
    heard = request.app.state.still_running.was_heard(agent_id)
    return read_health(
        session,
        agent,
        _offline_after(request),
        running,
        was_refused=heard,
        keys_count=_keys_count(request),
        may_silence=request.app.state.alertmanager is not None,
    )


@router.patch("/{agent_id}", responses=_TAGGED | UNCONDITIONAL, openapi_extra=_MERGE_PATCH)
def patch_agent(
    agent_id: uuid.UUID,
    patch: AgentPatch,
    tags: DemandedTags,
    writer: Writer,
    session: DatabaseSession,
    request: Request,
    response: Response,
) -> Agent:
    """Change an agent by a JSON merge patch (RFC 7396), if it still has the ETag in `If-Match`.
    What an operator sets as description, team, tags or labels stays when the agent registers
    again, until it is set to null; the rest is written anew by its next registration."""
    agent = service.lock_agent(session, agent_id)
    check_bound(writer, agent_id, agent.environment, agent.team)
    check_match(tags, agent.revision)
    changing.patch_agent(session, agent, patch, writer)
    return tagged(response, service.read_agent(session, agent_id, _offline_after(request)))


@router.delete("/{agent_id}", responses=_TAGGED | LOST_RACE)
def retire_agent(
    agent_id: uuid.UUID,
    tags: Tags,
    operator: Operator,
    session: DatabaseSession,
    request: Request,
    response: Response,
) -> RetiredAgent:
    """Take an agent out of lists and discovery for good, and end its own keys; registering or
    restoring brings it back, enrolment does not. The answer says whether its process runs on, and
    what it will do then."""
    agent = service.lock_agent(session, agent_id)
    check_match(tags, agent.revision)
    service.retire_agent(session, agent)
    told = tagged(response, service.read_agent(session, agent_id, _offline_after(request)))
    return tell_retired(
        session,
        told,
        _offline_after(request),
        was_heard=request.app.state.still_running.was_heard(agent_id),
        keys_count=_keys_count(request),
    )


@router.post("/{agent_id}/restore", responses=_TAGGED | LOST_RACE)
def restore_agent(
    agent_id: uuid.UUID,
    tags: Tags,
    operator: Operator,
    session: DatabaseSession,
    request: Request,
    response: Response,
) -> RestoredAgent:
    """Bring a retired agent back into lists and discovery, as it was; its own keys stay ended."""
    agent = service.lock_agent(session, agent_id)
    check_match(tags, agent.revision)
    service.restore_agent(session, agent)
    session.flush()
    request.app.state.still_running.forget(agent_id)
    told = tagged(response, service.read_agent(session, agent_id, _offline_after(request)))
    return tell_restored(session, told, keys_count=_keys_count(request))


def _within_bound(filters: AgentFilters, reader: Principal) -> AgentFilters:
    bound = {"environment": reader.environment, "team": reader.team}
    limits = {name: value for name, value in bound.items() if value is not None}
    asked = filters.model_copy(
        update={name: value for name, value in limits.items() if getattr(filters, name) is None}
    )
    if limits:
        agent_id = reader.agent_id or uuid.UUID(int=0)
        check_bound(reader, agent_id, asked.environment or "", asked.team or "")
    return asked


def _check_registration(said: AgentRegister, registrar: Principal, request: Request) -> None:
    agent_id = compute_agent_id(said.environment, said.name, said.instance)
    check_bound(registrar, agent_id, said.environment, said.team)
    _check_metrics_address(said.metrics_address, request.app.state.address_policy)


def _check_metrics_address(address: str | None, policy: AddressPolicy) -> None:
    if address is None:
        return
    try:
        check_address(address, policy, resolve_host)
    except AddressRefused as error:
        raise refusal("metrics_address", address, str(error)) from None


def _keys_count(request: Request) -> bool:
    return bool(request.app.state.settings.access_control != "off")


def _offline_after(request: Request) -> float:
    seconds: float = request.app.state.settings.offline_after_seconds
    return seconds
