"""docs/openapi.json and docs/api.md: current, and with examples that the registry takes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest

from pulseguard_registry.__main__ import written
from tests.registry.notifications import alert, history, tell
from tests.registry.requests import CALLS, OPEN, REGISTERED, Call
from tests.registry.running import RunningRegistry

PATH = Path(__file__).parents[2] / "docs" / "openapi.json"
PAGE = PATH.with_name("api.md").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
# What may be done to rules and groups under a condition.
CONDITIONAL = {
    (method, f"{thing}{path}")
    for thing in ("rule-groups/{group_id}", "alert-rules/{rule_id}")
    for method, path in (("DELETE", ""), ("POST", "/enable"), ("POST", "/disable"))
} | {("POST", "rule-groups/{group_id}/rollback")}
WITH_BODY = [call for call in CALLS if call.body is not None]


def operation(call: Call) -> dict[str, Any]:
    """What the document says of it."""
    return dict(DOCUMENT["paths"][call.template][call.method.lower()])


def examples(call: Call) -> list[Any]:
    """The bodies that the document gives for it."""
    content = operation(call)["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    return list(DOCUMENT["components"]["schemas"][name].get("examples", []))


def test_the_document_is_this_versions() -> None:
    renew = "renew it: python -m pulseguard_registry > docs/openapi.json"

    assert PATH.read_text(encoding="utf-8") == written(), renew


def test_every_operation_is_described() -> None:
    for call in CALLS + OPEN:
        said = operation(call)
        assert said["summary"], call
        assert len(said["description"]) > 20, call


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_every_body_has_an_example_that_is_taken(
    shared_registry: RunningRegistry, call: Call
) -> None:
    agent_id = call.target(shared_registry)

    assert examples(call)
    for body in examples(call):
        # Any date of maintenance is in the past some day.
        later = {"until": (call.body or {})["until"]} if "until" in body else {}
        answer = call.send(shared_registry, agent_id, json=body | later)
        assert call.is_taken(answer), answer.text


def answers_of(call: Call) -> Iterator[tuple[Any, list[Any]]]:
    """The schema of each JSON that it answers where all is well, and the examples of it."""
    for status, answer in operation(call)["responses"].items():
        said = answer.get("content", {}).get("application/json")
        if said is None or not status.startswith("2"):
            continue
        for schema in said["schema"].get("anyOf", [said["schema"]]):
            shown = [said["example"]] if "example" in said else []
            yield schema, shown + resolved(schema).get("examples", [])


def resolved(schema: Any) -> Any:
    """What a schema refers to."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"][name] if name else schema


def closed(schema: Any) -> Any:
    """The same, and what it has no name for is wrong."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {key: closed(each) for key, each in schema.items() if key != "examples"}
    return {"additionalProperties": False, **inside} if "properties" in inside else inside


def test_every_answer_has_an_example_that_is_true_to_its_schema() -> None:
    components = {"schemas": closed(DOCUMENT["components"]["schemas"])}
    for call in CALLS + OPEN:
        for schema, shown in answers_of(call):
            assert shown, (call, schema)
            judge = jsonschema_rs.validator_for(
                {**schema, "components": components}, validate_formats=True
            )
            for example in shown:
                assert [str(fault) for fault in judge.iter_errors(example)] == [], call


def test_conditions_and_tags_are_in_the_document(shared_registry: RunningRegistry) -> None:
    required = {}
    for call in CALLS:
        agent_id, said = call.target(shared_registry), operation(call)
        taken = call.send(shared_registry, agent_id)
        agent_id = call.target(shared_registry)
        lost = call.send(shared_registry, agent_id, headers={"if-match": '"0"'})
        named = {each["name"]: each["required"] for each in said.get("parameters", ())}

        assert (lost.status_code == 412) == ("If-Match" in named), call
        for answer in (taken, lost):
            described = said["responses"][str(answer.status_code)].get("headers", {})
            assert ("etag" in answer.headers) == ("ETag" in described), (call, answer)
        if lost.status_code == 412:
            required[call.method, call.template.removeprefix("/api/v1/")] = named["If-Match"]
    assert required == {
        ("PATCH", "agents/{agent_id}"): True,
        ("DELETE", "agents/{agent_id}"): False,
        ("POST", "agents/{agent_id}/restore"): False,
        ("PUT", "agents/{agent_id}/maintenance"): False,
        ("DELETE", "agents/{agent_id}/maintenance"): False,
        ("PUT", "rule-groups/{group_id}"): True,
        ("PUT", "alert-rules/{rule_id}"): True,
        **dict.fromkeys(CONDITIONAL, False),
    }


def requests_of_the_page() -> Iterator[str]:
    """The curl commands of docs/api.md, each in one piece."""
    for block in re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE):
        lines = re.sub(r"\n(?! {4}\S)| \\\n", " ", block).splitlines()
        yield from (line.strip() for line in lines if line.strip().startswith("curl "))


def send(registry: RunningRegistry, command: str, said: dict[str, str]) -> Any:
    """The answer to a curl command in which these words stand for others."""
    spoken = re.sub(r"\$(\w+)", lambda word: said[word[1]].replace('"', '\\"'), command)
    words = iter(shlex.split(spoken)[1:])
    method, url, headers, data = "", "", {}, []
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word in ("-d", "--data-urlencode"):
            data.append(next(words))
        elif not word.startswith("-"):
            url = word
    if "G" in command.split()[1]:
        pairs = (pair.partition("=") for pair in data)
        query = urlencode([(name, value) for name, _, value in pairs])
        return registry.client.get(f"{url}?{query}", headers=headers)
    body = data[0] if data else None
    method = method or ("POST" if body else "GET")
    return registry.client.request(method, url, content=body, headers=headers)


def test_every_request_of_the_page_is_taken_as_it_stands_there(
    shared_registry: RunningRegistry,
) -> None:
    said = {
        "API": "/api/v1",
        "AUTH": f"Authorization: Bearer {shared_registry.admin}",
        "JSON": "Content-Type: application/json",
        "AGENT": REGISTERED,
        "NOW": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    assert f"AGENT={REGISTERED}\n" in PAGE
    tell(shared_registry, alert())
    said["ALERT"] = str(history(shared_registry)[0]["id"])
    asked = set()
    for command in requests_of_the_page():
        # No Prometheus is here that it could wait for.
        answer = send(shared_registry, command.replace("wait=10s", "wait=100ms"), said)

        assert answer.status_code < 300, (command, answer.text)
        said["ETAG"] = answer.headers.get("etag", said.get("ETAG", ""))
        asked.add((answer.request.method, answer.request.url.path))
    assert {(method, f"/api/v1/agents/{REGISTERED}") for method in ("GET", "PATCH")} <= asked
    (latest,) = shared_registry.get(f"/api/v1/agents/{REGISTERED}/ai-metrics").json()["items"]
    assert latest["tokens"]["input"] == 15000
