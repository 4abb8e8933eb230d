"""What the shipped pages show of a Prometheus that runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

from pulseguard_grafana.configuration import shipped_dashboards
from pulseguard_grafana.preview.evaluation import EvaluatedDashboard, EvaluatedPanel, evaluate
from pulseguard_grafana.preview.prometheus import Prometheus


def page(
    prometheus_url: str,
    name: str,
    *,
    scrape_seconds: float,
    since: str = "5m",
    wanted: Mapping[str, Sequence[str]] | None = None,
) -> EvaluatedDashboard:
    """A page as it is now; `wanted` are the choices of variables, else it is as it opens."""
    return evaluate(
        json.loads(shipped_dashboards()[name]),
        Prometheus(prometheus_url),
        wanted=wanted or {},
        since=since,
        now=time.time(),
        scrape_seconds=scrape_seconds,
    )


def panel(of: EvaluatedDashboard, title: str) -> EvaluatedPanel:
    """The one panel of this title."""
    (found,) = [each for each in of.panels if each.title == title]
    return found


def said(by: EvaluatedPanel) -> str:
    """What a panel of one number says: its value as people see it, else its text for no data."""
    assert by.error is None, by.error
    if not by.has_data:
        return by.no_data
    (value,) = by.document()["values"]
    return str(value["text"])
