"""Numbers over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pulseguard_grafana.panels.buckets import bucket_rates
from pulseguard_grafana.panels.colours import QUANTILES
from pulseguard_grafana.panels.panel import Json, Judgement, Panel, Query, override

_CUSTOM: Json = {
    "drawStyle": "line",
    "lineInterpolation": "linear",
    "lineWidth": 1,
    "fillOpacity": 8,
    "gradientMode": "none",
    "showPoints": "auto",
    "pointSize": 4,
    "spanNulls": False,
    "axisPlacement": "auto",
    "stacking": {"mode": "none", "group": "A"},
    "thresholdsStyle": {"mode": "off"},
}
_FEW: Json = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_MANY: Json = {
    "displayMode": "table",
    "placement": "bottom",
    "showLegend": True,
    "calcs": ["lastNotNull", "max"],
    "sortBy": "Last *",
    "sortDesc": True,
}


def line(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    no_data: str,
    many: bool = False,
    colours: Mapping[str, str] | None = None,
    limits: Judgement | None = None,
    share: bool = False,
    links: Sequence[Json] = (),
) -> Panel:
    """Lines, from 0 on; `many` has a table for a legend, `share` an axis of 0 to 1.

    `colours` are those of series by their names; else each name has its own on all pages.
    `limits` are drawn as dashed lines.
    """
    defaults: dict[str, object] = {
        "color": {"mode": "palette-classic-by-name"},
        "min": 0,
        "thresholds": (limits or Judgement([(None, "text")])).thresholds(),
    }
    if share:
        defaults["max"] = 1
    if links:
        defaults["links"] = list(links)
    custom = dict(_CUSTOM)
    if limits:
        custom["thresholdsStyle"] = {"mode": "dashed"}
    return Panel(
        type="timeseries",
        title=title,
        description=description,
        queries=queries,
        unit=unit,
        no_data=no_data,
        width=8,
        height=8,
        options={
            "legend": _MANY if many else _FEW,
            "tooltip": {"mode": "multi", "sort": "desc", "hideZeros": False},
        },
        custom=custom,
        defaults=defaults,
        overrides=[
            override("byName", name, color={"mode": "fixed", "fixedColor": colour})
            for name, colour in (colours or {}).items()
        ],
    )


def stacked(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    no_data: str,
    many: bool = False,
    colours: Mapping[str, str] | None = None,
) -> Panel:
    """Parts of a whole over time, one on the other."""
    plain = line(
        title, description, *queries, unit=unit, no_data=no_data, many=many, colours=colours
    )
    custom = {**plain.custom, "fillOpacity": 25, "stacking": {"mode": "normal", "group": "A"}}
    return replace(plain, custom=custom)


def quantile_lines(
    title: str,
    description: str,
    histogram: str,
    selector: str,
    *,
    unit: str,
    no_data: str,
    limits: Judgement | None = None,
) -> Panel:
    """p50, p95, p99 and the mean of a histogram, in one hue; `selector` is `{…}` or empty."""

    def rate(part: str) -> str:
        return f"(rate({histogram}_{part}{selector}[$__rate_interval]))"

    buckets = bucket_rates(histogram, selector)
    queries = [
        Query(
            f"histogram_quantile({share}, {buckets}) >= 0",
            name,
            exemplars=n == 1,
        )
        for n, (name, share) in enumerate((("p50", 0.5), ("p95", 0.95), ("p99", 0.99)))
    ]
    queries.append(Query(f"sum {rate('sum')} / (sum {rate('count')} > 0)", "mean"))
    plain = line(
        title,
        description,
        *queries,
        unit=unit,
        no_data=no_data,
        colours=QUANTILES,
        limits=limits,
    )
    return replace(plain, custom={**plain.custom, "fillOpacity": 0})
