"""Single numbers, of now: a number that is gone is not shown as if it were there still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pulseguard_grafana.panels.colours import FILLS
from pulseguard_grafana.panels.fills import NOT_JUDGED, filled_mappings, filled_thresholds
from pulseguard_grafana.panels.panel import Json, Judgement, Panel, Query, Texts, override


def stat(
    title: str,
    description: str,
    query: str,
    *,
    unit: str,
    no_data: str,
    judged: Judgement | None = None,
    texts: Texts | None = None,
    decimals: int | None = None,
    links: Sequence[Json] = (),
) -> Panel:
    """One number, on a colour only where it is judged; `texts` are shown for single values instead.

    No data is not judged: it stands on no colour, whatever the first step says.
    """
    defaults: dict[str, object] = {
        "color": {"mode": "thresholds"},
        "thresholds": filled_thresholds(judged or NOT_JUDGED),
    }
    if judged or texts:
        defaults["mappings"] = filled_mappings(texts, no_value=no_data)
    if decimals is not None:
        defaults["decimals"] = decimals
    if links:
        defaults["links"] = list(links)
    return Panel(
        type="stat",
        title=title,
        description=description,
        queries=[Query(query, instant=True)],
        unit=unit,
        no_data=no_data,
        width=3,
        height=4,
        options={
            "colorMode": "background_solid" if judged or texts else "none",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "value",
            "wideLayout": True,
        },
        defaults=defaults,
    )


def stat_by(
    title: str,
    description: str,
    query: str,
    legend: str,
    *,
    unit: str,
    no_data: str,
    colours: Mapping[str, str],
) -> Panel:
    """One number for each series, with its name, on its colour."""
    plain = stat(title, description, query, unit=unit, no_data=no_data, decimals=0)
    overrides = [
        override("byName", name, color={"mode": "fixed", "fixedColor": FILLS[colour]})
        for name, colour in colours.items()
    ]
    options = {**plain.options, "colorMode": "background_solid", "textMode": "value_and_name"}
    queries = [Query(query, legend, instant=True)]
    return replace(plain, queries=queries, options=options, overrides=overrides, width=8)


def verdict(
    title: str,
    description: str,
    query: str,
    *,
    texts: Texts,
    many: str,
    judged: Judgement,
    no_data: str,
) -> Panel:
    """A sentence on a colour over the whole width; a value without a text is a count of `many`.

    No data is a verdict as well: it is judged by the first step.
    """
    plain = stat(
        title,
        description,
        query,
        unit=f"suffix: {many}",
        no_data=no_data,
        judged=judged,
        texts=texts,
        decimals=0,
    )
    options = {**plain.options, "justifyMode": "center"}
    defaults = {**plain.defaults, "mappings": filled_mappings(texts)}
    return replace(plain, options=options, defaults=defaults, width=24, height=3)
