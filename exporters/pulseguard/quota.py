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

# Series whose label values are bounded by the code: outcomes, states, sources, own operations.
_BOUNDED_SERIES: Final = 180
# Models are folded last: everything else stops here.
_SHARE_WITHOUT_MODELS: Final = 0.8


class Quota:
    """Decides, before a series is made, whether there is room for it.

    Room for every `_OTHER` series is set aside from the start, so that what is folded always has
    somewhere to go and sums stay true.
    """

    def __init__(self, metrics: Sequence[Metric], detail: Detail, limit: int) -> None:
        self._detail = detail
        reserved = _BOUNDED_SERIES + sum(_overflow_series(metric, detail) for metric in metrics)
        self._room = max(limit - reserved, 0)
        self._used = 0
        self._label_sets = {metric.name: 0 for metric in metrics}

    def admit(self, metric: Metric) -> bool:
        """Whether one more label set of this metric may be kept apart; takes the room if so."""
        cost = metric.series_per_label_set(self._detail)
        room = self._room if LABEL_MODEL in metric.labels else self._room * _SHARE_WITHOUT_MODELS
        if self._label_sets[metric.name] >= metric.max_label_sets or self._used + cost > room:
            return False
        self._label_sets[metric.name] += 1
        self._used += cost
        return True


def folded(metric: Metric, values: tuple[str, ...]) -> tuple[str, ...]:
    """The label set that takes what has no room: failure and token kind are kept apart."""
    return tuple(map(_folded_value, metric.labels, values))


def _folded_value(label: str, value: str) -> str:
    if label == LABEL_TOKEN_TYPE or (label == LABEL_ERROR_TYPE and not value):
        return value
    return OTHER


def _overflow_series(metric: Metric, detail: Detail) -> int:
    if not metric.max_label_sets:
        return 0
    kept_apart = 1
    if LABEL_TOKEN_TYPE in metric.labels:
        kept_apart *= len(TOKEN_KINDS)
    if LABEL_ERROR_TYPE in metric.labels:
        kept_apart *= 2
    return kept_apart * metric.series_per_label_set(detail)
