"""Groups and rules in Prometheus' own words, as values.

https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

RuleKind = Literal["alert", "record"]
Level = Literal["error", "warning"]

# Where Prometheus has it: the registry's own fields `severity` and `runbook_url` are these.
SEVERITY_LABEL: Final = "severity"
RUNBOOK_ANNOTATION: Final = "runbook_url"
# Those by which Alertmanager is told whom to tell, the worst first.
SEVERITIES: Final = ("critical", "warning", "info")


@dataclass(frozen=True)
class Rule:
    """One alerting or recording rule; durations are Prometheus' (`5m`), None where not given."""

    kind: RuleKind
    name: str
    expr: str
    pending: str | None = None
    """`for`: how long the expression has to hold before the alert fires."""
    keep_firing_for: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated together, in their order.

    `labels` go onto each rule that has not the same label itself; `limit` 0 is none.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    interval: str | None = None
    limit: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    enabled: bool = True


@dataclass(frozen=True)
class Finding:
    """What is wrong with a group, and what mends it; an error keeps it from being stored."""

    level: Level
    rule: str | None
    field: str
    value: str | None
    message: str
