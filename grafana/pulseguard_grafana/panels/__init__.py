"""The panel builders: the house style of all pages, in one place."""

from pulseguard_grafana.panels.heatmaps import heatmap
from pulseguard_grafana.panels.lines import line, quantile_lines, stacked
from pulseguard_grafana.panels.panel import Judgement, Panel, Query
from pulseguard_grafana.panels.stats import stat, stat_by, verdict
from pulseguard_grafana.panels.tables import Column, table
from pulseguard_grafana.panels.texts import text
from pulseguard_grafana.panels.timelines import timeline

__all__ = [
    "Column",
    "Judgement",
    "Panel",
    "Query",
    "heatmap",
    "line",
    "quantile_lines",
    "stacked",
    "stat",
    "stat_by",
    "table",
    "text",
    "timeline",
    "verdict",
]
