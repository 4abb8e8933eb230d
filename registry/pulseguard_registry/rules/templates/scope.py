"""For which agents a rule is: by their environment, team, name and type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pulseguard.catalog import LABEL_AGENT, LABEL_AGENT_TYPE, LABEL_ENVIRONMENT, LABEL_TEAM
from pulseguard_registry.rules.checking.expressions import read
from pulseguard_registry.rules.templates.quoting import quoted

LABELS: Final[Mapping[str, str]] = {
    "environment": LABEL_ENVIRONMENT,
    "team": LABEL_TEAM,
    "agent": LABEL_AGENT,
    "type": LABEL_AGENT_TYPE,
}


@dataclass(frozen=True)
class Limit:
    """What a label has to be: this value, or matched whole by this regular expression (RE2)."""

    value: str
    is_pattern: bool = False


@dataclass(frozen=True)
class Scope:
    """The limits by the words of `LABELS`; all agents where there are none."""

    limits: Mapping[str, Limit]

    def selector(self, name: str, *besides: tuple[str, str, str]) -> str:
        """The series of this name that belong to the scope; `besides` are other matchers of them:
        label, operator, value."""
        matchers = [*besides, *self._matchers()]
        if not matchers:
            return name
        inside = ",".join(f"{label}{sign}{quoted(value)}" for label, sign, value in matchers)
        return f"{name}{{{inside}}}"

    def faults(self) -> Iterator[tuple[str, str]]:
        """Each word whose regular expression Prometheus does not take, with that expression."""
        for word, limit in self.limits.items():
            if limit.is_pattern and read(f"up{{job=~{quoted(limit.value)}}}").faults:
                yield word, limit.value

    def _matchers(self) -> Iterator[tuple[str, str, str]]:
        for word, label in LABELS.items():
            limit = self.limits.get(word)
            if limit is not None:
                yield label, "=~" if limit.is_pattern else "=", limit.value
