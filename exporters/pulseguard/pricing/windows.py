"""How full the contexts are: what calls held, by the size of their model's window."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import cast

from pulseguard.catalog import CONTEXT_WINDOW_LIMIT, CONTEXT_WINDOW_USED, Detail
from pulseguard.recording.contexts import ALL_TOKENS, tokens_of
from pulseguard.recording.series import HistogramReading, LabelSet, Reading, Readings


def window_readings(
    contexts: Sequence[tuple[LabelSet, Reading]],
    stated: Readings,
    window_of: Callable[[str, str], int | None],
    detail: Detail,
) -> Readings:
    """The readings of CONTEXT_WINDOW_USED and CONTEXT_WINDOW_LIMIT that belong to these contexts.

    With those in `stated`, where the agent has said itself how large a window is: that goes first.
    Count and sum are exact, a call at the edge of a bucket may be in the next one.
    """
    bounds = CONTEXT_WINDOW_USED.bounds(detail)
    used = {labels: cast(HistogramReading, found) for labels, found in stated[_USED]}
    limits: dict[LabelSet, Reading] = {}
    for (provider, model, size), calls in contexts:
        window = window_of(provider, model)
        if window is not None:
            limits[(model,)] = window
            found = used.get((model,), HistogramReading((0,) * (len(bounds) + 1), 0.0))
            used[(model,)] = _with(found, size, cast(int, calls), window, bounds)
    return {_USED: list(used.items()), _LIMIT: list((limits | dict(stated[_LIMIT])).items())}


_USED = CONTEXT_WINDOW_USED.name
_LIMIT = CONTEXT_WINDOW_LIMIT.name


def _with(
    found: HistogramReading, size: str, calls: int, window: int, bounds: tuple[float, ...]
) -> HistogramReading:
    if size == ALL_TOKENS:
        return found._replace(total=found.total + calls / window)
    counts = list(found.counts)
    counts[bisect_left(bounds, tokens_of(size) / window)] += calls
    return found._replace(counts=tuple(counts))
