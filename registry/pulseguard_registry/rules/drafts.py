"""What is wrong with the meaning of rules whose form does not hold, as far as they can be read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool

from pulseguard_registry.faults import validation_problem
from pulseguard_registry.problems import Fault, Problem
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.checking.weight import weight_of
from pulseguard_registry.rules.findings import errors_of, find, find_alone, within
from pulseguard_registry.rules.vocabulary import Finding, Rule, RuleGroup
from pulseguard_registry.strict_json import StrictRoute

# About a second; what is heavier is told of when its form holds.
_HEAVIEST: Final = 250_000


class RulesRoute(StrictRoute):
    """A route that takes rules, and tells at once what is wrong with their form and meaning."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler; where it refuses a body, what rules in it mean is looked at too."""
        handle = super().get_route_handler()

        async def handle_rules(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                problem = validation_problem(error.errors())
                found = await run_in_threadpool(errors_in, error.body)
                raise _with(problem, found) from None

        return handle_rules


# Any in this module: whatever JSON holds.
def errors_in(body: Any) -> list[Finding]:
    """The errors of the rule, the group or the groups in a body that is none of them, by its
    fields."""
    if not isinstance(body, dict):
        return []
    if "groups" in body or "rules" in body:
        groups = list(_groups_in(body))
        light = sum(weight_of(group) for _, group in groups) <= _HEAVIEST
        found = [
            finding
            for prefix, group in groups
            if light
            for finding in within(find(group, catalogue_names()), prefix)
        ]
    else:
        rule = _rule(body)
        light = weight_of(RuleGroup("", (rule,))) <= _HEAVIEST
        found = find_alone(rule, catalogue_names()) if light else []
    return errors_of(found)


def _with(problem: Problem, found: list[Finding]) -> Problem:
    told = {fault.field for fault in problem.errors}
    more: list[Fault] = [
        Fault(field=each.field, value=each.value, message=each.message)
        for each in found
        # What is said of all annotations is of one of them, and need not be said twice.
        if told.isdisjoint((each.field, each.field.rpartition(".")[0]))
    ]
    if not more:
        return problem
    errors = [*problem.errors, *more]
    first = errors[0]
    detail = f"{first.field}: {first.message} (and {len(errors) - 1} more)"
    return Problem(422, detail, errors=errors)


def _groups_in(body: Mapping[str, Any]) -> Iterator[tuple[str, RuleGroup]]:
    if "groups" not in body:
        yield "", _group(body)
        return
    for place, group in enumerate(_list(body["groups"])):
        yield f"groups.{place}.", _group(group)


def _group(sent: Any) -> RuleGroup:
    fields = sent if isinstance(sent, dict) else {}
    return RuleGroup("", tuple(_rule(rule) for rule in _list(fields.get("rules"))))


def _rule(sent: Any) -> Rule:
    fields = sent if isinstance(sent, dict) else {}
    name, expr = fields.get("name"), fields.get("expr")
    return Rule(
        "record" if fields.get("kind") == "record" else "alert",
        name if isinstance(name, str) else "",
        # What is missing is told by the form: this has no fault.
        expr if isinstance(expr, str) else "up",
        labels=_texts(fields.get("labels")),
        annotations=_texts(fields.get("annotations")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> dict[str, str]:
    fields = value if isinstance(value, dict) else {}
    return {name: text for name, text in fields.items() if isinstance(text, str)}
