"""What pages ask Prometheus: names that exist, windows that fit, and no number out of nothing."""

from __future__ import annotations

import re

import promql_parser as promql
import pytest

from pulseguard.catalog import AGENT_METRICS
from pulseguard_grafana.preview.time_range import seconds_of
from pulseguard_registry.rules.checking.expressions import operator, read, walk
from tests.grafana.asked import ASKED, OF_PANELS, WINDOWS, Asked, names_of_variables, of_variables
from tests.grafana.dashboards import DASHBOARDS, PAGES, PANELS, Shown, all_under, variables
from tests.grafana.known_series import (
    SCRAPE_INTERVAL,
    labels_of,
    recorded_rules,
    seconds_between,
)
from tests.grafana.results import Result

OF_A_WINDOW = {"rate", "irate", "increase", "delta", "idelta", "deriv", "resets", "changes"}
OF_NOW = {"stat", "gauge", "bargauge", "table", "piechart"}
TOLD_BY_AGENTS = {
    f"{metric.name}{part}"
    for metric in AGENT_METRICS
    for part in (("_bucket", "_count", "_sum") if metric.type == "histogram" else ("",))
}
# One series an agent, for its labels: no rule has the versions that they tell.
READ_AS_TOLD = {"pulseguard_agent_info"}
WIDE = [each for each in ASKED if not each.page.of_agents]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_prometheus_takes_every_query(asked: Asked):
    assert asked.unknown_variables == []
    assert asked.reading.faults == []


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_series_and_every_label_in_a_query_exists(asked: Asked):
    assert asked.result.faults == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_variable_offers_values_of_a_label_that_its_query_has(page):
    offered = list(of_variables(page))

    assert offered
    for asked, label in offered:
        assert label in asked.result.labels, str(asked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_choice_is_offered_under_those_before_it_and_can_be_all(page):
    before: list[str] = []
    for variable in variables(DASHBOARDS[page.name]).values():
        if variable["type"] == "query":
            named = names_of_variables(variable["query"]["query"])
            assert set(named) <= set(before), variable["name"]
            assert variable["datasource"]["uid"] == "${datasource}"
            assert variable["multi"]
            assert variable["includeAll"]
            assert variable["current"]["value"] == ["$__all"]
            assert variable["refresh"] == 2, (
                "else it offers what there was when the page was opened"
            )
        before.append(variable["name"])

    # What is the page's own comes after them.
    common = ["environment", "team", *(["agent", "instance"] if page.of_agents else [])]
    assert before[0] == "datasource"
    assert before[2:][: len(common)] == common


@pytest.mark.parametrize("asked", OF_PANELS, ids=str)
def test_a_legend_names_labels_that_the_result_has(asked: Asked):
    assert asked.target is not None
    named = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", asked.target["legendFormat"]))

    assert named - asked.result.labels == set()


@pytest.mark.parametrize("asked", OF_PANELS, ids=str)
def test_a_rate_over_raw_series_has_the_window_that_grafana_computes(asked: Asked):
    """A fixed one is wrong as soon as the scrape interval or the time on the page is another."""
    assert asked.target is not None
    fitting = {WINDOWS["__rate_interval"]}
    if asked.target["instant"]:
        fitting.add(WINDOWS["__range"])
    for call in walk(asked.reading.tree):
        if not isinstance(call, promql.Call) or call.func.name not in OF_A_WINDOW:
            continue
        (over,) = call.args[:1]
        if Result.of(over, labels_of).series <= set(recorded_rules()):
            continue
        assert over.range.total_seconds() in fitting, call.prettify()


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_tables_and_single_numbers_are_of_now_and_graphs_of_the_time_on_the_page(shown: Shown):
    is_of_now = shown.panel["type"] in OF_NOW

    assert shown.targets or shown.panel["type"] in ("alertlist", "dashlist")
    for target in shown.targets:
        assert (target["instant"], target["range"]) == (is_of_now, not is_of_now)
        assert (target["format"] == "table") == (shown.panel["type"] == "table")


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_no_graph_asks_for_more_points_than_there_are(shown: Shown):
    """Of a thousand agents or hundreds of buckets, they are most of what a page costs."""
    graphs = [
        asked.result.series
        for asked in OF_PANELS
        if asked.shown is shown and asked.target and asked.target["range"]
    ]
    closest = [min(seconds_between(each) for each in series) for series in graphs]

    assert seconds_of(shown.panel.get("interval", SCRAPE_INTERVAL)) == min(closest, default=10)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_no_query_makes_a_number_where_there_is_none(asked: Asked):
    for node in walk(asked.reading.tree):
        if isinstance(node, promql.BinaryExpr) and operator(node) == "or":
            assert not made_of_nothing(node.rhs), node.prettify()


def made_of_nothing(node: object) -> bool:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if isinstance(node, promql.Call) and node.func.name in ("label_replace", "label_join"):
        return made_of_nothing(node.args[0])
    return isinstance(node, promql.Call) and node.func.name in ("vector", "absent")


def test_a_number_that_is_made_of_nothing_is_seen_in_all_its_forms():
    for expr in (
        "up or vector(0)",
        "up or on () (vector(0))",
        "sum(up or vector(1)) > 0",
        'up or label_replace(vector(0), "job", "none", "", "")',
    ):
        alternatives = [
            node.rhs
            for node in walk(read(expr).tree)
            if isinstance(node, promql.BinaryExpr) and operator(node) == "or"
        ]
        assert [made_of_nothing(each) for each in alternatives] == [True]


@pytest.mark.parametrize("asked", WIDE, ids=str)
def test_a_page_of_all_agents_reads_of_them_what_is_recorded(asked: Asked):
    """A thousand agents have a hundred thousand buckets, and each counter of theirs has by label,
    every 10 s, what a rule sums up."""
    assert asked.result.series & (TOLD_BY_AGENTS - READ_AS_TOLD) == set()


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_what_is_since_midnight_says_when_it_is_not(shown: Shown):
    """Grafana lets a panel have a beginning of its own only where the page's time is relative."""
    is_told = "With an absolute time above, of that time instead." in shown.panel["description"]

    assert is_told == (shown.panel.get("timeFrom") == "now/d")


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_every_column_of_a_table_is_a_label_or_the_value_of_one_of_its_queries(shown: Shown):
    asked = [each for each in OF_PANELS if each.shown is shown]
    there = {label for each in asked for label in each.result.labels}
    there |= {"Time", "Value"} if len(asked) == 1 else {"Time"}
    there |= {f"Value #{each.target['refId']}" for each in asked if each.target}

    assert set(shown.columns) - there == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_everything_asks_the_data_source_that_is_chosen(page):
    dashboard = DASHBOARDS[page.name]
    asking = [each.panel for each in PANELS if each.page is page]
    asking += [each for each in dashboard["annotations"]["list"] if "expr" in each]
    asking += dashboard["templating"]["list"]
    sources = [source for each in asking for source in all_under(each, "datasource")]

    assert len(sources) >= len(asking) - 2, "the choice of it and that of the simulation ask nobody"
    assert [each for each in sources if each["uid"] != "${datasource}"] == []
