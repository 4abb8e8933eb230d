"""The OpenAPI document and the registry agree, whoever asks and whatever is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.registry.conftest import new_database
from tests.registry.notifications import alert, notification
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.requests import BOUNDS, CALLS, EVERYBODY, OPEN
from tests.registry.rule_groups import group
from tests.registry.running import eventually, registration
from tests.registry.whole_bodies import WHOLE

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
# Who is bound to what is its own, and who may do most; what each may do is in test_roles too.
ROLES = EVERYBODY if LONG else ["agent", "admin"]
SETTINGS = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_NUMBERS = count(1)
BY_NAME = {str(call): call for call in CALLS + OPEN}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def served(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """A registry that listens."""
    folder = tmp_path_factory.mktemp("served")
    with new_database(postgres) as url, registry_process(folder, url) as one:
        eventually(one.is_ready)
        yield one


def _post(served: RegistryProcess, path: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {served.admin_key()}"}
    answer = requests.post(f"{served.url}/api/v1{path}", json=body, headers=headers, timeout=10)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


@pytest.mark.parametrize("role", ROLES)
def test_no_request_that_the_document_allows_or_forbids_has_an_undocumented_answer(
    served: RegistryProcess, role: str
) -> None:
    asked_for = {"name": role, "role": role, **BOUNDS.get(role, {})}
    key = _post(served, "/keys", asked_for)["key"]
    known = {
        "agent_id": _post(served, "/agents", registration())["id"],
        "key_id": _post(served, "/keys", {"name": "to be ended", "role": "viewer"})["id"],
        "prometheus": "main",
        "alert_id": 1,
        "template_id": "error-rate",
    }
    _post(served, "/alerts/webhook", notification(alert()))
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    # Any: operations of whichever kind of document.
    operations: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    reached: set[str] = set()
    faults: list[str] = []

    def try_case(case: schemathesis.Case[Any], is_known: bool) -> None:
        if is_known and "agent_id" in case.path_parameters:
            case.path_parameters["agent_id"] = known["agent_id"]
        answer = case.call(headers={"Authorization": f"Bearer {key}"}, timeout=10)
        if 200 <= answer.status_code < 300:
            reached.add(case.operation.label)
        case.validate_response(answer, checks=CHECKS)

    # Whoever may do most reaches most.
    examples = 100 if LONG else 2 if role == "admin" else 1
    for operation in operations:
        for cases, times in (
            (_holding(operation, known | _group(served, operation), role), 1),
            *((operation.as_strategy(generation_mode=mode), examples) for mode in GenerationMode),
        ):
            check = settings(SETTINGS, max_examples=times)(
                given(case=cases, is_known=st.booleans())(try_case)
            )
            try:
                check()
            except Unsatisfiable:
                pass  # it takes nothing that could be wrong
            except FailureGroup as group:
                faults += [f"{operation.label}: {failure}" for failure in group.exceptions]

    assert not faults, "\n".join(faults)
    allowed = {name: call for name, call in BY_NAME.items() if role in call.roles}
    assert reached == {name for name, call in allowed.items() if not call.asks_prometheus}
    assert {operation.label for operation in operations} == BY_NAME.keys()


def _group(served: RegistryProcess, operation: Any) -> dict[str, Any]:
    """A new group and its rule, where the operation is about some."""
    if "rule" not in operation.path:
        return {}
    made = _post(served, "/rule-groups", group(f"group {next(_NUMBERS)}"))
    return {"group_id": made["id"], "rule_id": made["rules"][0]["id"], "number": 1}


def _holding(operation: Any, known: Mapping[str, str], role: str) -> st.SearchStrategy[Any]:
    """Cases of what is there, with a body that holds."""
    given_parts: dict[str, Any] = {"headers": BY_NAME[operation.label].headers}
    names = {parameter.name for parameter in operation.path_parameters}
    given_parts["path_parameters"] = {name: known[name] for name in names}
    if body := WHOLE.get(operation.label):
        # Who enrols takes no name that somebody else has.
        name = {"name": f"{role} by {operation.label}"} if "name" in body else {}
        given_parts["body"] = body | name
        if "group_id" in body:
            given_parts["body"] |= {"group_id": known["group_id"]}
        given_parts["media_type"] = "application/json"
    cases: st.SearchStrategy[Any] = operation.as_strategy(**given_parts)
    return cases
