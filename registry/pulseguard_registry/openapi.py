"""The OpenAPI document, with the bodies of the direct routes, which FastAPI does not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pulseguard_registry.answer_examples import ANSWERS

REFERENCE = "#/components/schemas/{model}"


def direct_body(
    model: type[BaseModel], *, names_agent: bool = True
) -> dict[str, Any]:  # Any: a piece of an OpenAPI document
    """What a direct route adds to its operation: its body, its key, the agent's id in its path."""
    content = {"application/json": {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}
    agent_id = {"type": "string", "format": "uuid"}
    path = [{"name": "agent_id", "in": "path", "required": True, "schema": agent_id}]
    return {
        "parameters": path if names_agent else [],
        "requestBody": {"required": True, "content": content},
        "security": [{"HTTPBearer": []}],
    }


def _name_problems(document: dict[str, Any]) -> None:  # Any: the document
    """Give problem documents their media type, which FastAPI has no way to say."""
    reference = {"$ref": REFERENCE.format(model="ProblemDocument")}
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                if content.get("application/json", {}).get("schema") == reference:
                    content["application/problem+json"] = content.pop("application/json")


def _require_conditions(document: dict[str, Any]) -> None:  # Any: the document
    """Call a condition required without which the answer is 428: FastAPI would make that a 422."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "428" in operation["responses"]:
                for parameter in operation["parameters"]:
                    parameter["required"] |= parameter["in"] == "header"


def _show_answers(document: dict[str, Any]) -> None:  # Any: the document
    """Give the models of answers their examples, which none of them has of its own."""
    for name, example in ANSWERS.items():
        document["components"]["schemas"][name]["examples"] = [example]


def describe_bodies(app: FastAPI, models: Sequence[type[BaseModel]]) -> None:
    """Make the application's OpenAPI document hold the schemas of these bodies."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:  # Any: the document
        if app.openapi_schema is None:
            document = generate()
            _, schema = models_json_schema(
                [(model, "validation") for model in models], ref_template=REFERENCE
            )
            document["components"]["schemas"] |= schema["$defs"]
            _name_problems(document)
            _require_conditions(document)
            _show_answers(document)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
