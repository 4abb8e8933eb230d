"""What the client asks beside the fleet: everything, and it leaves nothing behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from bench.soak.asking import Asker, NotServed
from bench.soak.requests import SELDOM, Round

from tests.soak.small_registry import SmallRegistry

API = Path(__file__).parents[2] / "docs" / "openapi.json"
METHODS = {"get", "post", "put", "patch", "delete"}


class Anything:
    """Answers as a registry that has one of everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, operation: str, body: object = None, **_: Any) -> Any:
        self.asked.append(operation)
        if operation.endswith("/discovery/targets"):
            return [{"labels": {"agent_id": "1"}}]
        if operation.endswith("/rules/bundle"):
            return {"version": 3, "groups": [{"id": "1", "revision": 2}]}
        one = {"id": "1", "revision": 1}
        return {**one, "items": [one]}


def rounds(count: int) -> list[str]:
    anything = Anything()
    asked = Round(anything, ["1", "2"])  # type: ignore[arg-type]
    for _ in range(count):
        asked.run()
    return anything.asked


def test_every_operation_of_the_api_is_asked_in_the_first_round() -> None:
    paths = json.loads(API.read_text(encoding="utf-8"))["paths"]
    offered = {
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method in item.keys() & METHODS
    }

    assert offered - set(rounds(1)) == set()


def test_rules_and_keys_are_changed_now_and_then_and_people_are_told_once() -> None:
    asked = rounds(2 * SELDOM)

    assert asked.count("GET /api/v1/agents/{agent_id}/health") == 2 * SELDOM
    assert asked.count("POST /api/v1/keys") == asked.count("DELETE /api/v1/keys/{key_id}") == 2
    assert asked.count("POST /api/v1/alerts/test") == 1


def test_an_answer_is_timed_under_the_name_of_its_operation() -> None:
    with SmallRegistry() as registry:
        asker = Asker(registry.url, "key", rate=100)
        path = "POST /api/v1/agents/{agent_id}/heartbeat"
        registry.pause = 0.1

        asker.ask(path, {}, named={"agent_id": "a"})
        asker.ask(path, {}, named={"agent_id": "b"})
        asker.close()

    assert list(asker.answers) == [path]
    assert len(asker.answers[path].seconds) == 2
    assert min(asker.answers[path].seconds) >= 0.1
    assert [agent for agent, _ in registry.beats] == ["a", "b"]


def test_an_answer_that_does_not_hold_says_which_and_why_and_the_next_one_counts() -> None:
    with SmallRegistry() as registry:
        asker = Asker(registry.url, "key", rate=100)
        registry.refuses = 1

        with pytest.raises(NotServed, match="POST /api/v1/agents: 503: busy"):
            asker.ask("POST /api/v1/agents", {"name": "a"})
        assert asker.ask("POST /api/v1/agents", {"name": "a"})["id"] == "a"
        asker.close()

    assert len(asker.answers["POST /api/v1/agents"].at) == 1
