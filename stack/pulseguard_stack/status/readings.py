"""What Prometheus says of each agent, read from the answers to the queries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pulseguard.catalog import (
    LABEL_AGENT,
    LABEL_AGENT_ID,
    LABEL_AGENT_TYPE,
    LABEL_AGENT_VERSION,
    LABEL_ENVIRONMENT,
    LABEL_INSTANCE,
    LABEL_MODEL,
    LABEL_OUTCOME,
    LABEL_TEAM,
)
from pulseguard_stack.status.queries import TREND_SECONDS, TREND_STEP_SECONDS, Question

_ENDED: Final = ("completed", "failed", "timeout")


@dataclass(frozen=True)
class Sample:
    """One element of an instant vector."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Series:
    """One element of a range vector: values by Unix time."""

    labels: Mapping[str, str]
    values: Mapping[float, float]


@dataclass(frozen=True)
class Reading:
    """The numbers of one agent, in base units; None is unknown, never 0."""

    agent_id: str
    name: str = ""
    instance: str = ""
    environment: str = ""
    team: str = ""
    type: str = ""
    version: str = ""
    is_up: bool | None = None
    calls_per_second: float | None = None
    p95_seconds: float | None = None
    tokens_per_second: float | None = None
    success_ratio: float | None = None
    cost_usd_per_hour: float | None = None
    context_tokens: float | None = None
    context_used_ratio: float | None = None
    # Calls per second, oldest first; None where nothing was known.
    trend: Sequence[float | None] = field(default=())

    @property
    def without_numbers(self) -> Reading:
        """Who it is, and nothing of what it does."""
        return Reading(
            self.agent_id,
            self.name,
            self.instance,
            self.environment,
            self.team,
            self.type,
            self.version,
            self.is_up,
        )


Answers = Mapping[Question, Sequence[Sample]]


def read_answers(answers: Answers, trends: Sequence[Series], now: float) -> dict[str, Reading]:
    """The readings by agent id, of every agent that Prometheus knows as a target."""
    values = {
        question: _by_agent(answers.get(question, ()))
        for question in ("calls", "p95", "tokens", "cost")
    }
    success = _success(answers.get("tasks", ()))
    contexts = _contexts(answers.get("context", ()), answers.get("context_window", ()))
    versions = {
        sample.labels.get(LABEL_AGENT_ID, ""): sample.labels.get(LABEL_AGENT_VERSION, "")
        for sample in answers.get("version", ())
    }
    drawn = {series.labels.get(LABEL_AGENT_ID, ""): _trend(series, now) for series in trends}
    readings: dict[str, Reading] = {}
    for target in map(_target, answers.get("up", ())):
        tokens, share = contexts.get(target.agent_id, (None, None))
        readings[target.agent_id] = replace(
            target,
            version=versions.get(target.agent_id, ""),
            calls_per_second=values["calls"].get(target.agent_id),
            p95_seconds=values["p95"].get(target.agent_id),
            tokens_per_second=values["tokens"].get(target.agent_id),
            success_ratio=success.get(target.agent_id),
            cost_usd_per_hour=values["cost"].get(target.agent_id),
            context_tokens=tokens,
            context_used_ratio=share,
            trend=drawn.get(target.agent_id, ()),
        )
    return readings


def _target(sample: Sample) -> Reading:
    """Who it is, by the labels that discovery gave to its target."""
    label = sample.labels.get
    return Reading(
        label(LABEL_AGENT_ID, ""),
        name=label(LABEL_AGENT, ""),
        instance=label(LABEL_INSTANCE, ""),
        environment=label(LABEL_ENVIRONMENT, ""),
        team=label(LABEL_TEAM, ""),
        type=label(LABEL_AGENT_TYPE, ""),
        is_up=sample.value == 1,
    )


def total_of(readings: Sequence[Reading]) -> Reading:
    """What adds up over a fleet: calls, tokens and cost; None where no agent's is known."""
    trends = [reading.trend for reading in readings if reading.trend]
    return Reading(
        "",
        calls_per_second=_sum(reading.calls_per_second for reading in readings),
        tokens_per_second=_sum(reading.tokens_per_second for reading in readings),
        cost_usd_per_hour=_sum(reading.cost_usd_per_hour for reading in readings),
        trend=[_sum(values) for values in zip(*trends, strict=True)],
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _by_agent(samples: Iterable[Sample]) -> dict[str, float]:
    return {
        sample.labels.get(LABEL_AGENT_ID, ""): sample.value
        for sample in samples
        if math.isfinite(sample.value)
    }


def _success(samples: Iterable[Sample]) -> dict[str, float]:
    """Completed tasks among those that ended; what was cancelled is nobody's success or failure."""
    ended: dict[str, dict[str, float]] = {}
    for sample in samples:
        agent_id, outcome = (
            sample.labels.get(name, "") for name in (LABEL_AGENT_ID, LABEL_OUTCOME)
        )
        if outcome in _ENDED and math.isfinite(sample.value):
            ended.setdefault(agent_id, {})[outcome] = sample.value
    totals = {agent_id: sum(outcomes.values()) for agent_id, outcomes in ended.items()}
    return {
        agent_id: ended[agent_id].get("completed", 0) / total
        for agent_id, total in totals.items()
        if total > 0
    }


def _contexts(
    tokens: Iterable[Sample], windows: Iterable[Sample]
) -> dict[str, tuple[float, float | None]]:
    """Tokens and share of the window, for the model whose window is the fullest."""
    limits = {_model(sample): sample.value for sample in windows if sample.value > 0}
    found: dict[str, tuple[float, float | None]] = {}
    for sample in tokens:
        limit = limits.get(_model(sample))
        agent_id = sample.labels.get(LABEL_AGENT_ID, "")
        context = (sample.value, sample.value / limit if limit else None)
        known = found.get(agent_id)
        if known is None or _fullness(context) > _fullness(known):
            found[agent_id] = context
    return found


def _model(sample: Sample) -> tuple[str, str]:
    return sample.labels.get(LABEL_AGENT_ID, ""), sample.labels.get(LABEL_MODEL, "")


def _fullness(context: tuple[float, float | None]) -> tuple[float, float]:
    tokens, share = context
    return (-1.0 if share is None else share), tokens


def _trend(series: Series, now: float) -> tuple[float | None, ...]:
    steps = TREND_SECONDS // TREND_STEP_SECONDS
    drawn: list[float | None] = [None] * (steps + 1)
    for at, value in series.values.items():
        place = steps - round((now - at) / TREND_STEP_SECONDS)
        if 0 <= place <= steps and math.isfinite(value):
            drawn[place] = value
    return tuple(drawn)
