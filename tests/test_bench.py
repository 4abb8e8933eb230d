"""The benchmarks keep up with what they measure."""

import json
from datetime import UTC, datetime
from pathlib import Path

from bench.fleet import Answer, Request
from bench.routes import OF_OTHERS, all_asked

API = Path(__file__).parents[1] / "docs" / "openapi.json"
METHODS = {"get", "post", "put", "patch", "delete"}


class Anything:
    """Answers as a registry that has much of everything."""

    def ask(self, request: Request) -> Answer:
        one = {"id": "1", "rules": [{"id": str(number)} for number in range(10)]}
        return Answer(0, 0, json.dumps({**one, "items": [one] * 500}).encode())


def test_every_operation_of_the_api_is_measured_but_those_that_wait_for_others() -> None:
    paths = json.loads(API.read_text())["paths"]
    offered = {
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method in item.keys() & METHODS
    }

    asked = {each.operation for each in all_asked(Anything(), datetime.now(UTC))}  # type: ignore[arg-type]

    assert offered - asked == OF_OTHERS
