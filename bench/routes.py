"""How late every route answers, with ten thousand agents and twenty million snapshots."""

import math
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from fastapi.routing import iter_route_contexts

from bench import alert_requests, requests, rule_requests
from bench.asked import Asked
from bench.fleet import Registry, fleet_database, serving
from bench.rounds import Amount, Result
from bench.volume import fill

# Of each agent one every five minutes for a week.
SNAPSHOTS = int(os.environ.get("PULSEGUARD_BENCH_SNAPSHOTS", "20000000"))
TIMES = 100
LIMIT_MS = 100.0
# These wait for another server, and take as long as that does.
OF_OTHERS = {
    "GET /api/v1/alerts/receivers",
    "GET /api/v1/alerts/test",
    "POST /api/v1/alerts/test",
    "POST /api/v1/alert-rules/preview",
}


def run() -> Iterator[Result]:
    """Of each route the p99 of a hundred answers, in milliseconds, one after the other."""
    now = datetime.now(UTC)
    with fleet_database() as url:
        stored = fill(url, now, SNAPSHOTS)
        with serving(url) as registry:
            asked = all_asked(registry, now)
            _check_complete(registry, asked)
            yield Amount("snapshots stored", "M", [stored / 1e6])
            for each in asked:
                yield from _measured(registry, each)


def all_asked(registry: Registry, now: datetime) -> list[Asked]:
    """Reading first: what writing leaves behind would be read."""
    return [
        *requests.reading(now),
        *rule_requests.reading(registry),
        *alert_requests.reading(registry, now),
        *requests.writing(registry, now),
        *alert_requests.writing(registry, now),
        *rule_requests.writing(registry),
    ]


def _measured(registry: Registry, asked: Asked) -> Iterator[Result]:
    times = TIMES // 5 if asked.is_export else TIMES
    registry.ask(asked.make(0))
    answers = [registry.ask(asked.make(number)) for number in range(1, times + 1)]
    whole = _p99([answer.seconds for answer in answers])
    if asked.is_export:
        first = _p99([answer.first_seconds for answer in answers])
        yield Amount(f"{asked}, its first line: p99", "ms", [first * 1e3], LIMIT_MS)
    yield Amount(f"{asked}: p99", "ms", [whole * 1e3], None if asked.is_export else LIMIT_MS)


def _p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[math.ceil(0.99 * len(seconds)) - 1]


def _check_complete(registry: Registry, asked: Sequence[Asked]) -> None:
    # All but the folder of files that the page of the API is made of.
    offered = {
        f"{method} {route.path}"
        for route in iter_route_contexts(registry.app.routes)
        for method in (route.methods or set()) - {"HEAD"}
    }
    if missing := offered - OF_OTHERS - {each.operation for each in asked}:
        raise RuntimeError(f"nothing is asked of {', '.join(sorted(missing))}")
