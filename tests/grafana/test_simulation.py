"""Whoever looks at a page sees whether its numbers are those of the simulated fleet."""

from __future__ import annotations

import pytest

from pulseguard_grafana.scope import variables
from tests.grafana.dashboards import PAGES, PANELS, Shown

OF_AGENTS = [page for page in PAGES if not page.of_monitor]
SAYING = [shown for shown in PANELS if shown.panel["title"] == "Simulated"]


@pytest.mark.parametrize("page", OF_AGENTS, ids=lambda page: page.name)
def test_a_page_of_agents_says_how_much_of_it_is_simulated(page):
    (shown,) = [each for each in SAYING if each.page is page]

    assert not [row for row in shown.dashboard["panels"] if shown.panel in row.get("panels", [])], (
        "a row may be closed"
    )


@pytest.mark.parametrize("shown", SAYING, ids=str)
def test_it_is_of_all_that_the_page_is_of_and_does_not_say_none_where_nobody_knows(shown: Shown):
    (target,) = shown.targets
    chosen = ["environment", "team", *(["agent", "instance"] if shown.page.of_agents else [])]

    for name in chosen:
        assert target["expr"].count(f'{name}=~"${name}"') == 2
    assert "registry does not answer" in shown.panel["fieldConfig"]["defaults"]["noValue"]


def test_the_simulated_fleet_is_shown_by_the_value_that_links_of_alerts_set():
    (simulation,) = [each for each in variables(of_agents=True) if each["name"] == "simulation"]

    assert {each["text"]: each["value"] for each in simulation["options"]} == {
        "left out": "demo",
        "shown": "-",
    }
