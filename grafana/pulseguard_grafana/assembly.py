"""Pages as Grafana's JSON: the policy of all of them, and the only place that knows grafanalib.

grafanalib 0.7.1 makes what Grafana 12 and 13 read, but with the keys of older versions beside it:
its traps (a step doubled by `intervalFactor`, at most 100 points, a threshold that begins at the
text "null") are met here once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from grafanalib import core
from grafanalib._gen import DashboardEncoder

from pulseguard_grafana.annotations import page_annotations
from pulseguard_grafana.page import Page, Place, Row, below, heading, laid_out
from pulseguard_grafana.panels.panel import Panel, Query
from pulseguard_grafana.scope import SOURCE, TAG, variables

# What the classic model ends with; Grafana 13 makes its own from it.
SCHEMA_VERSION = 42
# Else Grafana takes a panel for one of before 7.0, and migrates it.
PANEL_VERSION = "12.4.0"
REFRESH = "30s"
# What grafanalib says besides, and no Grafana of today reads.
_DEAD = {
    *("rows", "style", "hideControls", "sharedCrosshair", "__inputs", "gnetId", "error", "height"),
    *("span", "minSpan", "cacheTimeout", "hideTimeOverride", "editable", "maxDataPoints"),
    *("repeat", "repeatDirection", "maxPerRow", "timeShift"),
}


class _GrafanaPanel(core.Panel):  # type: ignore[misc]  # grafanalib has no types
    """A panel of any type, said whole."""

    said: Panel

    def to_json_data(self) -> dict[str, Any]:
        panel = self.said
        body: dict[str, Any] = {
            "type": panel.type,
            "pluginVersion": PANEL_VERSION,
            "options": panel.options,
            "fieldConfig": _field_config(panel),
        }
        if panel.type == "text":
            del body["fieldConfig"]
        if panel.time_from:
            body["timeFrom"] = panel.time_from
        if panel.transformations:
            body["transformations"] = list(panel.transformations)
        return dict(self.panel_json(body))


def dashboard_json(page: Page) -> dict[str, Any]:
    """The page as Grafana's classic model, schema 42."""
    dashboard = core.Dashboard(
        title=f"PulseGuard / {page.title}",
        uid=page.uid,
        description=page.questions,
        tags=[TAG],
        timezone="browser",
        refresh=REFRESH,
        schemaVersion=SCHEMA_VERSION,
        graphTooltip=core.GRAPH_TOOLTIP_MODE_SHARED_CROSSHAIR,
        time=core.Time(page.begins, "now"),
        templating=core.Templating(
            list=[
                *variables(of_agents=page.of_agents, of_monitor=page.of_monitor),
                *page.more_variables,
            ]
        ),
        annotations=core.Annotations(
            list=page_annotations(of_agents=page.of_agents, of_monitor=page.of_monitor)
        ),
        links=[_navigation()],
        panels=list(_panels(page)),
    )
    # Through its encoder: what is in a dashboard is objects until then.
    made: dict[str, Any] = _plain(DashboardEncoder(sort_keys=True).default(dashboard))
    return {**_cleaned(made), "id": None, "editable": False, "timepicker": {}}


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json_data"):
        return _plain(value.to_json_data())
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _cleaned(each) for key, each in value.items() if key not in _DEAD}
        # Of a threshold, None is a value: from anywhere.
        return {key: each for key, each in kept.items() if each is not None or key == "value"}
    return [_cleaned(each) for each in value] if isinstance(value, list) else value


def _panels(page: Page) -> Iterator[core.Panel]:
    numbers = count(1)
    y = 0
    for row in (Row("", page.top), *page.rows):
        start = y
        if row.title:
            place, number = heading(y), next(numbers)
            y += place.height
        placed = list(laid_out(row.panels, y))
        made = [_panel(panel, at, next(numbers)) for panel, at in placed]
        if row.title:
            hidden = [] if row.is_open else made
            yield _row(row, heading(start), number, hidden)
        if row.is_open:
            yield from made
            y = below([at for _, at in placed], y)


def _row(row: Row, place: Place, number: int, hidden: Sequence[core.Panel]) -> core.RowPanel:
    return core.RowPanel(
        title=row.title,
        id=number,
        gridPos=_grid(place),
        collapsed=not row.is_open,
        panels=list(hidden),
    )


def _panel(panel: Panel, place: Place, number: int) -> _GrafanaPanel:
    made = _GrafanaPanel(
        id=number,
        title=panel.title,
        description=panel.description or None,
        gridPos=_grid(place),
        dataSource=SOURCE if panel.queries else None,
        interval=panel.every or None,
        targets=[_target(query, n) for n, query in enumerate(panel.queries)],
    )
    made.said = panel
    return made


def _grid(place: Place) -> core.GridPos:
    return core.GridPos(h=place.height, w=place.width, x=place.x, y=place.y)


def _target(query: Query, place: int) -> dict[str, Any]:
    target: dict[str, Any] = {
        "refId": chr(65 + place),
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": query.instant,
        "range": not query.instant,
        "format": query.format,
    }
    return target | ({"exemplar": True} if query.exemplars else {})


def _field_config(panel: Panel) -> dict[str, Any]:
    defaults = {"unit": panel.unit, "noValue": panel.no_data, **panel.defaults}
    if panel.custom:
        defaults["custom"] = panel.custom
    return {"defaults": defaults, "overrides": list(panel.overrides)}


def _navigation() -> dict[str, Any]:
    return {
        "title": "PulseGuard",
        "type": "dashboards",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }
