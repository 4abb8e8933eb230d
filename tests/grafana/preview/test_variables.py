"""Variables: chained, with All as Grafana fills it in, and escaped as it escapes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pulseguard_grafana.panels import stat
from pulseguard_grafana.preview.errors import PreviewRefused
from pulseguard_grafana.preview.interpolation import Chosen, filled
from tests.grafana.preview.conftest import AGENTS
from tests.grafana.preview.pages import dashboard_of, panel_of

COUNT = 'count(pulseguard_registry_agent_status{environment=~"$environment",agent=~"$agent"})'


# Any: JSON.
def count_of(document: dict[str, Any]) -> float | None:
    values = panel_of(document, "Trial")["values"]
    return float(values[0]["value"]) if values else None


# Any: JSON.
def trial() -> dict[str, Any]:
    return dashboard_of(stat("Trial", "", COUNT, unit="none", no_data="None"))


def test_a_variable_offers_what_is_under_the_choice_above_it(previewed):
    document = previewed(trial(), environment=["staging"])

    assert document["variables"]["team"] == ["platform"]
    assert document["variables"]["agent"] == ["researcher"]


def test_the_simulated_fleet_is_shown_where_it_is_asked_for(previewed):
    assert count_of(previewed(trial())) == len(AGENTS) - 1
    assert count_of(previewed(trial(), simulation=["shown"])) == len(AGENTS)
    assert previewed(trial(), simulation=["shown"])["variables"]["simulation"] == ["-"]
    assert count_of(previewed(trial(), environment=["demo"])) == 1


@pytest.mark.parametrize(
    ("agents", "count"),
    [(["coder"], 1), (["coder", "support.chat"], 2), (["support?chat"], None), (["All"], 3)],
)
def test_chosen_values_are_matched_as_they_are(previewed, agents, count):
    assert count_of(previewed(trial(), agent=agents)) == count


def test_a_variable_that_the_dashboard_has_not_is_refused_with_those_it_has(previewed):
    with pytest.raises(PreviewRefused, match=r"no variable agnet; it has .*agent"):
        previewed(trial(), agnet=["coder"])


@pytest.mark.parametrize("value", ["a.b", "a|b", "(x)", "back\\slash", "[0-9]+", "$1", 'q"uote'])
def test_a_value_in_a_regular_expression_matches_itself_and_nothing_else(value):
    within_quotes = filled("$name", {"name": Chosen([value], [value], is_many=True)})

    # What PromQL makes of it: of each backslash pair one.
    pattern = re.sub(r"\\(.)", r"\1", within_quotes)

    assert re.fullmatch(pattern, value)
    assert not re.fullmatch(pattern, "axb")


def test_several_values_are_alternatives_and_all_has_its_own_pattern():
    several = Chosen(["a", "b.c"], ["a", "b.c"], is_many=True)
    every = Chosen(["a"], ["All"], is_many=True, pattern=".*")

    assert filled('{x=~"$x"}', {"x": several}) == r'{x=~"(a|b\\.c)"}'
    assert filled('{x=~"${x}"}', {"x": every}) == '{x=~".*"}'
    assert filled("${x:text} of [[x]]", {"x": every}) == "All of .*"


def test_what_is_no_variable_stays_as_it_is():
    assert filled("costs $5, ${nobody}", {}) == "costs $5, ${nobody}"
