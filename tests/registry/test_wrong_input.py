"""Wrong input to every route: a problem document that says what to mend, and nothing changed."""

from __future__ import annotations

import pytest

from tests.registry.notifications import alert, tell
from tests.registry.problems import assert_problem, everything
from tests.registry.requests import CALLS, OPEN, REGISTERED, Call
from tests.registry.running import RunningRegistry

WITH_BODY = [call for call in CALLS if call.body is not None]
TWO_MEGABYTES = b'{"name": "' + b"a" * 2_000_000 + b'"}'
NOT_JSON = {
    "empty": b"",
    "half": b'{"name": ',
    "a list": b"[]",
    "text": b'"text"',
    "null": b"null",
    "not UTF-8": b'{"name": "\xff"}',
    "NaN": b'{"interval_seconds": NaN}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
}


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: nothing they send may change it."""
    if not shared_registry.rows("SELECT FROM alerts LIMIT 1"):
        tell(shared_registry, alert())
    return shared_registry


def test_every_operation_is_tried_here(registry: RunningRegistry) -> None:
    document = registry.get("/openapi.json").json()
    operations = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }

    assert {str(call) for call in CALLS + OPEN} == operations


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_no_key_or_a_wrong_one_is_401_and_says_how(registry: RunningRegistry, call: Call) -> None:
    agent_id = call.target(registry)
    before = everything(registry)
    stranger = registry.admin[:-8] + "00000000"
    unknown = "pg_admin_" + "0" * 38

    assert_problem(call.send(registry, agent_id, key=""), 401, "Authorization: Bearer")
    for key in (stranger, unknown, "secret", registry.admin + "x"):
        answer = call.send(registry, agent_id, key=key)
        assert_problem(answer, 401, "key")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert everything(registry) == before


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_no_json_object_is_422(
    registry: RunningRegistry, call: Call, body: bytes
) -> None:
    agent_id = call.target(registry)
    before = everything(registry)

    answer = call.send(
        registry, agent_id, content=body, headers={"content-type": "application/json"}
    )

    assert_problem(answer, 422)
    assert everything(registry) == before


@pytest.mark.parametrize("call", [c for c in WITH_BODY if not c.tolerant], ids=str)
def test_an_unknown_field_is_named(registry: RunningRegistry, call: Call) -> None:
    agent_id = call.target(registry)
    before = everything(registry)

    answer = call.send(registry, agent_id, json={**(call.body or {}), "colour": "blue"})

    assert_problem(answer, 422, "colour", "blue", "take it out")
    assert everything(registry) == before


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_every_missing_field_is_named_or_has_a_default(
    registry: RunningRegistry, call: Call
) -> None:
    agent_id = call.target(registry)
    for name in call.body or {}:
        body = {key: value for key, value in (call.body or {}).items() if key != name}

        answer = call.send(registry, agent_id, json=body)

        if not call.is_taken(answer):
            assert_problem(answer, 422, name)


@pytest.mark.parametrize("call", [*WITH_BODY, *CALLS, *OPEN], ids=str)
def test_two_megabytes_are_413(registry: RunningRegistry, call: Call) -> None:
    agent_id = call.target(registry)
    before = everything(registry)

    factor = call.most_kib // 1024

    answer = call.send(registry, agent_id, content=TWO_MEGABYTES * factor)
    chunked = call.send(registry, agent_id, content=iter([TWO_MEGABYTES[:900_000]] * 3 * factor))

    assert_problem(answer, 413, f"{call.most_kib} KiB")
    assert_problem(chunked, 413, f"{call.most_kib} KiB")
    assert everything(registry) == before


def test_a_compressed_body_is_415(registry: RunningRegistry) -> None:
    answer = registry.client.post(
        "/api/v1/agents",
        content=b"\x1f\x8b",
        headers={**registry.bearer(None), "content-encoding": "gzip"},
    )

    assert_problem(answer, 415, "Content-Encoding")


@pytest.mark.parametrize("call", [c for c in CALLS if "agent" in c.roles], ids=str)
@pytest.mark.parametrize(
    "bound",
    [{"environment": "staging"}, {"environment": "production", "team": "sales"}],
    ids=["environment", "team"],
)
def test_a_key_of_another_environment_or_team_changes_nothing(
    registry: RunningRegistry, call: Call, bound: dict[str, str]
) -> None:
    agent_id = registry.register(team="finance")["id"]
    body = {"name": "test key", "role": "agent", **bound}
    key = registry.post("/api/v1/keys", body).json()["key"]
    before = everything(registry)

    answer = call.send(registry, agent_id, key=key)

    if str(call) == "GET /api/v1/agents":
        assert answer.json()["items"] == []  # the list holds what is inside the bound
        return
    assert_problem(answer, 403, bound["environment"], "production")
    assert everything(registry) == before


def test_a_length_of_five_thousand_digits_is_413_even_without_a_key(
    registry: RunningRegistry,
) -> None:
    for length in ("9" * 5000, "0" * 5000 + "9" * 20):
        answer = registry.client.request(
            "POST", "/api/v1/agents", headers={"content-length": length}
        )
        assert_problem(answer, 413)


def test_a_body_without_its_content_type_is_told_to_name_it(registry: RunningRegistry) -> None:
    answer = registry.client.post(
        "/api/v1/agents", content=b'{"name": "a"}', headers=registry.bearer(None)
    )

    assert_problem(answer, 422, "Content-Type: application/json")


@pytest.mark.parametrize(
    "template", ["", "/heartbeat", "/ai-metrics", "/health", "/events", "/restore", "/maintenance"]
)
def test_an_id_that_is_none_is_refused_and_an_unknown_one_is_404(
    registry: RunningRegistry, template: str
) -> None:
    for call in (call for call in CALLS if call.template.endswith("{agent_id}" + template)):
        no_id = call.send(registry, "7")
        assert_problem(no_id, 422, "agent_id", "is no UUID; use the id that registering gave")
        unknown = call.send(registry, "00000000-0000-0000-0000-000000000000")
        assert_problem(unknown, 404, "register")


def test_an_unknown_path_is_a_problem_document(registry: RunningRegistry) -> None:
    assert_problem(registry.get("/api/v2/agents"), 404, "/docs")


def test_a_method_that_a_path_does_not_have_is_told_all_that_it_has(
    registry: RunningRegistry,
) -> None:
    offered: dict[str, set[str]] = {}
    for call in CALLS + OPEN:
        # Those might be an id as well.
        ids = ("check", "apply", "deleted", "webhook", "path", "receivers", "test", "preview")
        if not call.template.endswith(tuple(f"/{each}" for each in ids)):
            offered.setdefault(call.template, set()).add(call.method)
    for template, methods in offered.items():
        expected = methods | ({"HEAD"} if "GET" in methods else set())
        for method in {"TRACE", "PUT"} - methods:
            path = Call(method, template).path(REGISTERED)
            answer = registry.client.request(method, path, headers=registry.bearer(None))

            assert_problem(answer, 405, answer.headers["allow"])
            assert set(answer.headers["allow"].split(", ")) == expected


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/", "GET, HEAD"), ("/static-offline-docs/x.js", "GET, HEAD"), ("/docs", "GET, HEAD")],
)
def test_a_page_is_for_reading(registry: RunningRegistry, path: str, allow: str) -> None:
    assert registry.client.post(path).headers["allow"] == allow


@pytest.mark.parametrize("call", [c for c in CALLS + OPEN if c.method == "GET"], ids=str)
def test_head_is_answered_as_get_is_but_without_the_body(
    registry: RunningRegistry, call: Call
) -> None:
    path, headers = call.path(call.target(registry)), registry.bearer(None)

    head = registry.client.head(path, headers=headers)

    read = registry.client.get(path, headers=headers)
    assert (head.status_code, head.content) == (read.status_code, b"") == (200, b"")
    assert head.headers["content-type"] == read.headers["content-type"]
    assert head.headers.keys() == read.headers.keys()


def test_head_of_what_cannot_be_read_is_405(registry: RunningRegistry) -> None:
    answer = registry.client.head("/api/v1/heartbeats", headers=registry.bearer(None))

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_request_id_is_kept_or_made(registry: RunningRegistry) -> None:
    path = "/api/v1/health"

    kept = registry.client.get(path, headers={"x-request-id": "abc-1"})
    made = registry.client.get(path, headers={"x-request-id": "a b\t"})

    assert kept.headers["x-request-id"] == "abc-1"
    assert len(made.headers["x-request-id"]) == 32
