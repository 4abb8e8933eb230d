"""How a value of a panel is shown: its unit, its text, its colour, by defaults and overrides."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pulseguard_grafana.preview.units import written

# Any in this module: parts of Grafana's dashboard model.
Json = Mapping[str, Any]

_ON_PANEL: Final = ("unit", "decimals", "mappings", "thresholds", "color", "displayName", "links")


@dataclass(frozen=True)
class Shown:
    """A value as people see it; `colour` is Grafana's name of one, empty for none."""

    text: str
    colour: str = ""


@dataclass(frozen=True)
class Field:
    """How the values of one series or column are shown."""

    unit: str = ""
    decimals: int | None = None
    mappings: Sequence[Json] = ()
    thresholds: Sequence[Json] = ()
    fixed_colour: str = ""
    custom: Json = field(default_factory=dict)
    links: Sequence[Json] = ()

    @property
    def is_link(self) -> bool:
        """Whether it is there to be clicked on: one word, whatever the value."""
        words = [mapping for mapping in self.mappings if mapping["type"] != "special"]
        return bool(self.links) and len(words) == 1

    def shown(self, value: float | str | None) -> Shown:
        """The value with its text and its colour; nothing for None."""
        if (mapped := self._mapped(value)) is not None:
            own = self.fixed_colour or self._judged(value)
            return Shown(str(mapped.get("text", value)), mapped.get("color") or own)
        if value is None:
            return Shown("")
        if isinstance(value, str):
            return Shown(value, self.fixed_colour)
        colour = self.fixed_colour or self._judged(value)
        return Shown(written(value, self.unit, self.decimals), colour)

    def _judged(self, value: float | str | None) -> str:
        """The colour of the last threshold that the value reaches."""
        if not isinstance(value, float | int):
            return ""
        reached = [
            str(step["color"])
            for step in self.thresholds
            if step["value"] is None or value >= step["value"]
        ]
        return reached[-1] if reached else ""

    def _mapped(self, value: float | str | None) -> Json | None:
        results = (_result(mapping, value) for mapping in self.mappings)
        return next((result for result in results if result is not None), None)


def field_of(panel: Json, name: str) -> Field:
    """The field config of a panel for what has this name."""
    config: Json = panel.get("fieldConfig", {})
    said = dict(config.get("defaults", {}))
    custom = dict(said.get("custom", {}))
    for override in config.get("overrides", ()):
        if _is_meant(override["matcher"], name):
            for changed in override["properties"]:
                part, _, inner = changed["id"].partition(".")
                if part == "custom":
                    custom[inner] = changed["value"]
                elif part in _ON_PANEL:
                    said[part] = changed["value"]
    colour = said.get("color", {})
    return Field(
        said.get("unit", ""),
        said.get("decimals"),
        said.get("mappings", ()),
        said.get("thresholds", {}).get("steps", ()),
        colour.get("fixedColor", "") if colour.get("mode") == "fixed" else "",
        custom,
        said.get("links", ()),
    )


def no_data_text(panel: Json) -> str:
    """What the panel shows where nothing has a value."""
    return str(panel.get("fieldConfig", {}).get("defaults", {}).get("noValue") or "No data")


def _is_meant(matcher: Json, name: str) -> bool:
    if matcher["id"] == "byRegexp":
        return bool(re.search(str(matcher["options"]).strip("/"), name))
    return bool(matcher["id"] == "byName" and matcher["options"] == name)


def _result(mapping: Json, value: float | str | None) -> Json | None:
    """What a value mapping makes of a value; None where it is not about it."""
    options = mapping["options"]
    if mapping["type"] == "value":
        return None if value is None else options.get(_key(value))
    result: Json = options.get("result", {})
    if mapping["type"] == "range":
        return result if _is_within(options, value) else None
    if mapping["type"] == "regex":
        found = isinstance(value, str) and re.search(options["pattern"].strip("/"), value)
        return result if found else None
    return result if _is_special(options["match"], value) else None


def _key(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _is_within(options: Json, value: float | str | None) -> bool:
    if not isinstance(value, float | int):
        return False
    start, end = options.get("from"), options.get("to")
    return (start is None or value >= start) and (end is None or value <= end)


def _is_special(match: str, value: float | str | None) -> bool:
    is_nan = isinstance(value, float) and math.isnan(value)
    return {
        "nan": is_nan,
        "null": value is None,
        "null+nan": is_nan or value is None,
        "empty": value == "",
    }.get(match, False)
