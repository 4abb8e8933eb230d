"""How many series an agent may hold, and what becomes of a label set that has no room."""

from collections.abc import Sequence
from typing import Final

from pulseguard.catalog import (
    LABEL_ERROR_TYPE,
    LABEL_MODEL,
    LABEL_TOKEN_TYPE,
    OTHER,
    TOKEN_KINDS,
    Detail,
    Metric,
)

DEFAULT_LIMIT: Final = 1000
LARGEST_LIMIT: Final = 2000
# Below this the series that are always there would leave no room for a single model.
SMALLEST_LIMIT: Final = 500

# Series whose label values are bounded by the code: outcomes, states, sources.
BOUNDED_SERIES: Final = 173
# What is left, when all else is full, for optional metrics' `_OTHER` and for what always has room.
_SHARE_KEPT: Final = 0.075
# Models are folded last: everything else stops here.
_SHARE_WITHOUT_MODELS: Final = 0.8


class Quota:
    """Decides, before a series is made, whether there is room for it.

    Room for every `_OTHER` series is set aside from the start (of optional metrics: when they are
    opened), so that what is folded always has somewhere to go and sums stay true.
    """

    def __init__(self, metrics: Sequence[Metric], detail: Detail, limit: int) -> None:
        self._detail = detail
        self._catalogued = frozenset(metric.name for metric in metrics)
        at_hand = [metric for metric in metrics if not metric.optional]
        set_aside = sum(_series_set_aside(metric, detail) for metric in at_hand)
        self._kept = int(limit * _SHARE_KEPT)
        self._room = max(limit - BOUNDED_SERIES - self._kept - set_aside, 0)
        self._used = 0
        # The label sets kept apart, of each metric that is open.
        self._label_sets = {metric.name: len(metric.always) for metric in at_hand}

    def open(self, metric: Metric) -> bool:
        """Whether this metric may be recorded at all; takes the room of its `_OTHER` series.

        What is kept for optional metrics is for those of the catalogue alone.
        """
        if metric.name in self._label_sets:
            return True
        cost = _series_set_aside(metric, self._detail)
        kept = self._kept if metric.name in self._catalogued else 0
        if self._used + cost > self._room + kept:
            return False
        self._used += cost
        self._label_sets[metric.name] = len(metric.always)
        return True

    def admit(self, metric: Metric, values: tuple[str, ...]) -> bool:
        """Whether one more label set of this metric may be kept apart; takes the room if so."""
        always = values in metric.always
        if not always and self._label_sets[metric.name] >= metric.max_label_sets:
            return False
        cost = metric.series_per_label_set(self._detail)
        if self._used + cost > self._room_for(metric, always):
            return False
        self._label_sets[metric.name] += not always
        self._used += cost
        return True

    def _room_for(self, metric: Metric, always: bool) -> float:
        if always:
            return self._room + self._kept
        return self._room * (1 if LABEL_MODEL in metric.labels else _SHARE_WITHOUT_MODELS)


def folded(metric: Metric, values: tuple[str, ...]) -> tuple[str, ...]:
    """The label set that takes what has no room: failure and token kind are kept apart."""
    return tuple(map(_folded_value, metric.labels, values))


def _folded_value(label: str, value: str) -> str:
    if label == LABEL_TOKEN_TYPE or (label == LABEL_ERROR_TYPE and not value):
        return value
    return OTHER


def _series_set_aside(metric: Metric, detail: Detail) -> int:
    if not metric.max_label_sets:
        # Bounded by the code, and counted as such; an optional one by having no labels.
        return metric.samples(detail) if metric.optional else 0
    kept_apart = 1
    if LABEL_TOKEN_TYPE in metric.labels:
        kept_apart *= len(TOKEN_KINDS)
    if LABEL_ERROR_TYPE in metric.labels:
        kept_apart *= 2
    # Of an optional one also that it was folded: who has it is not known beforehand.
    return kept_apart * metric.series_per_label_set(detail) + metric.optional
