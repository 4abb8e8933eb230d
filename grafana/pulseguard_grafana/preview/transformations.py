"""Grafana's transformations of tables, those that the pages use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulseguard_grafana.preview.errors import NotUnderstood

# Any in this module: parts of Grafana's dashboard model.
Json = Mapping[str, Any]
Row = dict[str, float | str]
Rows = list[Row]


@dataclass(frozen=True)
class Frame:
    """The names of the columns in their order, and rows, each without what it has no value of."""

    names: Sequence[str]
    rows: Rows

    @classmethod
    def of(cls, rows: Rows) -> Frame:
        """The frame of rows, whose columns are in the order in which they come."""
        return cls(list(dict.fromkeys(name for row in rows for name in row)), rows)


def transformed(frames: Sequence[Frame], transformations: Sequence[Json]) -> Frame:
    """The frame that the steps make of these, one after the other.

    NotUnderstood for a step that no page has. Where several are left, it is the first one: Grafana
    shows it and offers the others.
    """
    for step in transformations:
        make = _STEPS.get(step["id"])
        if make is None:
            raise NotUnderstood(f"the preview knows no transformation {step['id']}")
        frames = make(frames, step.get("options", {}))
    return frames[0] if frames else Frame([], [])


def _merge(frames: Sequence[Frame], options: Json) -> list[Frame]:
    """One row of those that are the same in all columns that every frame has."""
    if not frames:
        return []
    common = sorted(set.intersection(*(set(frame.names) for frame in frames)))
    merged: dict[tuple[object, ...], Rows] = {}
    for row in (row for frame in frames for row in frame.rows):
        alike = merged.setdefault(tuple(row.get(name) for name in common), [])
        fitting = (one for one in alike if all(one.get(k, v) == v for k, v in row.items()))
        if (one := next(fitting, None)) is not None:
            one.update(row)
        else:
            alike.append(dict(row))
    return [Frame.of([row for alike in merged.values() for row in alike])]


def _filter(frames: Sequence[Frame], options: Json) -> list[Frame]:
    """The columns that are named, in the order that they have."""
    names = options["include"]["names"]
    return [
        _with_columns(frame, {name: name for name in frame.names if name in names})
        for frame in frames
    ]


def _organize(frames: Sequence[Frame], options: Json) -> list[Frame]:
    """Without the excluded columns, in the order and with the titles that are wanted."""
    excluded = {name for name, gone in options.get("excludeByName", {}).items() if gone}
    places, titles = options.get("indexByName", {}), options.get("renameByName", {})
    organized = []
    for frame in frames:
        kept = [name for name in frame.names if name not in excluded]
        order = sorted(kept, key=lambda name: places.get(name, len(places)))
        organized.append(_with_columns(frame, {name: titles.get(name) or name for name in order}))
    return organized


def _with_columns(frame: Frame, titles: Mapping[str, str]) -> Frame:
    """Those of these columns that there are, in this order, under their titles."""
    names = [name for name in titles if name in frame.names]
    rows = [{titles[name]: row[name] for name in names if name in row} for row in frame.rows]
    return Frame([titles[name] for name in names], rows)


_STEPS: Final[dict[str, Callable[[Sequence[Frame], Json], list[Frame]]]] = {
    "merge": _merge,
    "filterFieldsByName": _filter,
    "organize": _organize,
}
