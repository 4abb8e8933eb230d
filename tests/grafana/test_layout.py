"""Where the panels of a page are, and by which numbers and titles Grafana knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

import pytest

from pulseguard_grafana.page import COLUMNS
from tests.grafana.dashboards import DASHBOARDS, Json, everything_on


def overlap(one: Json, other: Json) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    return bool(
        a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    )


def overlapping(panels: Iterable[Json]) -> list[tuple[str, str]]:
    return [(a["title"], b["title"]) for a, b in combinations(panels, 2) if overlap(a, b)]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_panel_lies_on_another_one(name: str):
    panels = DASHBOARDS[name]["panels"]

    assert overlapping(panels) == []
    # Under a closed row they lie where there is something else until it is opened.
    for row in panels:
        assert overlapping([row, *row.get("panels", [])]) == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_panel_is_on_the_columns_and_under_its_row(name: str):
    for panel in everything_on(DASHBOARDS[name]):
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= COLUMNS, panel["title"]
        assert place["y"] >= 0, panel["title"]
        assert place["h"] > 0, panel["title"]
        for below in panel.get("panels", []):
            assert below["gridPos"]["y"] > place["y"], below["title"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_two_panels_of_a_page_have_the_same_id(name: str):
    ids = [panel["id"] for panel in everything_on(DASHBOARDS[name])]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_two_panels_of_a_page_have_the_same_title(name: str):
    panels = [each for each in everything_on(DASHBOARDS[name]) if each["type"] != "row"]
    titles = Counter(panel["title"] for panel in panels)

    assert [title for title, count in titles.items() if count > 1] == []
