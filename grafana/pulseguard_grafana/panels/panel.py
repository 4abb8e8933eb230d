"""What a panel says before it is Grafana's JSON: queries, meaning, unit, its text for no data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

# Any: fragments of Grafana's dashboard model, which only the builders beside this module write.
Json = Mapping[str, Any]
# The text and the colour that are shown for a value, of a number or a label.
Texts = Mapping[float, tuple[str, str]] | Mapping[str, tuple[str, str]]
Format = Literal["time_series", "table", "heatmap"]


@dataclass(frozen=True)
class Query:
    """One PromQL expression; `instant` asks for now, else for the time that the page shows.

    `legend` names the series, with labels as `{{agent}}`. `exemplars` asks for traces as well.
    """

    expr: str
    legend: str = ""
    instant: bool = False
    format: Format = "time_series"
    exemplars: bool = False


@dataclass(frozen=True)
class Judgement:
    """From which values on a number is which colour, the first from anywhere.

    Colour is for judgement only: what is neither good nor bad has none.
    """

    steps: Sequence[tuple[float | None, str]]

    def thresholds(self) -> Json:
        """As Grafana has them."""
        steps = [{"color": colour, "value": value} for value, colour in self.steps]
        return {"mode": "absolute", "steps": steps}


@dataclass(frozen=True)
class Panel:
    """One panel; `options`, `defaults`, `custom` and `overrides` are of Grafana's model.

    `width` is of 24 columns, `height` in units of 30 pixels. `unit` is one of Grafana's. Where no
    query has a value, `no_data` is shown: a sentence of what that means here. `time_from` is since
    when it shows, whatever the page does: `now/d` is since midnight. `every` is how far apart the
    values of a graph are, where it is more than a scrape: no more are asked for. `is_well_empty` is
    one that has no data where all is well: nothing fires, nothing has failed.
    """

    type: str
    title: str
    description: str
    queries: Sequence[Query]
    unit: str
    no_data: str
    width: int
    height: int
    options: Json
    custom: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()
    time_from: str = ""
    every: str = ""
    is_well_empty: bool = False

    def sized(self, width: int, height: int | None = None) -> Panel:
        """The same, of another size."""
        return replace(self, width=width, height=height or self.height)

    def of_today(self) -> Panel:
        """The same, since midnight, which is then what `$__range` is."""
        # Grafana moves the beginning of a relative time only.
        told = f"{self.description} With an absolute time above, of that time instead."
        return replace(self, description=told, time_from="now/d")

    def recorded_every(self, interval: str) -> Panel:
        """The same, of what the rules record this often, as `30s` or `1m`."""
        return replace(self, every=interval)

    def well_empty(self) -> Panel:
        """The same, of which no data is no trouble."""
        return replace(self, is_well_empty=True)


def override(matcher: str, matched: str, **properties: Any) -> Json:
    """What is different for some of the series: `custom__width=80` is the property custom.width."""
    changed = [
        {"id": name.replace("__", "."), "value": value} for name, value in properties.items()
    ]
    return {"matcher": {"id": matcher, "options": matched}, "properties": changed}


def said(texts: Texts) -> list[Json]:
    """The mappings of values to texts and colours."""
    results = [
        (value, {"text": text, "color": colour, "index": index})
        for index, (value, (text, colour)) in enumerate(texts.items())
    ]
    # Grafana's own types have no name for the values of a mapping of single ones, as it makes them.
    # A range from a number to itself says the same of numbers.
    return [
        {"type": "value", "options": {value: result}}
        if isinstance(value, str)
        else {"type": "range", "options": {"from": value, "to": value, "result": result}}
        for value, result in results
    ]
