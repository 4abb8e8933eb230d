"""Single numbers, of now: a number that is gone is not shown as if it were there still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pulseguard_grafana.panels.panel import Json, Judgement, Panel, Query, Texts, override, said


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
    """One number, coloured only where it is judged; `texts` are shown for single values instead."""
    defaults: dict[str, object] = {
        "color": {"mode": "thresholds"},
        "thresholds": (judged or Judgement([(None, "text")])).thresholds(),
    }
    if texts:
        defaults["mappings"] = said(texts)
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
            "colorMode": "value" if judged or texts else "none",
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
    """One number for each series, with its name and its colour."""
    plain = stat(title, description, query, unit=unit, no_data=no_data, decimals=0)
    overrides = [
        override("byName", name, color={"mode": "fixed", "fixedColor": colour})
        for name, colour in colours.items()
    ]
    options = {**plain.options, "colorMode": "value", "textMode": "value_and_name"}
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
    """A sentence in a colour over the whole width; a value without a text is a count of `many`."""
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
    options = {**plain.options, "colorMode": "background_solid", "justifyMode": "center"}
    return replace(plain, options=options, width=24, height=3)
