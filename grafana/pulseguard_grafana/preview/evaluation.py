"""Every panel of a dashboard, evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulseguard_grafana.preview import heatmaps, lines, stats, tables, texts, timelines
from pulseguard_grafana.preview.content import Content
from pulseguard_grafana.preview.errors import NotUnderstood, QueryFailed
from pulseguard_grafana.preview.fields import Json, no_data_text
from pulseguard_grafana.preview.interpolation import Chosen
from pulseguard_grafana.preview.prometheus import Prometheus
from pulseguard_grafana.preview.queries import Asking
from pulseguard_grafana.preview.time_range import TimeRange, range_since
from pulseguard_grafana.preview.variables import choose

_READ: Final[Mapping[str, Callable[[Json, Asking], Content]]] = {
    "stat": stats.read,
    "timeseries": lines.read,
    "heatmap": heatmaps.read,
    "state-timeline": timelines.read,
    "table": tables.read,
    "text": texts.read,
}


@dataclass(frozen=True)
class EvaluatedPanel:
    """A panel with what it shows, or with the reason why it shows nothing.

    `row` is the heading that it is under; `no_data` is its own text for no data.
    """

    id: int
    row: str
    title: str
    type: str
    no_data: str
    content: Content | None
    error: str | None = None

    @property
    def has_data(self) -> bool:
        """Whether there is anything but its text for no data."""
        return self.content is not None and self.content.has_data

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """As JSON: `error` and `no_data` only where there is an error or no data."""
        said: dict[str, Any] = {"id": self.id, "title": self.title, "type": self.type}
        if self.row:
            said["row"] = self.row
        if self.error is not None:
            return {**said, "error": self.error}
        if not self.has_data:
            said["no_data"] = self.no_data
        return {**said, **(self.content.document() if self.content else {})}


@dataclass(frozen=True)
class EvaluatedDashboard:
    """A dashboard as of one moment."""

    uid: str
    title: str
    shown: TimeRange
    variables: Mapping[str, Chosen]
    panels: Sequence[EvaluatedPanel]

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """As JSON, times in Unix seconds; a variable has the values that it stands for."""
        return {
            "uid": self.uid,
            "title": self.title,
            "from": self.shown.start,
            "to": self.shown.end,
            "variables": {name: list(each.values) for name, each in self.variables.items()},
            "panels": [panel.document() for panel in self.panels],
        }


def evaluate(
    dashboard: Json,
    prometheus: Prometheus,
    *,
    wanted: Mapping[str, Sequence[str]],
    since: str | None,
    now: float,
    scrape_seconds: float,
) -> EvaluatedDashboard:
    """The dashboard until `now`, since its own begin where none is given.

    A panel whose query fails says so itself. PreviewRefused for a wanted variable that there is
    not, QueryFailed and NotUnderstood where a variable cannot be filled in or the time is none.
    """
    shown = range_since(since or dashboard["time"]["from"], now)
    variables = choose(dashboard["templating"]["list"], wanted, prometheus, shown)
    asking = Asking(prometheus, variables, shown, scrape_seconds)
    panels = [_evaluated(panel, row, asking) for row, panel in _panels(dashboard)]
    return EvaluatedDashboard(dashboard["uid"], dashboard["title"], shown, variables, panels)


def _panels(dashboard: Json) -> Iterator[tuple[str, Json]]:
    """Each with the heading above it, those of rows that are closed at first among them."""
    row = ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            yield from ((row, inner) for inner in panel.get("panels", ()))
        else:
            yield row, panel


def _evaluated(panel: Json, row: str, asking: Asking) -> EvaluatedPanel:
    content, error = None, None
    try:
        read = _READ.get(panel["type"])
        if read is None:
            raise NotUnderstood(f"the preview knows no panel of type {panel['type']}")
        content = read(panel, asking)
    except (QueryFailed, NotUnderstood) as problem:
        error = str(problem)
    title = asking.filled(panel.get("title", ""))
    no_data = no_data_text(panel)
    return EvaluatedPanel(panel["id"], row, title, panel["type"], no_data, content, error)
