"""Two thousand rules in two hundred groups: one changed, all rendered, all in the bundle."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial

import psycopg

from bench.fleet import Registry, Request, fleet_database, serving
from bench.rounds import Amount, Comparison, Result, seconds_of
from pulseguard_registry.rules.bundle import assemble
from pulseguard_registry.rules.render import render
from pulseguard_registry.rules.schemas import RuleGroupSent

GROUPS = 200
RULES = 10
TIMES = 50
APPLY, BUNDLE = "/api/v1/rule-groups/apply", "/api/v1/rules/bundle"
SETTLED_SECONDS = 10


def run() -> Iterator[Result]:
    """What is promised of them is in milliseconds; of a change, beside one commit of PostgreSQL."""
    groups = [group(number) for number in range(GROUPS)]
    with fleet_database() as url, serving(url) as registry:
        applied = registry.seconds(Request("POST", APPLY, {"groups": groups}))
        # No call takes over 5 s.
        yield Amount(f"{GROUPS * RULES} rules applied, all new", "ms", [applied * 1e3], 5000.0)
        again = registry.seconds(Request("POST", APPLY, {"groups": groups}))
        yield Amount(f"{GROUPS * RULES} rules applied, all there", "ms", [again * 1e3], 5000.0)
        yield _change(registry, url)
        yield _rendered(groups)
        yield from _bundle(registry)


def _change(registry: Registry, url: str) -> Result:
    listed = json.loads(registry.ask(Request("GET", "/api/v1/alert-rules?limit=500")).body)
    rules = [(each["id"], each["name"]) for each in listed["items"]]
    seconds, floor = [], []
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE floor_rules (id int PRIMARY KEY, content text)")
        connection.commit()
        for number in range(TIMES):
            rule_id, name = rules[number]
            body = rule(number) | {"name": name, "expr": f"up == {number}"}
            path = f"/api/v1/alert-rules/{rule_id}"
            seconds.append(registry.seconds(Request("PUT", path, body, {"If-Match": "*"})) * 1e3)
            floor.append(_milliseconds(partial(_commit, connection, number)))
    return Comparison("a rule changed", "ms", seconds, floor, "one row, one commit")


def _commit(connection: psycopg.Connection, number: int) -> None:
    connection.execute("INSERT INTO floor_rules VALUES (%s, %s)", (number, "x" * 4000))
    connection.commit()


def _rendered(groups: list[dict[str, object]]) -> Result:
    known = [RuleGroupSent.model_validate(each).group() for each in groups]

    def render_all() -> None:
        for each in known:
            render(uuid.UUID(int=1), 1, each)

    return Amount("all rendered", "ms", [seconds_of(render_all, 1) * 1e3 for _ in range(5)], 200.0)


def _bundle(registry: Registry) -> Iterator[Result]:
    until = time.monotonic() + SETTLED_SECONDS
    while len(json.loads(body := registry.ask(Request("GET", BUNDLE)).body)["groups"]) < GROUPS:
        if time.monotonic() > until:
            raise RuntimeError(f"the bundle has not all groups after {SETTLED_SECONDS} s")
        time.sleep(0.05)
    groups = json.loads(body)["groups"]
    made = [seconds_of(lambda: assemble(1, groups), 1) * 1e3 for _ in range(5)]
    yield Amount("the bundle assembled", "ms", made, 200.0)
    fetched = [registry.seconds(Request("GET", BUNDLE)) * 1e3 for _ in range(TIMES)]
    yield Amount("the bundle fetched", "ms", fetched, 200.0)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def group(number: int) -> dict[str, object]:
    """One of two hundred, with ten rules."""
    rules = [rule(each) for each in range(RULES)]
    return {"name": f"group {number}", "interval": "30s", "owner": "bench", "rules": rules}


def rule(number: int) -> dict[str, object]:
    """One as people write them."""
    return {
        "kind": "alert",
        "name": f"Rule{number}",
        "expr": 'sum by (agent) (rate(gen_ai_client_operation_duration_seconds_count{error_type!="'
        f'",environment="production"}}[5m])) > 0.0{number}',
        "for": "5m",
        "labels": {"severity": "warning", "team": "finance"},
        "annotations": {
            "summary": "{{ $labels.agent }} fails too often",
            "description": "{{ $value | humanizePercentage }} of its calls failed within 5 m.",
            "runbook_url": "https://example.org/runbooks#failing",
        },
    }
