"""The queries of a panel, asked as they stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulseguard_grafana.preview.errors import QueryFailed
from pulseguard_grafana.preview.interpolation import Chosen, filled, times
from pulseguard_grafana.preview.prometheus import Prometheus, Series
from pulseguard_grafana.preview.time_range import TimeRange, pace, range_since, seconds_of

# Any in this module: parts of Grafana's dashboard model.
Json = Mapping[str, Any]

_LABEL: Final = re.compile(r"\{\{\s*(.+?)\s*\}\}")
# A page is read on a screen of about this many pixels, a point on each, in 24 columns.
_PIXELS_OF_COLUMN: Final = 75


@dataclass(frozen=True)
class NamedSeries:
    """A series with the name that its legend gives it, and the letter of its query."""

    name: str
    letter: str
    labels: Mapping[str, str]
    values: Mapping[float, float]


@dataclass(frozen=True)
class Asking:
    """Whom to ask, of what, and of which time: what all panels of a page have in common."""

    prometheus: Prometheus
    variables: Mapping[str, Chosen]
    shown: TimeRange
    scrape_seconds: float

    def filled(self, text: str) -> str:
        """A text of the page with its variables."""
        return filled(text, self.variables)

    def panel_range(self, panel: Json) -> TimeRange:
        """The time of the page, or the panel's own."""
        since = panel.get("timeFrom")
        return range_since(str(since), self.shown.end) if since else self.shown

    def series(self, panel: Json) -> Sequence[NamedSeries]:
        """The answers to all queries of a panel; QueryFailed names the query that has none."""
        targets = [target for target in panel.get("targets", ()) if not target.get("hide")]
        return [series for target in targets for series in self._answers(panel, target)]

    def _answers(self, panel: Json, target: Json) -> Iterator[NamedSeries]:
        shown = self.panel_range(panel)
        points = _PIXELS_OF_COLUMN * int(panel["gridPos"]["w"])
        every = panel.get("interval")
        closest = seconds_of(every) if every else self.scrape_seconds
        at = pace(shown, points, self.scrape_seconds, closest)
        expr = filled(target["expr"], {**self.variables, **times(shown, at)})
        letter = target["refId"]
        try:
            if target.get("instant"):
                found = self.prometheus.instant(expr, shown.end)
            else:
                found = self.prometheus.over(expr, shown, at.step)
        except QueryFailed as error:
            raise QueryFailed(f"query {letter}: {error}") from error
        legend = self.filled(target.get("legendFormat") or "__auto")
        for each in found:
            yield NamedSeries(_named(legend, each), letter, each.labels, each.values)


def _named(legend: str, series: Series) -> str:
    if legend == "__auto":
        return _spelled(series.labels)
    return _LABEL.sub(lambda found: series.labels.get(found[1], ""), legend)


def _spelled(labels: Mapping[str, str]) -> str:
    """As PromQL writes a series."""
    within = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    name = labels.get("__name__", "")
    return f"{name}{{{within}}}" if within or not name else name
