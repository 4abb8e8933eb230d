"""Rows of now: one for each agent, model, alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pulseguard_grafana.panels.fills import NOT_JUDGED, filled_mappings, filled_thresholds
from pulseguard_grafana.panels.panel import Json, Judgement, Panel, Query, Texts, override


@dataclass(frozen=True)
class Column:
    """A column, of a label (`label`) or of the value of a query (`query`).

    The queries of a table are joined on all the labels that they have in common, so each must have
    the same. `texts` are shown for single values. What is judged or has a text stands on a colour,
    an empty cell on none. `links` are Grafana's data links.
    """

    title: str
    label: str = ""
    query: str = ""
    unit: str = "none"
    decimals: int | None = None
    width: int | None = None
    judged: Judgement | None = None
    texts: Texts | None = None
    links: Sequence[Json] = field(default_factory=tuple)
    is_hidden: bool = False


def table(
    title: str,
    description: str,
    columns: Sequence[Column],
    *,
    no_data: str,
    sorted_by: str,
    descending: bool = True,
    height: int = 9,
    is_well_empty: bool = False,
) -> Panel:
    """A table with these columns in this order, sorted by one of them; it filters and pages."""
    values = [column for column in columns if column.query]
    queries = [Query(column.query, instant=True, format="table") for column in values]
    # A table of one query calls its value only that.
    names = ["Value"] if len(values) == 1 else [f"Value #{chr(65 + n)}" for n in range(len(values))]
    sources = {column.title: name for column, name in zip(values, names, strict=True)}
    order = [sources.get(column.title, column.label) for column in columns]
    return Panel(
        type="table",
        title=title,
        description=description,
        queries=queries,
        unit="none",
        no_data=no_data,
        is_well_empty=is_well_empty,
        width=24,
        height=height,
        options={
            "cellHeight": "sm",
            "showHeader": True,
            "sortBy": [{"displayName": sorted_by, "desc": descending}],
        },
        custom={
            "align": "auto",
            "cellOptions": {"type": "auto"},
            "filterable": True,
            "inspect": False,
        },
        defaults={
            "color": {"mode": "thresholds"},
            "thresholds": filled_thresholds(NOT_JUDGED),
            # Else an empty cell says what the table says where it has no row at all.
            "mappings": filled_mappings(None, no_value=""),
        },
        overrides=[_override(column) for column in columns],
        transformations=[
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": order}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {name: place for place, name in enumerate(order)},
                    "renameByName": {
                        name: column.title for name, column in zip(order, columns, strict=True)
                    },
                },
            },
        ],
    )


def _override(column: Column) -> Json:
    properties: dict[str, object] = {"unit": column.unit}
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.width is not None:
        properties["custom__width"] = column.width
    if column.judged or column.texts:
        properties["custom__cellOptions"] = {"type": "color-background", "mode": "basic"}
    if column.judged:
        properties["thresholds"] = filled_thresholds(column.judged)
    if column.texts:
        properties["mappings"] = filled_mappings(column.texts, no_value="")
    if column.links:
        properties["links"] = list(column.links)
    if column.is_hidden:
        properties["custom__hidden"] = True
    return override("byName", column.title, **properties)
