"""docs/openapi.json: current, and with examples that the registry takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pulseguard_registry.__main__ import written
from tests.registry.requests import CALLS, OPEN, Call
from tests.registry.running import RunningRegistry

PATH = Path(__file__).parents[2] / "docs" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
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
    agent_id = shared_registry.register()["id"]

    assert examples(call)
    for body in examples(call):
        # Any date of maintenance is in the past some day.
        later = {"until": (call.body or {})["until"]} if "until" in body else {}
        answer = call.send(shared_registry, agent_id, json=body | later)
        assert answer.status_code < 300, answer.text
