"""What was acknowledged of rules, and what has become of it."""

from __future__ import annotations

from contextlib import suppress
from http.client import HTTPException
from typing import Any

from tests.end_to_end.rules_stack import GROUPS, RulesStack


# Any: JSON.
def numbers(name: str, *values: int) -> dict[str, Any]:
    """A group that records these numbers."""
    rules = [
        {"kind": "record", "name": f"{name}:value:of{place}", "expr": f"vector({value})"}
        for place, value in enumerate(values)
    ]
    return {"name": name, "rules": rules}


Expressions = dict[str, list[str]]


def there(stack: RulesStack) -> Expressions:
    """The expressions of each group, as the registry has them."""
    return {
        name: [rule["expr"] for rule in group["rules"]] for name, group in stack.groups().items()
    }


def loaded(stack: RulesStack) -> Expressions:
    """The same, as Prometheus has them."""
    groups = stack.prometheus.rule_groups()
    return {name: [rule["query"] for rule in group["rules"]] for name, group in groups.items()}


class Ledger:
    """What may be there: of each group what was acknowledged last, or what was sent since."""

    def __init__(self, stack: RulesStack) -> None:
        self._stack = stack
        self._possible: dict[str, list[list[str] | None]] = {}

    def publish(self, number: int) -> None:
        """A group that is changed, one that is added and one that goes, each a publication; until
        the registry dies over it."""
        with suppress(OSError, HTTPException):
            self._put("changed", number)
            self._put(f"added_{number}", number)
            self._remove(f"added_{number - 1}")

    def is_kept(self) -> None:
        """Fails where anything that was acknowledged is not there."""
        now = there(self._stack)
        for name, possible in self._possible.items():
            assert now.get(name) in possible, (name, now.get(name), possible)
            self._possible[name] = [now.get(name)]

    def _put(self, name: str, value: int) -> None:
        body = {"owner": name, "groups": [numbers(name, value)]}
        self._write(name, [f"vector({value})"], body)

    def _remove(self, name: str) -> None:
        self._write(name, None, {"owner": name, "prune": True, "groups": []})

    def _write(self, name: str, expressions: list[str] | None, body: object) -> None:
        self._possible.setdefault(name, [None]).append(expressions)
        answer = self._stack.ask("POST", f"{GROUPS}/apply", body)
        assert answer.status == 200, answer.body
        self._possible[name] = [expressions]


def kill(stack: RulesStack, victims: tuple[str, ...]) -> None:
    """All at once, as kill -9 does."""
    if "sync" in victims:
        stack.sync.kill()
    if "registry" in victims:
        stack.registry.process.kill()
        stack.registry.process.wait()


def start_again(stack: RulesStack, victims: tuple[str, ...]) -> None:
    if "registry" in victims:
        stack.start_registry()
    if "sync" in victims:
        stack.start_sync()
