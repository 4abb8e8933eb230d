"""The metric and label names that an expression can mean, and which of them a wrong one is like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache, cached_property
from typing import Final

from pulseguard.catalog import (
    AGENT_COST_SUM,
    AGENT_METRICS,
    LABEL_AGENT,
    LABEL_AGENT_ID,
    LABEL_AGENT_TYPE,
    LABEL_ENVIRONMENT,
    LABEL_INSTANCE,
    LABEL_TEAM,
    RECORDED,
    REGISTRY_METRICS,
    Metric,
)

# What Prometheus itself makes of scrapes and alerts, and what any Python program tells of itself.
_OF_PROMETHEUS: Final = {
    "up": "gauge",
    "ALERTS": "gauge",
    "ALERTS_FOR_STATE": "gauge",
    "scrape_duration_seconds": "gauge",
    "scrape_samples_scraped": "gauge",
    "scrape_samples_post_metric_relabeling": "gauge",
    "scrape_series_added": "gauge",
    "process_start_time_seconds": "gauge",
}
_LABELS_OF_PROMETHEUS: Final = ("__name__", "job", "alertname", "alertstate", "le", "quantile")
# By which ALERTS are told apart as well; our own have it, and so has every good rule.
_LABELS_OF_ALERTS: Final = ("severity",)
_LABELS_OF_TARGETS: Final = (
    LABEL_AGENT_ID,
    LABEL_AGENT,
    LABEL_INSTANCE,
    LABEL_AGENT_TYPE,
    LABEL_ENVIRONMENT,
    LABEL_TEAM,
)

# Below it two names have too little in common for one to be meant by the other.
_LIKE: Final = 0.7
_MOST_COMPARED: Final = 8


@dataclass(frozen=True)
class KnownNames:
    """`types` has counter, gauge, histogram, summary or unknown by metric name; a histogram's
    series are under their own names as well.

    `asked_prometheus` is whether what a Prometheus has is among them.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    asked_prometheus: bool = False

    @cached_property
    def like_metrics(self) -> LikeNames:
        """The metric names, to be asked for the one that is like another."""
        return LikeNames(self.types)

    @cached_property
    def like_labels(self) -> LikeNames:
        """The label names, to be asked for the one that is like another."""
        return LikeNames(self.labels)


class LikeNames:
    """Finds the name that a misspelt one is like: one in thousands within a millisecond or so,
    since only those that share its rarer pieces are compared letter by letter."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = sorted(names)
        self._with_piece: dict[str, list[int]] = {}
        for index, name in enumerate(self._names):
            for piece in _pieces(name):
                self._with_piece.setdefault(piece, []).append(index)

    def nearest(self, name: str) -> str | None:
        """The name that is most like this one; None where none is."""
        shared: Counter[int] = Counter()
        # The rare ones first; the common ones, as those of a prefix that all have, tell nothing.
        holders = sorted((self._with_piece.get(piece, []) for piece in _pieces(name)), key=len)
        seen = 0
        for indexes in holders:
            seen += len(indexes)
            if shared and seen > 2000:
                break
            shared.update(indexes)
        best, most = None, _LIKE
        for index, _ in shared.most_common(_MOST_COMPARED):
            alike = SequenceMatcher(None, name, self._names[index], autojunk=False).ratio()
            if alike > most:
                best, most = self._names[index], alike
        return best


@cache
def catalogue_names() -> KnownNames:
    """What our own programs and rules have, and Prometheus by itself."""
    types = dict(_OF_PROMETHEUS) | dict.fromkeys(RECORDED, "gauge") | {AGENT_COST_SUM: "counter"}
    labels = {*_LABELS_OF_PROMETHEUS, *_LABELS_OF_ALERTS, *_LABELS_OF_TARGETS}
    for metric in (*AGENT_METRICS, *REGISTRY_METRICS):
        types |= _series(metric)
        labels |= set(metric.labels)
    return KnownNames(types, frozenset(labels))


def series_of(name: str, kind: str) -> dict[str, str]:
    """The names under which a metric of this type has series, with the type of each."""
    if kind not in ("histogram", "summary"):
        return {name: kind}
    parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("_sum", "_count")
    return {name: kind} | {name + part: "counter" for part in parts}


def _series(metric: Metric) -> dict[str, str]:
    series = series_of(metric.name, metric.type)
    # It has no series of its own: an expression that asks for it gets nothing.
    if metric.type == "histogram":
        del series[metric.name]
    return series


def _pieces(name: str) -> set[str]:
    ended = f"^{name}$"
    return {ended[at : at + 3] for at in range(len(ended) - 2)}
