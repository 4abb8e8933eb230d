"""The templates that there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pulseguard.catalog import ACCURACY
from pulseguard_registry.rules.templates import expressions
from pulseguard_registry.rules.templates.expressions import Values
from pulseguard_registry.rules.templates.parameters import Parameter
from pulseguard_registry.rules.templates.scope import Scope
from pulseguard_registry.rules.vocabulary import SEVERITIES

_WHO: Final = "{{ $labels.agent }} ({{ $labels.instance }}, {{ $labels.environment }})"


@dataclass(frozen=True)
class Template:
    """One kind of rule. `threshold` names the parameter that the value is held against;
    `description` is a template of Prometheus, in which {name} stands for a parameter."""

    id: str
    title: str
    purpose: str
    alert: str
    summary: str
    description: str
    threshold: str
    parameters: tuple[Parameter, ...]
    expression: Callable[[Scope, Values], str]


def _template(
    template_id: str,
    words: tuple[str, str],
    alert: str,
    texts: tuple[str, str],
    expression: Callable[[Scope, Values], str],
    parameters: tuple[Parameter, ...],
    *,
    pending: str,
    severity: str = "warning",
) -> Template:
    common = (
        Parameter("for", "How long it has to hold before the alert fires", "duration", pending),
        Parameter("severity", "How bad it is", "choice", severity, choices=SEVERITIES),
    )
    return Template(
        template_id,
        *words,
        alert,
        texts[0],
        f"{_WHO} {texts[1]}",
        parameters[0].name,
        (*parameters, *common),
        expression,
    )


def _share(default: float, of_what: str) -> Parameter:
    # No share is more than all: with 1 the alert could not fire.
    return Parameter("share", of_what, "number", default, "ratio", 0, 0.99)


def _count(name: str, title: str, default: int = 5) -> Parameter:
    return Parameter(name, title, "integer", default, name, 1, 1_000_000)


_ALL: Final = (
    _template(
        "agent-down",
        ("Agent down", "An agent does not answer Prometheus any more, and never said goodbye."),
        "AgentUnreachable",
        (
            "An agent does not answer.",
            "does not answer Prometheus, or has fallen silent {falls} times within 10 minutes.",
        ),
        expressions.down,
        (
            Parameter(
                "falls", "Falls within 10 minutes that count too", "integer", 5, "falls", 2, 100
            ),
        ),
        pending="1m",
        severity="critical",
    ),
    _template(
        "error-rate",
        ("Error rate", "Too large a share of an agent's model calls fails, over 5 minutes."),
        "AgentCallsFail",
        (
            "An agent's model calls fail.",
            "has {{ $value | humanizePercentage }} of its calls fail.",
        ),
        expressions.error_rate,
        (
            _share(0.1, "Share of the model calls that may fail"),
            _count("failures", "Failures within 5 minutes that it takes at least"),
        ),
        pending="2m",
    ),
    _template(
        "latency-p95",
        ("Latency p95", "One in twenty of an agent's model calls takes too long."),
        "AgentCallsSlow",
        (
            "An agent's model calls are slow.",
            "made calls of which 1 in 20 took longer than {{ $value | humanizeDuration }}.",
        ),
        expressions.latency,
        (
            # Beyond it the lean buckets have no bound, and the alert could not fire.
            Parameter("seconds", "What 19 in 20 have to keep", "number", 20, "seconds", 0.001, 40),
            _count("calls", "Calls within 5 minutes that it takes at least"),
        ),
        pending="10m",
    ),
    _template(
        "time-to-first-token",
        ("Time to first token", "One in twenty of an agent's streams begins too late."),
        "AgentFirstTokenLate",
        (
            "An agent's streams begin late.",
            "had streams of which 1 in 20 began after {{ $value | humanizeDuration }} or later.",
        ),
        expressions.first_token,
        (
            Parameter("seconds", "What 19 in 20 have to keep", "number", 5, "seconds", 0.001, 10),
            _count("streams", "Streams within 5 minutes that it takes at least"),
        ),
        pending="10m",
    ),
    _template(
        "cost-per-hour",
        ("Cost per hour", "An agent spends more an hour than its budget, over 15 minutes."),
        "AgentOverBudget",
        (
            "An agent spends more than its budget.",
            'spends {{ printf "%.2f" $value }} USD an hour, of a budget of {budget} USD.',
        ),
        expressions.cost,
        (Parameter("budget", "What it may spend an hour", "number", 10, "USD", 0, 1_000_000),),
        pending="10m",
    ),
    _template(
        "tokens-per-minute",
        ("Tokens per minute", "An agent uses more tokens a minute than it should."),
        "AgentTokensHigh",
        (
            "An agent uses many tokens.",
            "uses {{ $value | humanize }} tokens a minute, of all kinds.",
        ),
        expressions.tokens,
        (
            Parameter(
                "tokens", "Tokens that it may use a minute", "number", 100_000, "tokens", 0, 1e12
            ),
        ),
        pending="5m",
    ),
    _template(
        "evaluation-below",
        (
            "Evaluation below a floor",
            "The mean score of an evaluation is too low, over 30 minutes.",
        ),
        "AgentScoreLow",
        (
            "An agent's answers score low.",
            'has a mean score of {{ printf "%.2f" $value }} in {evaluation}, over 30 minutes.',
        ),
        expressions.evaluation,
        (
            # No score is less than 0: with that the alert could not fire.
            Parameter(
                "floor", "The mean score that it has to keep", "number", 0.8, "ratio", 0.01, 1
            ),
            Parameter("evaluation", "Which evaluation", "text", ACCURACY),
            _count("evaluations", "Evaluations within 30 minutes that it takes at least"),
        ),
        pending="5m",
    ),
    _template(
        "context-nearly-full",
        ("Context window nearly full", "An agent's context leaves little of its model's window."),
        "AgentContextNearlyFull",
        (
            "An agent's context is nearly full.",
            "fills {{ $value | humanizePercentage }} of its model's context window.",
        ),
        expressions.context,
        (_share(0.9, "Share of the window that it may fill"),),
        pending="5m",
    ),
    _template(
        "tool-failures",
        ("Tool failures", "Too large a share of an agent's tools fails, over 5 minutes."),
        "AgentToolsFail",
        ("An agent's tools fail.", "has {{ $value | humanizePercentage }} of its tools fail."),
        expressions.tools,
        (
            _share(0.2, "Share of the tool executions that may fail"),
            _count("failures", "Failures within 5 minutes that it takes at least"),
        ),
        pending="2m",
    ),
    _template(
        "stuck",
        ("Stuck", "An agent works and gets nowhere."),
        "AgentStuck",
        ("An agent is stuck.", "has made no progress for {{ $value | humanizeDuration }}."),
        expressions.stuck,
        (
            Parameter(
                "seconds",
                "How long it may go without progress",
                "number",
                600,
                "seconds",
                0,
                604800,
            ),
        ),
        pending="1m",
    ),
    _template(
        "no-traffic",
        ("No traffic", "An agent answers Prometheus and calls no model."),
        "AgentWithoutTraffic",
        ("An agent has no traffic.", "has called no model for {minutes} minutes or longer."),
        expressions.no_traffic,
        (
            Parameter(
                "minutes", "How long it may be without calls", "integer", 30, "minutes", 1, 10_080
            ),
        ),
        pending="1m",
    ),
)
TEMPLATES: Final[Mapping[str, Template]] = {template.id: template for template in _ALL}
