"""Where links lead: to pages that are there, with the time and variables that those have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.grafana.asked import OF_PANELS, names_of_variables
from tests.grafana.dashboards import (
    DASHBOARDS,
    OF_UID,
    PAGES,
    PANELS,
    Json,
    Shown,
    all_under,
    everything_on,
    variables,
)
from tests.grafana.known_series import shipped_rules

ALERTS = [rule for rule in shipped_rules() if "alert" in rule]
WORDS = {"__url_time_range", "__value.raw", "__value.text"}


def links(shown: Shown) -> list[Json]:
    """The data links of its series and cells, and those of its title."""
    under = [*all_under(shown.panel, "links"), *overridden(shown)]
    return [link for each in under for link in each]


def overridden(shown: Shown) -> Iterator[list[Json]]:
    for override in shown.panel["fieldConfig"]["overrides"]:
        yield from (each["value"] for each in override["properties"] if each["id"] == "links")


def carried(url: str) -> list[str]:
    """The variables that a link sets, or keeps as they are."""
    query = urlsplit(url).query
    given = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    named = [name.removeprefix("var-") for name in given if name.startswith("var-")]
    return named + re.findall(r"\$\{(\w+):queryparam\}", query)


def missing_at(url: str) -> list[str]:
    """What a link sets that its page does not have; or that there is no such page."""
    path = urlsplit(url).path
    uid = re.fullmatch(r"/d/([\w-]+)(/[\w-]*)?", path)
    if not uid or uid[1] not in OF_UID:
        return [f"no page at {path}"]
    there = variables(OF_UID[uid[1]])
    return [f"no variable {name} on {uid[1]}" for name in carried(url) if name not in there]


def left_to_chance(url: str) -> list[str]:
    """The choices at the page of a link that it does not carry, and by which that page may not
    offer what the link sets. One that is All there leaves nothing out."""
    there = variables(OF_UID[urlsplit(url).path.split("/")[2]])
    set_here = carried(url)
    depended_on = {
        above
        for name in set_here
        if there[name]["type"] == "query"
        for above in names_of_variables(there[name]["query"]["query"])
        if there[above]["current"]["value"] != ["$__all"]
    }
    return sorted(depended_on - set(set_here))


WITH_LINKS = [shown for shown in PANELS if links(shown)]


@pytest.mark.parametrize("shown", WITH_LINKS, ids=str)
def test_a_link_leads_to_a_page_that_is_there_and_has_its_variables(shown: Shown):
    for link in links(shown):
        if not link["url"].startswith("https://"):
            assert missing_at(link["url"]) == []


@pytest.mark.parametrize("shown", WITH_LINKS, ids=str)
def test_a_link_to_a_page_keeps_the_time_and_the_data_source(shown: Shown):
    for link in links(shown):
        if link["url"].startswith("/d/"):
            assert "${__url_time_range}" in link["url"]
            assert "${datasource:queryparam}" in link["url"]


@pytest.mark.parametrize("shown", WITH_LINKS, ids=str)
def test_a_link_carries_the_choices_under_which_its_page_offers_what_it_sets(shown: Shown):
    for link in links(shown):
        if link["url"].startswith("/d/"):
            assert left_to_chance(link["url"]) == []


@pytest.mark.parametrize("shown", WITH_LINKS, ids=str)
def test_a_name_of_any_characters_stays_one_value_of_a_link(shown: Shown):
    for link in links(shown):
        of_data = re.findall(r"\$\{(__(?:data|field|value)\b[^}]*)\}", link["url"])
        assert [each for each in of_data if not each.endswith(":percentencode")] == []


@pytest.mark.parametrize("shown", WITH_LINKS, ids=str)
def test_a_link_is_filled_in_from_what_is_there(shown: Shown):
    named = [
        name
        for link in links(shown)
        for name in re.findall(r"\$\{([^}:]+)(?::\w+)?\}", link["url"])
    ]

    assert [name for name in named if not is_there(shown, name)] == []


def is_there(shown: Shown, name: str) -> bool:
    """Whether a panel has what a link names: a column, a label, a variable, a word of Grafana."""
    if name.startswith("__data.fields."):
        return name.removeprefix("__data.fields.") in shown.columns.values()
    if name.startswith("__field.labels."):
        asked = [each for each in OF_PANELS if each.shown is shown]
        label = name.removeprefix("__field.labels.")
        return all(label in each.result.labels for each in asked)
    return name in WORDS or name in variables(shown.dashboard)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_leads_to_the_others_with_time_and_variables(page):
    (link,) = DASHBOARDS[page.name]["links"]

    assert link["keepTime"]
    assert link["includeVars"]
    reached = [each for each in DASHBOARDS.values() if set(link["tags"]) & set(each["tags"])]
    assert len(reached) == len(DASHBOARDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_that_a_text_names_is_there(page):
    contents = [str(each.get("options", {})) for each in everything_on(DASHBOARDS[page.name])]
    named = re.findall(r"\]\((/d/[^)\s]+)\)", " ".join(contents))

    assert [fault for url in named for fault in missing_at(url)] == []


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_the_page_that_an_alert_leads_to_is_there_and_has_its_variables(rule):
    url = rule["annotations"].get("dashboard_url", "")

    assert not url or missing_at(url) == []


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_the_page_that_an_alert_leads_to_offers_its_agent_also_in_the_simulated_fleet(rule):
    url = rule["annotations"].get("dashboard_url", "")

    assert not url or left_to_chance(url) == []
    if "var-environment" in url:
        assert "&var-simulation=-" in url
