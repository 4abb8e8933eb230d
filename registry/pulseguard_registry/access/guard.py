"""Lets a request in: the key it carries, and whether its role may use this route."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Depends, Request, Response, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from pulseguard_registry.access.keyring import ANYBODY, Keyring, Principal
from pulseguard_registry.access.schemas import Role
from pulseguard_registry.access.tokens import is_well_formed
from pulseguard_registry.problems import Problem, unavailable

CHALLENGE = {"WWW-Authenticate": "Bearer"}
# Declares the scheme in OpenAPI; the reading is ours, so that errors are problem documents.
_SCHEME = HTTPBearer(auto_error=False, description="A key of the registry: `pg_<role>_…`")

_ROLES = "pulseguard_roles"
_PRINCIPAL = "pulseguard.principal"

Guarded = TypeVar("Guarded", bound=Callable[..., Any])
DirectEndpoint = Callable[[Request, Principal], Awaitable[Response]]

PEOPLE: tuple[Role, ...] = ("viewer", "editor", "admin")


async def identify(request: Request) -> Principal:
    """Who asks; a 401 problem says what is wrong with the key, a 429 that it asks too often."""
    if request.app.state.settings.access_control == "off":
        principal = ANYBODY
    else:
        principal = await _holder(request, _token(request))
        request.app.state.limits.count_request(principal)
        request.app.state.last_use.note(principal.key_id)
    request.scope[_PRINCIPAL] = principal
    return principal


async def let_in(request: Request, roles: tuple[Role, ...]) -> Principal:
    """Who asks, identified and counted once a request; a 403 problem where the role is another."""
    principal = principal_of(request) or await identify(request)
    allow(principal, roles)
    return principal


def principal_of(request: Request) -> Principal | None:
    """Who was let in to this request; None on a route that is open to everybody."""
    principal: Principal | None = request.scope.get(_PRINCIPAL)
    return principal


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        _count_stranger(request)
        detail = "no key was sent; send `Authorization: Bearer <key>`"
        raise Problem(401, detail, headers=CHALLENGE)
    return token.strip()


async def _holder(request: Request, token: str) -> Principal:
    keyring: Keyring = request.app.state.keyring
    known = keyring.find(token)
    # Only of a key that is not known is it asked whether it could be one.
    return await _newcomer(request, keyring, token) if known is None else known


async def _newcomer(request: Request, keyring: Keyring, token: str) -> Principal:
    """Whoever holds a key made a moment ago, here or by another registry on this database."""
    if not is_well_formed(token):
        _count_stranger(request)
        detail = "this is no key of the registry; it looks like pg_<role>_… and must be sent whole"
        raise Problem(401, detail, headers=CHALLENGE)
    supervisor = request.app.state.supervisor
    if not keyring.loaded:
        raise unavailable(supervisor.trouble or "the keys are not loaded yet; try again")
    _count_stranger(request)
    if not await supervisor.next_tick():
        raise unavailable("the database has not confirmed the keys in time; try again")
    principal = keyring.find(token)
    if principal is None:
        # Only here, where a stranger has waited and was counted, is the database asked.
        retired = await run_in_threadpool(request.app.state.retired_keys.refusal, token)
        detail = "this key is unknown, expired or revoked; ask an admin for a new one"
        raise retired or Problem(401, detail, headers=CHALLENGE)
    return principal


def _count_stranger(request: Request) -> None:
    request.app.state.limits.count_stranger(request.client.host if request.client else "")


def allow(principal: Principal, roles: tuple[Role, ...]) -> None:
    """A 403 problem unless the role is one of these."""
    if principal.role not in roles:
        names = " or ".join(roles)
        raise Problem(403, f"a key of role {principal.role} may not do this; use one of {names}")


def requires(*roles: Role) -> Any:  # Any: FastAPI's Depends is typed so
    """A dependency that yields the Principal if its role is among these."""

    async def admit(
        request: Request, _: HTTPAuthorizationCredentials | None = Security(_SCHEME)
    ) -> Principal:
        return await let_in(request, roles)

    return Depends(_declared(admit, roles))


def admits(*roles: Role) -> Callable[[DirectEndpoint], Callable[[Request], Awaitable[Response]]]:
    """Declares who may call a direct route, whose endpoint gets the Principal as well."""

    def guard(endpoint: DirectEndpoint) -> Callable[[Request], Awaitable[Response]]:
        async def admitted(request: Request) -> Response:
            return await endpoint(request, await let_in(request, roles))

        # Not functools.wraps: FastAPI would look for the Principal in the request's query.
        admitted.__name__, admitted.__doc__ = endpoint.__name__, endpoint.__doc__
        return _declared(admitted, roles)

    return guard


def declared_roles(
    endpoint: Callable[..., Any] | None, dependant: Dependant | None
) -> tuple[Role, ...] | None:
    """The roles that `admits` or `requires` lets through to an endpoint; None: everybody."""
    roles: tuple[Role, ...] | None = getattr(endpoint, _ROLES, None)
    for part in dependant.dependencies if dependant is not None and roles is None else ():
        roles = roles or declared_roles(part.call, part)
    return roles


def _declared(call: Guarded, roles: tuple[Role, ...]) -> Guarded:
    setattr(call, _ROLES, roles)
    return call


def check_own(principal: Principal, agent_id: uuid.UUID) -> None:
    """A 403 problem where the key is another agent's own."""
    if principal.agent_id not in (None, agent_id):
        raise Problem(
            403,
            f"this key is agent {principal.agent_id}'s own and speaks for no other, not for"
            f" {agent_id}; enrol that one, or use a key of role agent that is no agent's own",
        )


def check_bound(principal: Principal, agent_id: uuid.UUID, environment: str, team: str) -> None:
    """A 403 problem unless this agent, of this environment and team, is inside the key's bound."""
    check_own(principal, agent_id)
    if principal.covers(environment, team):
        return
    bound = f"environment {principal.environment!r}" + (
        f" and team {principal.team!r}" if principal.team is not None else ""
    )
    raise Problem(
        403,
        f"this key speaks for {bound}, not for environment {environment!r} and team {team!r};"
        " use the key of that environment",
    )
