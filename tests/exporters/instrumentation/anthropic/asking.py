"""What the scenarios ask, by name: the same with every way of asking."""

from __future__ import annotations

from typing import Any

MODEL = "claude-sonnet-5"
SEARCH: dict[str, Any] = {
    "name": "search",
    "input_schema": {
        "type": "object",
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["query", "limit"],
    },
}
NOTE: dict[str, Any] = {"name": "note", "input_schema": {"type": "object", "properties": {}}}
_LONG = "A long text about ships and harbours. " * 300

# For each: how the request differs, the fault asked for, how often the client may retry.
ASKED: dict[str, tuple[dict[str, Any], str, int]] = {
    "ok": ({}, "ok", 0),
    "system": ({"system": "Be brief, and do not speak of ships."}, "ok", 0),
    "short": ({"max_tokens": 1}, "ok", 0),
    "tools": ({"tools": [SEARCH, NOTE], "tool_choice": {"type": "any"}}, "ok", 0),
    "thinking": ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "ok", 0),
    "retried": ({}, "429*1", 1),
    "429": ({}, "429", 1),
    "500": ({}, "500", 0),
    "529": ({}, "529", 0),
    "401": ({}, "401", 0),
    "too long": ({}, "400-context", 0),
    "filtered": ({}, "400-content-filter", 0),
    "faulty": ({"messages": []}, "ok", 0),
    "timeout": ({"timeout": 0.2}, "timeout", 0),
    "cut": ({}, "cut", 0),
}


def asked(name: str, scenario: str, number: int = 0) -> dict[str, Any]:
    """The arguments of a call; its id is the scenario's name and a number."""
    changes, fault, _ = ASKED.get(name, ({}, "ok", 0))
    return {
        "model": MODEL,
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": "Tell me something."}],
        "extra_headers": {"X-Call-Id": f"{scenario}#{number}", "X-Simulate": fault},
        **changes,
    }


def cached(scenario: str, number: int) -> dict[str, Any]:
    """The same long prompt, marked for the cache; to be asked twice."""
    mark = {"cache_control": {"type": "ephemeral"}}
    content = [
        {"type": "text", "text": scenario + _LONG, **mark},
        {"type": "text", "text": "Go on." * (number + 1)},
    ]
    turns = {"messages": [{"role": "user", "content": content}]}
    return {**asked("ok", scenario, number), **turns}
