"""Lets a request in: the key it carries, and whether its role may use this route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from pulseguard_registry.access.keyring import Keyring, Principal
from pulseguard_registry.access.schemas import Role
from pulseguard_registry.access.tokens import is_well_formed
from pulseguard_registry.problems import Problem, unavailable

CHALLENGE = {"WWW-Authenticate": "Bearer"}
# Declares the scheme in OpenAPI; the reading is ours, so that errors are problem documents.
_SCHEME = HTTPBearer(auto_error=False, description="A key of the registry: `pg_<role>_…`")

PEOPLE: tuple[Role, ...] = ("viewer", "editor", "admin")


async def identify(request: Request) -> Principal:
    """Who asks; a 401 problem says what is wrong with the key."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        detail = "no key was sent; send `Authorization: Bearer <key>`"
        raise Problem(401, detail, headers=CHALLENGE)
    keyring: Keyring = request.app.state.keyring
    if keyring.loaded and (known := keyring.find(token.strip())) is not None:
        return known  # only of a key that is not known is it asked whether it could be one
    if not is_well_formed(token.strip()):
        detail = "this is no key of the registry; it looks like pg_<role>_… and must be sent whole"
        raise Problem(401, detail, headers=CHALLENGE)
    return await _holder(request, token.strip())


async def _holder(request: Request, token: str) -> Principal:
    keyring: Keyring = request.app.state.keyring
    supervisor = request.app.state.supervisor
    if not keyring.loaded:
        raise unavailable(supervisor.trouble or "the keys are not loaded yet; try again")
    principal = keyring.find(token)
    if principal is None:
        # It may have been made a moment ago, here or by another registry on this database.
        if not await supervisor.next_tick():
            raise unavailable("the database has not confirmed the keys in time; try again")
        principal = keyring.find(token)
    if principal is None:
        detail = "this key is unknown, expired or revoked; ask an admin for a new one"
        raise Problem(401, detail, headers=CHALLENGE)
    return principal


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
        principal = await identify(request)
        allow(principal, roles)
        return principal

    checked: Callable[..., Awaitable[Principal]] = admit
    return Depends(checked)


def check_bound(principal: Principal, environment: str, team: str) -> None:
    """A 403 problem unless an agent of this environment and team is inside the key's bound."""
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
