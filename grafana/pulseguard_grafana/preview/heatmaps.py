"""The buckets of a histogram over time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from pulseguard_grafana.preview.content import INDENT, grid, indented, number
from pulseguard_grafana.preview.fields import Json
from pulseguard_grafana.preview.queries import Asking, NamedSeries
from pulseguard_grafana.preview.sparklines import cells, sparkline, width_for
from pulseguard_grafana.preview.time_range import TimeRange
from pulseguard_grafana.preview.units import written


@dataclass(frozen=True)
class _Bucket:
    """What fell between the bound below and this one, at each time."""

    bound: float
    values: Mapping[float, float]

    @property
    def total(self) -> float:
        return sum(value for value in self.values.values() if not math.isnan(value))


@dataclass(frozen=True)
class Heatmap:
    """The buckets, the smallest bound first.

    A total is the sum of what the cells of a bucket show. They are rates, so totals compare buckets
    and count nothing.
    """

    buckets: Sequence[_Bucket]
    unit: str
    shown: TimeRange

    @property
    def has_data(self) -> bool:
        """Whether anything fell into a bucket."""
        return any(bucket.total > 0 for bucket in self.buckets)

    def drawn(self, most: int, room: int) -> Iterator[RenderableType]:
        """Each bucket that something fell into, with its share of all."""
        whole = sum(bucket.total for bucket in self.buckets)
        buckets = [bucket for bucket in self.buckets if bucket.total > 0]
        bounds = [Text(f"≤ {written(bucket.bound, self.unit)}") for bucket in buckets]
        shares = [Text(written(each.total / whole, "percentunit", 1)) for each in buckets]
        width = width_for(
            [bucket.values for bucket in self.buckets], bounds, shares, room=room - INDENT
        )
        courses = [Text(sparkline(cells(each.values, self.shown, width))) for each in buckets]
        yield indented(grid(zip(bounds, courses, shares, strict=True)))

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """Each bucket by its upper bound."""
        buckets = [{"le": number(each.bound), "total": number(each.total)} for each in self.buckets]
        return {"buckets": buckets, "unit": self.unit}


def read(panel: Json, asking: Asking) -> Heatmap:
    """A heatmap's buckets; QueryFailed where a query of it has no answer."""
    unit = panel["options"].get("yAxis", {}).get("unit", "")
    return Heatmap(_parted(asking.series(panel)), unit, asking.panel_range(panel))


def _parted(series: Sequence[NamedSeries]) -> list[_Bucket]:
    """Buckets without what the next smaller one holds as well."""
    bounded = sorted((float(each.labels["le"]), each.values) for each in series if each.labels)
    below: Mapping[float, float] = {}
    buckets = []
    for bound, values in bounded:
        # Buckets are scraped one after the other, and so may differ by a hair.
        own = {at: max(0.0, value - below.get(at, 0.0)) for at, value in values.items()}
        buckets.append(_Bucket(bound, own))
        below = values
    return buckets
