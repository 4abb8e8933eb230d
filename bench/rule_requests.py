"""What is asked of the routes about rules, of the two thousand that there are."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bench.asked import V1, Asked, get, send
from bench.fleet import Registry, Request
from bench.rules import APPLY, GROUPS, RULES, group, rule

GROUP, RULE = f"{V1}/rule-groups/{{group_id}}", f"{V1}/alert-rules/{{rule_id}}"
TEMPLATES = f"{V1}/rule-templates"
TEMPLATE = f"{TEMPLATES}/{{template_id}}"
SCOPE = {"environment": "production", "team": {"matches": "sales|support"}}


def reading(registry: Registry) -> Iterator[Asked]:
    """Rules, groups, revisions, and what they are made of; the rules are applied first."""
    registry.ask(Request("POST", APPLY, {"groups": [group(each) for each in range(GROUPS)]}))
    yield get(TEMPLATES)
    yield _of_templates(registry, "GET", TEMPLATE)
    for path in ("rule-groups", "alert-rules", "rules/bundle", "sync"):
        yield get(f"{V1}/{path}")
    yield get(f"{V1}/alert-rules", "limit=500", what="500 of them")
    yield get(f"{V1}/rule-groups", "state=pending", what="by state")
    yield get(f"{V1}/rule-groups/deleted")
    for template in (GROUP, f"{GROUP}/revisions", f"{GROUP}/revisions/{{number}}"):
        yield _of_rules(registry, "GET", template)
    for template in (RULE, f"{RULE}/revisions"):
        yield _of_rules(registry, "GET", template)


def writing(registry: Registry) -> Iterator[Asked]:
    """What is deleted at last was there for all others."""
    yield _of_templates(registry, "POST", f"{TEMPLATE}/build", {"scope": SCOPE})
    any_tag = {"If-Match": "*"}
    first = _groups(registry)[0]["id"]
    yield send("POST", f"{V1}/rule-groups", lambda n: group(GROUPS + n))
    yield send("POST", f"{V1}/rule-groups/check", group)
    yield send("POST", APPLY, lambda n: {"groups": [group(each) for each in range(n, n + 10)]})
    yield send("POST", f"{V1}/alert-rules/check", rule)
    new = {"group_id": first}
    yield send("POST", f"{V1}/alert-rules", lambda n: new | rule(n) | {"name": f"New{n}"})
    yield send("PUT", f"{V1}/sync/{{prometheus}}/rules", _report)
    yield _of_rules(registry, "PUT", GROUP, lambda n: group(2 * GROUPS + n), any_tag)
    yield _of_rules(registry, "PUT", RULE, lambda n: rule(n) | {"name": f"Other{n}"}, any_tag)
    for template in (RULE, GROUP):
        for path in ("disable", "enable"):
            yield _of_rules(registry, "POST", f"{template}/{path}")
    yield _of_rules(registry, "POST", f"{GROUP}/rollback", lambda _: {"revision": 1})
    for template in (RULE, GROUP):
        yield _of_rules(registry, "DELETE", template)


def _groups(registry: Registry) -> list[dict[str, Any]]:
    """All that are there, with their rules."""
    answer = registry.ask(Request("GET", f"{V1}/rule-groups?limit={GROUPS}"))
    found: list[dict[str, Any]] = json.loads(answer.body)["items"]
    return found


def _report(number: int) -> dict[str, object]:
    loads = {str(uuid.UUID(int=each)): {"loaded": number + 1} for each in range(GROUPS)}
    return {"version": number, "groups": loads}


def _of_rules(
    registry: Registry,
    method: str,
    template: str,
    body: Callable[[int], object] = lambda _: None,
    headers: Mapping[str, str] | None = None,
) -> Asked:
    """Of another group each time, or the third of its rules."""
    groups = _groups(registry)

    def make(number: int) -> Request:
        one = groups[number]
        path = template.replace("{group_id}", one["id"]).replace("{number}", "1")
        if "{rule_id}" in path:
            path = path.replace("{rule_id}", one["rules"][RULES // 3]["id"])
        return Request(method, path, body(number), headers or {})

    return Asked(f"{method} {template}", make)


def _of_templates(registry: Registry, method: str, template: str, body: object = None) -> Asked:
    """Of another kind each time."""
    kinds = [
        each["id"] for each in json.loads(registry.ask(Request("GET", TEMPLATES)).body)["items"]
    ]

    def make(number: int) -> Request:
        return Request(method, template.replace("{template_id}", kinds[number % len(kinds)]), body)

    return Asked(f"{method} {template}", make)
