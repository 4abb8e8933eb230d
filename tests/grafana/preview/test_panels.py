"""Each type of panel: its values are those that Prometheus has, in the panel's own words."""

from __future__ import annotations

from typing import Any

import pytest

from pulseguard_grafana.panels import (
    Column,
    Judgement,
    Panel,
    Query,
    heatmap,
    line,
    quantile_lines,
    stat,
    stat_by,
    table,
    text,
    timeline,
)
from pulseguard_grafana.panels.colours import BAD
from tests.grafana.preview.conftest import AGENTS, HOUR
from tests.grafana.preview.pages import dashboard_of, panel_of

TOKENS = "pulseguard:agent_tokens_processed:rate5m"
STATES = [("idle", "blue"), ("working", "blue"), ("waiting", "yellow"), ("stuck", "orange")]


# Any: what a stat may have besides.
def a_stat(query: str, unit: str = "none", **named: Any) -> Panel:
    return stat("Trial", "", query, unit=unit, no_data="None of it", **named)


def test_a_line_has_the_name_the_last_and_the_largest_value_of_each_series(previewed):
    panel = line("Trial", "", Query(TOKENS, "of {{agent}}"), unit="short", no_data="None")

    series = panel_of(previewed(dashboard_of(panel)), "Trial")["series"]

    assert {each["name"]: (each["last"], each["max"]) for each in series} == {
        f"of {agent}": (tokens, tokens) for agent, (*_, tokens) in AGENTS.items()
    }
    assert {each["unit"] for each in series} == {"short"}
    assert all(len(each["points"]) > HOUR / 20 for each in series)


def test_rates_are_over_the_window_that_grafana_takes(previewed):
    rate = line(
        "Trial",
        "",
        Query('increase(wait_seconds_bucket{le="+Inf"}[$__rate_interval])', "all"),
        unit="none",
        no_data="None",
    )

    (series,) = panel_of(previewed(dashboard_of(rate)), "Trial")["series"]

    # Four scrapes of 10 s, at 4 values a second.
    assert series["last"] == pytest.approx(4 * 40)


def test_quantiles_and_mean_are_series_of_one_panel(previewed):
    panel = quantile_lines("Trial", "", "wait_seconds", "", unit="s", no_data="None")

    document = panel_of(previewed(dashboard_of(panel)), "Trial")

    last = {each["name"]: each["last"] for each in document["series"]}
    assert last["p50"] == pytest.approx(0.5 * 2 / 3)
    assert "mean" not in last, "there is no sum"


@pytest.mark.parametrize(
    ("agents", "median"), [("fine", 0.64), ("coarse", 0.8), ("fine|coarse", 0.8)]
)
def test_a_quantile_is_of_the_bounds_that_all_chosen_agents_have(previewed, agents, median):
    """All of those of one agent; of several, as if each had told those of the coarsest."""
    chosen = f'{{agent=~"{agents}"}}'
    panel = quantile_lines("Trial", "", "mixed_seconds", chosen, unit="s", no_data="None")

    series = panel_of(previewed(dashboard_of(panel)), "Trial")["series"]

    last = {each["name"]: each["last"] for each in series}
    assert last["p50"] == pytest.approx(median)


def test_a_heatmap_has_the_same_buckets_from_begin_to_end(previewed):
    """One that is missing for a time would be a 0 there, and the next one would hold it as well."""
    chosen = '{agent=~"fine|coarse"}'
    panel = heatmap("Trial", "", "mixed_seconds", chosen, unit="s", no_data="None")
    alone = heatmap("Alone", "", "mixed_seconds", '{agent="fine"}', unit="s", no_data="None")

    document = previewed(dashboard_of(panel, alone))

    totals = {each["le"]: each["total"] for each in panel_of(document, "Trial")["buckets"]}
    assert list(totals) == [0.32, 1.28, "+Inf"]
    assert totals[1.28] == pytest.approx(2 * totals[0.32])
    assert totals["+Inf"] == pytest.approx(totals[0.32])
    assert [each["le"] for each in panel_of(document, "Alone")["buckets"]] == [
        *(0.32, 0.64, 1.28, "+Inf")
    ]


def test_a_heatmap_tells_what_fell_into_each_bucket_and_not_below(previewed):
    panel = heatmap("Trial", "", "wait_seconds", "", unit="s", no_data="None")

    document = panel_of(previewed(dashboard_of(panel)), "Trial")

    totals = {each["le"]: each["total"] for each in document["buckets"]}
    assert list(totals) == [0.5, 1.0, "+Inf"]
    assert totals[1.0] == pytest.approx(0, abs=1e-6)
    assert totals[0.5] == pytest.approx(3 * totals["+Inf"])
    # A cell is how many there were a second: 1, in each scrape of an hour.
    assert totals["+Inf"] == pytest.approx(HOUR / 10, rel=0.05)


def test_a_state_timeline_tells_when_which_state_began(previewed, now):
    panel = timeline("Trial", "", Query("state_place", "of it"), STATES, no_data="None")

    (series,) = panel_of(previewed(dashboard_of(panel)), "Trial")["series"]

    working, stuck = series["states"]
    assert (series["name"], working["text"], stuck["text"]) == ("of it", "working", "stuck")
    assert stuck["since"] == pytest.approx(now - HOUR / 2, abs=20)


def test_a_stat_is_a_number_in_its_unit_or_its_text(previewed):
    panels = [
        a_stat("vector(0.257)", unit="percentunit", decimals=1),
        a_stat("vector(2)", texts={2.0: ("two of them", BAD)}, judged=Judgement([(None, BAD)])),
    ]

    shown = [panel["values"][0] for panel in previewed(dashboard_of(*panels))["panels"]]

    assert [value["text"] for value in shown] == ["25.7%", "two of them"]
    assert [value["value"] for value in shown] == [0.257, 2]


def test_a_stat_by_label_has_a_number_for_each(previewed):
    panel = stat_by(
        "Trial",
        "",
        "count by (team) (pulseguard_registry_agent_status)",
        "{{team}}",
        unit="none",
        no_data="None",
        colours={},
    )

    values = panel_of(previewed(dashboard_of(panel)), "Trial")["values"]

    assert {each["name"]: each["value"] for each in values} == {"platform": 3, "service": 1}


@pytest.mark.parametrize("query", ["not_a_number", "nothing_of_this_name", "vector(1) > 2"])
def test_what_is_no_number_is_no_data(previewed, query):
    panel = panel_of(previewed(dashboard_of(a_stat(query))), "Trial")

    assert panel["no_data"] == "None of it"
    assert [value["text"] for value in panel["values"]] in ([], ["None of it"])


def test_a_table_is_sorted_with_what_has_no_value_at_the_end(previewed):
    columns = [
        Column("Agent", label="agent"),
        Column("Tokens", query=f"max by (agent) ({TOKENS}) > 5"),
        Column("Rank", query="max by (agent) (pulseguard:agent_trouble:rank)", is_hidden=True),
    ]
    panel = table("Trial", "", columns, no_data="None", sorted_by="Tokens")

    document = panel_of(previewed(dashboard_of(panel)), "Trial")

    assert [row["Agent"] for row in document["rows"]] == [
        "researcher",
        "coder",
        "played",
        "support.chat",
    ]
    assert [column["title"] for column in document["columns"]] == ["Agent", "Tokens"]


def test_a_table_of_one_query_has_its_value_as_a_column(previewed):
    columns = [Column("Agents", query=f"count by (team) ({TOKENS})"), Column("Of", label="team")]
    panel = table("Trial", "", columns, no_data="None", sorted_by="Agents", descending=False)

    document = panel_of(previewed(dashboard_of(panel)), "Trial")

    assert [column["title"] for column in document["columns"]] == ["Agents", "Of"]
    assert document["rows"] == [{"Agents": 1, "Of": "service"}, {"Agents": 3, "Of": "platform"}]


def test_a_text_is_as_it_is_written_with_its_variables(previewed):
    panel = text("Trial", "Of **$team**, [all](x)")

    document = previewed(dashboard_of(panel), team=["service"])

    assert panel_of(document, "Trial")["text"] == "Of **service**, [all](x)"


def test_a_query_that_fails_is_told_by_its_panel_and_no_other(previewed):
    bad, good = a_stat("sum(", unit="s"), a_stat("vector(1)")

    failed, shown = previewed(dashboard_of(bad, good))["panels"]

    assert failed["error"].startswith("query A: ")
    assert "parse error" in failed["error"]
    assert shown["values"][0]["value"] == 1


def test_a_panel_that_nobody_knows_is_an_error_of_its_own(previewed):
    dashboard = dashboard_of(a_stat("vector(1)"))
    dashboard["panels"][0]["type"] = "news"

    (panel,) = previewed(dashboard)["panels"]

    assert "news" in panel["error"]
