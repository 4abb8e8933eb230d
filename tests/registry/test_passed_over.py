"""Nothing of a request is passed over that might have been meant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.registry.problems import assert_problem, everything
from tests.registry.requests import CALLS, OPEN, REGISTERED, Call
from tests.registry.running import RunningRegistry

WITHOUT_BODY = [call for call in CALLS if call.body is None]


def parameters(registry: RunningRegistry, call: Call) -> list[dict[str, Any]]:
    """Those of the query, as the OpenAPI document has them."""
    operation = registry.app.openapi()["paths"].get(call.template, {}).get(call.method.lower(), {})
    return [each for each in operation.get("parameters", ()) if each["in"] == "query"]


@pytest.mark.parametrize("call", CALLS + OPEN, ids=str)
def test_a_parameter_of_one_value_is_refused_when_it_is_given_twice(
    shared_registry: RunningRegistry, call: Call
) -> None:
    for parameter in parameters(shared_registry, call):
        name = parameter["name"]
        answer = call.send(shared_registry, REGISTERED, params=[(name, "one"), (name, "other")])

        if parameter["schema"].get("type") == "array":
            assert "given 2 times" not in answer.text
        else:
            assert_problem(answer, 422, name, "given 2 times", "other")


@pytest.mark.parametrize("call", [call for call in CALLS if not call.is_hot], ids=str)
def test_a_parameter_that_nobody_knows_is_refused_and_nothing_done(
    shared_registry: RunningRegistry, call: Call
) -> None:
    agent_id = call.target(shared_registry)
    call.send(shared_registry, agent_id, key="")
    before = everything(shared_registry)

    answer = call.send(shared_registry, agent_id, params={"dry_run": "true"})

    assert_problem(answer, 422, "dry_run", "is not a field", "true")
    assert everything(shared_registry) == before


def test_several_values_are_taken_where_a_parameter_is_a_list(
    shared_registry: RunningRegistry,
) -> None:
    path = f"/api/v1/agents/{shared_registry.register()['id']}/events"

    found = shared_registry.get(f"{path}?kind=registered&kind=retired").json()["items"]

    assert {event["kind"] for event in found} >= {"registered"}


@pytest.mark.parametrize("call", WITHOUT_BODY, ids=str)
def test_a_body_is_refused_where_none_is_taken(
    shared_registry: RunningRegistry, call: Call
) -> None:
    agent_id = call.target(shared_registry)
    json = {"Content-Type": "application/json"}

    for meant in (b'{"dry_run": true}', b"[" * 2000):
        refused = call.send(shared_registry, agent_id, content=meant, headers=json)
        assert_problem(refused, 422, "body", "without")

    for nothing in (b"", b" {} "):
        answer = call.send(shared_registry, agent_id, content=nothing, headers=json)
        assert answer.status_code < 300 or answer.status_code == 404, answer.text
        call.target(shared_registry)
