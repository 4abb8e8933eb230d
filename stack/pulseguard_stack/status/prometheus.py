"""Asks Prometheus: instant queries for the whole fleet, and one range query for the trends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pulseguard.doctor.web import NoAnswer, ask
from pulseguard_prometheus import settling
from pulseguard_stack.status.queries import TREND, TREND_SECONDS, TREND_STEP_SECONDS
from pulseguard_stack.status.readings import Sample, Series


def read_samples(url: str, promql: str) -> Sequence[Sample]:
    """The instant vector of an expression, now; NoAnswer says why there is none."""
    result = _result(f"{url}/api/v1/query", query=promql)
    try:
        return [Sample(each["metric"], float(each["value"][1])) for each in result]
    except (LookupError, TypeError, ValueError) as error:
        raise NoAnswer("what answers there is no Prometheus") from error


def read_trends(url: str, now: float) -> Sequence[Series]:
    """Calls per second of each agent over the last minutes."""
    result = _result(
        f"{url}/api/v1/query_range",
        query=TREND,
        start=f"{now - TREND_SECONDS:.3f}",
        end=f"{now:.3f}",
        step=str(TREND_STEP_SECONDS),
    )
    try:
        return [
            Series(each["metric"], {float(at): float(value) for at, value in each["values"]})
            for each in result
        ]
    except (LookupError, TypeError, ValueError) as error:
        raise NoAnswer("what answers there is no Prometheus") from error


def read_start(url: str) -> datetime:
    """When it started; NoAnswer where it does not tell, as others that speak its language."""
    start = settling.read_start(ask(f"{url}/api/v1/status/runtimeinfo").fields())
    if start is None:
        raise NoAnswer("it does not tell when it started")
    return start


# Any: the result of Prometheus' API is another thing for each kind of query.
def _result(url: str, **query: str) -> list[Any]:
    answer = ask(url, query=query)
    data = answer.fields().get("data")
    if not answer.ok:
        raise NoAnswer(f"it answers {answer.status}: {answer.detail}")
    if not isinstance(data, dict) or not isinstance(data.get("result"), list):
        raise NoAnswer("what answers there is no Prometheus")
    found: list[Any] = data["result"]
    return found
