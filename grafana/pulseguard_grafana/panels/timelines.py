"""Which of some states held when."""

from __future__ import annotations

from collections.abc import Sequence

from pulseguard_grafana.panels.panel import Panel, Query, said


def timeline(
    title: str,
    description: str,
    query: Query,
    states: Sequence[tuple[str, str]],
    *,
    no_data: str,
) -> Panel:
    """One bar for each series; its value is the place of a state, each with its colour, from 0."""
    return Panel(
        type="state-timeline",
        title=title,
        description=description,
        queries=[query],
        unit="none",
        no_data=no_data,
        width=24,
        height=5,
        options={
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "mergeValues": True,
            "perPage": 20,
            "rowHeight": 0.85,
            "showValue": "auto",
            "tooltip": {"mode": "single", "sort": "none"},
        },
        custom={"fillOpacity": 80, "lineWidth": 0},
        defaults={
            "color": {"mode": "thresholds"},
            "thresholds": {"mode": "absolute", "steps": [{"color": "text", "value": None}]},
            "mappings": said({float(place): state for place, state in enumerate(states)}),
        },
    )
