"""How values are distributed over time, from the buckets of a histogram."""

from __future__ import annotations

from pulseguard_grafana.panels.buckets import bucket_rates
from pulseguard_grafana.panels.panel import Panel, Query


def heatmap(
    title: str, description: str, histogram: str, selector: str, *, unit: str, no_data: str
) -> Panel:
    """How many values a second fell into each bucket; `selector` is `{…}` or empty."""
    expr = bucket_rates(histogram, selector)
    return Panel(
        type="heatmap",
        title=title,
        description=description,
        queries=[Query(expr, "{{le}}", format="heatmap", exemplars=True)],
        unit=unit,
        no_data=no_data,
        width=8,
        height=8,
        options={
            "calculate": False,
            "cellGap": 1,
            "cellValues": {"unit": "ops"},
            "color": {
                "mode": "scheme",
                "scheme": "Blues",
                "steps": 64,
                "exponent": 0.5,
                "fill": "dark-blue",
                "scale": "exponential",
                "reverse": False,
            },
            "exemplars": {"color": "rgba(255,120,50,0.8)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        },
        custom={"hideFrom": {"legend": False, "tooltip": False, "viz": False}},
    )
