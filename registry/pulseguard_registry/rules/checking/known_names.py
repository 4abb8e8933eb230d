"""The metric and label names that an expression can mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class KnownNames:
    """`types` has counter, gauge, histogram, summary or unknown by metric name; a histogram's
    series are under their own names as well."""

    types: Mapping[str, str] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
