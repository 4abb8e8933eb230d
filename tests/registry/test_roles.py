"""The written table of routes and roles: the same as what the application declares and does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from pulseguard_registry.access.guard import declared_roles
from tests.registry.problems import assert_problem
from tests.registry.requests import BOUNDS, CALLS, EVERYBODY, OPEN, Call
from tests.registry.running import RunningRegistry

API_PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ROW = re.compile(r"\| (GET|POST|PUT|PATCH|DELETE) \| `([^`]+)` \| ([a-z, ]+) \| [^|]+ \|")

# Wrong in all that a request has: nothing of it is looked at before the key.
NO_ID = "no-id"
WRONG: dict[str, Any] = {
    "content": b"{",
    "params": {"limit": "none"},
    "headers": {"Content-Type": "application/json", "If-Match": "none"},
}

Roles = dict[str, set[str]]


@pytest.fixture(scope="module")
def keys(shared_registry: RunningRegistry) -> dict[str, str]:
    """A key of each role."""
    return {role: shared_registry.key(role, **BOUNDS.get(role, {})) for role in EVERYBODY}


def written() -> Roles:
    """The table of docs/api.md: roles by method and path."""
    rows = ROW.findall(API_PAGE.read_text(encoding="utf-8"))
    assert len({(method, path) for method, path, _ in rows}) == len(rows)
    return {
        f"{method} {path}": set(EVERYBODY if roles == "everybody" else roles.split(", "))
        for method, path, roles in rows
    }


def declared(registry: RunningRegistry) -> Iterator[tuple[str, set[str]]]:
    """Every route of the application with the roles that its guard lets through."""
    for route in iter_route_contexts(registry.app.routes):
        path = getattr(route, "path", "") or getattr(route.original_route, "path", "")  # a Mount's
        methods = getattr(route, "methods", None) or {"GET"}
        endpoint, dependant = getattr(route, "endpoint", None), getattr(route, "dependant", None)
        roles = declared_roles(endpoint, dependant)
        for method in methods - {"HEAD"}:
            yield f"{method} {path}", set(EVERYBODY if roles is None else roles)


def test_the_table_is_what_every_route_declares(shared_registry: RunningRegistry) -> None:
    assert dict(declared(shared_registry)) == written()


def test_the_calls_of_the_tests_expect_what_the_table_says() -> None:
    expected = {str(call): set(call.roles) for call in CALLS + OPEN}

    assert expected.items() <= written().items()


@pytest.mark.parametrize("call", CALLS + OPEN, ids=str)
def test_every_route_lets_in_whom_the_table_names_and_nobody_else(
    shared_registry: RunningRegistry, keys: dict[str, str], call: Call
) -> None:
    agent_id = call.target(shared_registry)
    allowed = written()[str(call)]
    if call in CALLS:
        assert_problem(call.send(shared_registry, NO_ID, key="", **WRONG), 401, "Authorization")
    for role in EVERYBODY:
        if role in allowed:
            answer = call.send(shared_registry, agent_id, key=keys[role])
            # A DELETE of an agent's id from /keys is a 404: let in, but there is no such key.
            assert answer.status_code < 300 or answer.status_code == 404, answer.text
            call.target(shared_registry)
        else:
            refused = call.send(shared_registry, NO_ID, key=keys[role], **WRONG)
            assert_problem(refused, 403, role, *call.roles[:1])
