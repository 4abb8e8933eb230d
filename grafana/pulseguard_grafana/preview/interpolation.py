"""Texts of a dashboard with their variables filled in, as Grafana's Prometheus data source does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pulseguard_grafana.preview.time_range import Pace, TimeRange

_VARIABLE: Final = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]")
_OF_REGEX: Final = re.compile(r"[$^*{}\[\]'+?.()|]")


@dataclass(frozen=True)
class Chosen:
    """What a variable stands for.

    `texts` are shown to people. `is_many` variables stand in regular expressions, so each of their
    values is escaped; `pattern` is a regular expression that stands for all values as it is. Those
    `unknown` were wanted, and are not offered.
    """

    values: Sequence[str]
    texts: Sequence[str]
    is_many: bool = False
    pattern: str | None = None
    unknown: Sequence[str] = ()

    def written(self, form: str | None) -> str:
        """As it stands in a query, or in the form that a text asks for, as `${team:pipe}` does."""
        if form == "text":
            return " + ".join(self.texts)
        if self.pattern is not None:
            return self.pattern
        if form in ("raw", "csv"):
            return ",".join(self.values)
        if form == "pipe":
            return "|".join(self.values)
        if not self.is_many and form != "regex":
            return "".join(_quoted(value) for value in self.values)
        escaped = [_as_regex(value) for value in self.values]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def times(shown: TimeRange, pace: Pace) -> Mapping[str, Chosen]:
    """The variables that follow from the time of a panel."""
    said = {
        "__interval": f"{pace.step:g}s",
        "__interval_ms": f"{1000 * pace.step:.0f}",
        "__rate_interval": f"{pace.rate_interval:g}s",
        "__range": f"{shown.seconds:.0f}s",
        "__range_s": f"{shown.seconds:.0f}",
        "__range_ms": f"{1000 * shown.seconds:.0f}",
    }
    return {name: Chosen([value], [value]) for name, value in said.items()}


def filled(text: str, variables: Mapping[str, Chosen]) -> str:
    """The text with its variables; one that nobody knows stays as it is, as in Grafana."""

    def one(found: re.Match[str]) -> str:
        chosen = variables.get(found[1] or found[2] or found[4])
        return found[0] if chosen is None else chosen.written(found[3])

    return _VARIABLE.sub(one, text)


def _quoted(value: str) -> str:
    """As it stands within the quotes of a matcher."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _as_regex(value: str) -> str:
    """As a regular expression within the quotes of a matcher, so with each backslash doubled."""
    doubled = value.replace("\\", "\\\\\\\\").replace('"', '\\"')
    return _OF_REGEX.sub(lambda found: rf"\\{found[0]}", doubled)
