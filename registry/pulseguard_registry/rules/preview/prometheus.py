"""Asks a Prometheus what an expression has, at a moment and over a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulseguard.doctor.web import Answer, NoAnswer, ask
from pulseguard_registry.problems import Problem, refusal, unavailable

# Both questions have to be answered within the 5 s that a caller waits: the first one is small.
_NOW_SECONDS: Final = 1.5
_RANGE_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Series:
    """A series of an answer: labels, and its samples in order: seconds since 1970, and the value as
    Prometheus writes it."""

    labels: dict[str, str]
    samples: Sequence[tuple[float, str]]


def read_now(url: str, expr: str, at: float) -> list[Series]:
    """What the expression has at this moment. A Problem where Prometheus does not do it."""
    query = {"query": expr, "time": f"{at:.3f}", "timeout": f"{_NOW_SECONDS * 1000:.0f}ms"}
    data = _ask(f"{url}/api/v1/query", query, _NOW_SECONDS)
    if data.get("resultType") == "scalar":
        return [_series({"metric": {}, "value": data["result"]}, "value")]
    return [_series(each, "value") for each in data["result"]]


def read_range(url: str, expr: str, start: float, end: float, step: float) -> list[Series]:
    """What it had from `start` to `end`, every `step` seconds."""
    query = {
        "query": expr,
        "start": f"{start:.3f}",
        "end": f"{end:.3f}",
        "step": f"{step:g}",
        "timeout": f"{_RANGE_SECONDS * 1000:.0f}ms",
    }
    data = _ask(f"{url}/api/v1/query_range", query, _RANGE_SECONDS)
    return [_series(each, "values") for each in data["result"]]


# Any: an element of a result of Prometheus' API.
def _series(element: Any, name: str) -> Series:
    pairs = [element[name]] if name == "value" else element[name]
    return Series(element["metric"], [(float(at), str(value)) for at, value in pairs])


# Any: the "data" of an answer is another thing on each path.
def _ask(url: str, query: dict[str, str], seconds: float) -> dict[str, Any]:
    try:
        answer = ask(url, query=query, seconds=seconds)
    except NoAnswer as error:
        raise unavailable(
            f"Prometheus at {url.partition('/api/')[0]} does not answer: {error}"
        ) from None
    if answer.ok and isinstance(data := answer.fields().get("data"), dict):
        return data
    raise _refusal(answer, query["query"])


def _refusal(answer: Answer, expr: str) -> Problem:
    """What Prometheus says of the expression is said of the request."""
    # 422: it could not be executed, or not within its limits (https://prometheus.io/docs/
    # prometheus/latest/querying/api/#format-overview).
    if answer.status in (400, 422):
        return refusal("expr", expr, f"Prometheus does not evaluate it: {answer.detail}")
    return unavailable(f"Prometheus answers {answer.status}: {answer.detail}")
