"""What the shipped pages show of a Prometheus that runs."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pulseguard_grafana.configuration import shipped_dashboards
from pulseguard_grafana.preview.evaluation import EvaluatedDashboard, EvaluatedPanel, evaluate
from pulseguard_grafana.preview.prometheus import Prometheus, Series
from pulseguard_grafana.preview.queries import Asking
from pulseguard_grafana.preview.time_range import TimeRange, range_since
from pulseguard_grafana.preview.variables import choose
from tests.grafana.dashboards import Json, everything_on

Wanted = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Answered:
    """One query of a panel: what it is called there, its PromQL with the page's variables, and
    whether its answer has a number.

    In a table it is called by its column, else by its legend. `has_exemplars`: it asks for traces.
    """

    title: str
    name: str
    promql: str
    has_number: bool
    has_exemplars: bool


class _Listening(Prometheus):
    """Remembers what it was asked last."""

    asked = ""

    def instant(self, expr: str, at: float) -> Sequence[Series]:
        self.asked = expr
        return super().instant(expr, at)

    def over(self, expr: str, shown: TimeRange, step: float) -> Sequence[Series]:
        self.asked = expr
        return super().over(expr, shown, step)


def page(
    prometheus_url: str,
    name: str,
    *,
    scrape_seconds: float,
    since: str = "5m",
    wanted: Wanted | None = None,
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


def answers(
    prometheus_url: str, name: str, *, scrape_seconds: float, since: str = "5m", wanted: Wanted
) -> Iterator[Answered]:
    """Every query of a page, asked by itself: a panel has a value where one of many has one."""
    dashboard = json.loads(shipped_dashboards()[name])
    prometheus, shown = _Listening(prometheus_url), range_since(since, time.time())
    variables = choose(dashboard["templating"]["list"], wanted, prometheus, shown)
    asking = Asking(prometheus, variables, shown, scrape_seconds)
    for each in everything_on(dashboard):
        for target in each.get("targets", []):
            found = asking.series({**each, "targets": [target]})
            numbers = (value for series in found for value in series.values.values())
            has_number = any(not math.isnan(value) for value in numbers)
            yield Answered(
                each["title"],
                _called(each, target),
                prometheus.asked,
                has_number,
                bool(target.get("exemplar")),
            )


def _called(panel: Json, target: Json) -> str:
    (columns,) = [
        transformation["options"]["renameByName"]
        for transformation in panel.get("transformations", [])
        if transformation["id"] == "organize"
    ] or [{}]
    legend = target.get("legendFormat", "")
    return str(columns.get(f"Value #{target['refId']}") or columns.get("Value") or legend)


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
