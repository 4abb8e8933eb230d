"""Series: the snapshots of an agent aggregated by steps, as a reference in Python has them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import create_engine, text

from pulseguard_registry.snapshots.aggregation import FIELDS, Aggregation
from pulseguard_registry.snapshots.schemas import SnapshotQuery
from pulseguard_registry.snapshots.series import plan_series, statement
from tests.registry.problems import assert_problem
from tests.registry.requests import REGISTERED, V1
from tests.registry.running import YESTERDAY, RunningRegistry, snapshot

PATH = f"{V1}/agents/{REGISTERED}/ai-metrics"
START = YESTERDAY
STEP = 300
COUNTS = {
    *("tokens_processed", "api_calls_made", "model_calls", "tasks_completed", "tasks_failed"),
    *("tokens_input", "tokens_cache_read", "tokens_cache_write", "tokens_output"),
    "tokens_reasoning",
}
P95 = {"model_inference_time_p95_ms", "api_call_latency_p95_ms"}
WEIGHTS = {
    "model_inference_time_ms": "model_calls",
    "tokens_per_second": "model_calls",
    "api_call_latency_ms": "api_calls_made",
}
RATIOS = {"model_accuracy", "confidence_score"}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows(shared_registry: RunningRegistry) -> list[Row]:
    """An hour of snapshots, with gaps and with fields that are not known; the newest last."""
    chance = random.Random(7)
    made = [made_row(chance, number) for number in range(60) if not 20 <= number < 35]
    shared_registry.register()
    answer = shared_registry.post(PATH, {"snapshots": [pushed(row) for row in made]})
    assert answer.json()["stored"] == len(made), answer.text
    return made


def made_row(chance: random.Random, number: int) -> Row:
    """Of some minutes only the times are known, not the calls."""
    row: Row = {"taken_at": START + timedelta(minutes=number, seconds=chance.randrange(60))}
    for field in FIELDS:
        if field in COUNTS:
            row[field] = chance.choice([0, chance.randrange(1, 1000)])
        elif chance.random() < 0.3:
            row[field] = None
        elif field in RATIOS:
            row[field] = chance.random()
        else:
            row[field] = chance.randrange(5000)
    return row | ({"model_calls": 0, "api_calls_made": 0} if number >= 50 else {})


def pushed(row: Row) -> Row:
    """As an agent sends it."""
    tokens = {kind.removeprefix("tokens_"): row[kind] for kind in COUNTS if kind in TOKENS}
    fields = {k: v for k, v in row.items() if k not in TOKENS and k != "taken_at"}
    for field in fields.keys() - COUNTS - {"context_length", "tasks_pending"}:
        fields[field] = None if fields[field] is None else float(fields[field])
    return snapshot(row["taken_at"].isoformat(), tokens=tokens, **fields)


TOKENS = {field for field in COUNTS if field.startswith("tokens_")} - {"tokens_processed"}
PLAIN: dict[str, Callable[[list[float]], float]] = {
    "avg": lambda known: sum(known) / len(known),
    "min": min,
    "max": max,
    "sum": sum,
    "last": lambda known: known[-1],
}


def reference(rows: Iterable[Row], field: str, aggregation: str) -> float | None:
    """The same in Python."""
    known = [row for row in rows if row[field] is not None]
    values = [float(row[field]) for row in known]
    if not values:
        return None
    if aggregation == "avg" and field in P95:
        return max(values)
    if aggregation == "avg" and (weight := WEIGHTS.get(field)) is not None:
        weights = [row[weight] for row in known]
        if sum(weights):
            return float(sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights))
    return PLAIN[aggregation](values)


def ask(registry: RunningRegistry, **query: Any) -> Any:
    """The series of the hour."""
    hour = {"from": START.isoformat(), "to": (START + timedelta(hours=1)).isoformat()}
    return registry.get(PATH, params=hour | {"step": "5m"} | query)


@pytest.mark.parametrize("aggregation", get_args(Aggregation))
def test_each_point_is_what_the_snapshots_of_its_step_say(
    shared_registry: RunningRegistry, rows: list[Row], aggregation: str
) -> None:
    fields = [field for field in FIELDS if aggregation != "sum" or field in COUNTS]
    steps: dict[datetime, list[Row]] = {}
    for row in rows:
        taken_at = row["taken_at"]
        at = taken_at - timedelta(seconds=taken_at.timestamp() % STEP)
        steps.setdefault(at, []).append(row)

    series = ask(shared_registry, aggregation=aggregation).json()

    assert [datetime.fromisoformat(point["at"]) for point in series["points"]] == sorted(steps)
    for point, at in zip(series["points"], sorted(steps), strict=True):
        assert point["snapshots"] == len(steps[at])
        assert point["values"] == {
            field: pytest.approx(reference(steps[at], field, aggregation)) for field in fields
        }


def test_a_range_is_taken_to_whole_steps_and_only_what_is_asked_for_is_told(
    shared_registry: RunningRegistry, rows: list[Row]
) -> None:
    bounds = {
        "from": (START + timedelta(minutes=17)).isoformat(),
        "to": (START + timedelta(minutes=41)).isoformat(),
    }

    series = ask(shared_registry, step="15m", field=["model_calls"], **bounds).json()
    in_seconds = ask(shared_registry, step="900", field=["model_calls"], **bounds).json()

    start, end = START + timedelta(minutes=15), START + timedelta(minutes=45)
    assert datetime.fromisoformat(series["from"]) == start
    assert datetime.fromisoformat(series["to"]) == end
    assert sum(point["snapshots"] for point in series["points"]) == sum(
        start <= row["taken_at"] < end for row in rows
    )
    assert all(point["values"].keys() == {"model_calls"} for point in series["points"])
    assert (series["step_seconds"], series["aggregation"]) == (900, "avg")
    assert in_seconds == series


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"aggregation": "sum", "field": "model_accuracy"}, ["field", "has no sum", "use avg"]),
        ({"aggregation": "sum", "field": "api_call_latency_p95_ms"}, ["field", "has no sum"]),
        ({"aggregation": "median"}, ["aggregation", "median", "avg"]),
        ({"field": "colour"}, ["field", "colour", "model_calls"]),
        ({"step": "0"}, ["step", "1s to 366d"]),
        ({"step": "5 minutes"}, ["step", "5 minutes", "1h30m"]),
        ({"step": "1.5"}, ["step", "whole seconds"]),
        ({"step": "٣"}, ["step", "whole seconds"]),
        ({"step": "9999w"}, ["step", "366d"]),
        ({"limit": "7"}, ["limit", "take out"]),
        ({"from": START + timedelta(hours=1)}, ["to", "later"]),
        ({"step": None, "from": START + timedelta(hours=2)}, ["to", "later"]),
        ({"step": None, "aggregation": "max"}, ["step", "such as 5m"]),
        ({"step": None, "field": "model_calls"}, ["step", "such as 5m"]),
        ({"from": None}, ["from", "where it begins"]),
    ],
    ids=str,
)
def test_what_makes_no_sense_together_is_422_with_the_mend(
    shared_registry: RunningRegistry, rows: list[Row], query: dict[str, Any], words: list[str]
) -> None:
    hour = {"from": START.isoformat(), "to": (START + timedelta(hours=1)).isoformat()}
    asked = hour | {"step": "5m"} | query

    answer = shared_registry.get(PATH, params={k: v for k, v in asked.items() if v is not None})

    assert_problem(answer, 422, *words)


@pytest.mark.parametrize(("offset", "seconds"), [(0, 86_400), (0, 22_000), (1, 22_000)])
def test_more_than_eleven_thousand_points_are_refused_with_the_smallest_step_that_fits(
    shared_registry: RunningRegistry, rows: list[Row], offset: int, seconds: int
) -> None:
    start = START + timedelta(seconds=offset)
    bounds = {"from": start.isoformat(), "to": (start + timedelta(seconds=seconds)).isoformat()}

    answer = ask(shared_registry, step="1s", **bounds)
    smallest = int(answer.json()["detail"].partition("at least ")[2].partition("s")[0])

    assert_problem(answer, 422, f"{seconds:,} points", "step")
    assert ask(shared_registry, step=str(smallest), **bounds).status_code == 200
    assert ask(shared_registry, step=str(smallest - 1), **bounds).status_code == 422


def test_a_series_reads_its_own_days_and_by_the_index_only(
    shared_registry: RunningRegistry, rows: list[Row]
) -> None:
    first, last = START - timedelta(hours=10), START + timedelta(hours=61)
    shared_registry.execute(
        f"""
        INSERT INTO ai_metrics (agent_id, taken_at, interval_seconds, tokens_processed,
                                api_calls_made, model_calls, tasks_completed, tasks_failed,
                                tokens_input, tokens_cache_read, tokens_cache_write,
                                tokens_output, tokens_reasoning)
        SELECT md5(agent::text)::uuid, hour, 60, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
          FROM generate_series(1, 300) AS agent,
               generate_series('{first}'::timestamptz, '{last}', interval '1 hour') AS hour;
        ANALYZE ai_metrics
        """
    )
    end = START + timedelta(hours=12)
    query = SnapshotQuery.model_validate({"from": START, "to": end, "step": "5m"})
    plan = plan_series(query, datetime.now(UTC))
    assert plan is not None
    bounds = {"agent_id": REGISTERED, "start": START, "end": end, "step": timedelta(minutes=5)}
    engine = create_engine(shared_registry.database_url.replace("://", "+psycopg://", 1))

    with engine.connect() as connection:
        lines = connection.execute(text(f"EXPLAIN {statement(plan)}"), bounds).scalars().all()
    engine.dispose()

    scans = [line for line in lines if "Scan" in line]
    assert scans, lines
    assert not any("Seq Scan" in scan for scan in scans), lines
    assert all(f"ai_metrics_{START:%Y%m%d}" in scan for scan in scans), lines
