"""The shipped dashboards, evaluated: of the fleet page, what it says of a fleet that is known."""

from __future__ import annotations

import json

import pytest

from pulseguard_grafana.configuration import shipped_dashboards
from tests.grafana.preview.conftest import AGENTS
from tests.grafana.preview.pages import panel_of

FLEET = json.loads(shipped_dashboards()["fleet"])


@pytest.mark.parametrize("name", shipped_dashboards())
def test_each_panel_of_each_dashboard_is_understood(previewed, name):
    document = previewed(json.loads(shipped_dashboards()[name]))

    assert document["panels"]
    assert {
        panel["title"]: panel["error"] for panel in document["panels"] if "error" in panel
    } == {}


def test_all_leaves_the_simulated_fleet_out_where_there_is_another(previewed):
    document = previewed(FLEET)

    assert document["variables"]["environment"] == ["production", "staging"]
    agents = panel_of(document, "Agents")
    assert agents["rows"][0]["Agent"] == "support.chat", "in trouble, so first"
    assert {row["Agent"] for row in agents["rows"]} == set(AGENTS) - {"played"}


def test_a_table_joins_its_queries_to_one_row_for_each_agent(previewed):
    agents = panel_of(previewed(FLEET), "Agents")

    titles = [column["title"] for column in agents["columns"]]
    row = agents["rows"][0]
    assert titles[:2] == ["Agent", "Instance"]
    assert not {"Is", "Has"} & set(titles), "hidden"
    assert (row["Team"], row["Status"], row["Trouble"]) == ("service", "ERROR", 3)
    assert row["Tokens/s"] == 2
    assert "Context" not in row, "without a value, not 0"


def test_stats_are_sums_of_what_the_variables_choose(previewed):
    said = {
        team: panel_of(previewed(FLEET, team=team), "Tokens/s")["values"][0]["value"]
        for team in (("platform",), ("service",), ("platform", "service"))
    }

    assert said == {
        ("platform",): 1512.5,
        ("service",): 2,
        ("platform", "service"): 1514.5,
    }


def test_the_verdict_is_a_sentence_in_its_own_words(previewed):
    (value,) = panel_of(previewed(FLEET), "Is everything well?")["values"]

    assert (value["value"], value["text"]) == (1, "1 agent is in trouble")


def test_a_panel_without_data_has_its_own_text_for_it(previewed):
    panel = panel_of(previewed(FLEET), "Task success")

    assert panel["values"] == []
    assert panel["no_data"] == "No task ended"
