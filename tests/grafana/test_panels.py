"""What a panel says of itself: its meaning, its unit, its words for no data, colours that mean
the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from pulseguard.catalog import AGENT_METRICS
from pulseguard_grafana.panels import colours
from tests.grafana.asked import OF_PANELS, Asked
from tests.grafana.dashboards import (
    DASHBOARDS,
    PAGES,
    PANELS,
    Json,
    Shown,
    all_under,
    everything_on,
)
from tests.grafana.known_series import all_series, sources_of

PART = re.compile(r"_(bucket|sum|count)$")


def said(shown: Shown) -> str:
    return str(shown.panel["description"])


def names_read(shown: Shown) -> set[str]:
    """The names of all that its queries read, by way of recorded series as well."""
    read = {name for asked in OF_PANELS if asked.shown is shown for name in asked.result.series}
    sources = {source for name in read for source in sources_of(name)}
    return sources | {PART.sub("", name) for name in sources}


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_a_panel_says_what_it_means_in_which_unit_and_what_no_data_means(shown: Shown):
    defaults = shown.panel["fieldConfig"]["defaults"]

    assert shown.panel["title"].strip()
    assert len(said(shown).split()) >= 5
    assert said(shown).endswith(".")
    assert defaults["unit"]
    assert re.search(r"[A-Za-z]{2}", defaults["noValue"]), "words: a number would be a lie"


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_a_description_names_a_metric_that_the_panel_reads(shown: Shown):
    named = re.findall(r"`([^`]+)`", said(shown))
    read = names_read(shown)

    assert [each for each in named if any(fnmatchcase(name, each) for name in read)] or not read


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_every_name_in_a_description_exists(shown: Shown):
    named = re.findall(r"`((?:pulseguard|gen_ai|prometheus|alertmanager)[_:][^`\s]*)`", said(shown))
    labels = {label for metric in AGENT_METRICS for label in metric.labels}
    there = {*all_series(), *(PART.sub("", name) for name in all_series()), *labels}

    assert [each for each in named if not any(fnmatchcase(name, each) for name in there)] == []


def reads_of_agents(names: set[str]) -> bool:
    return any(metric.name in names for metric in AGENT_METRICS)


@pytest.mark.parametrize("shown", [each for each in PANELS if each.page.of_agents], ids=str)
def test_no_data_of_an_agent_asserts_nothing_that_only_a_scrape_could_tell(shown: Shown):
    """Nothing has failed where something told of it, and not where nobody was heard."""
    text = shown.panel["fieldConfig"]["defaults"]["noValue"]
    names = names_read(shown)

    if reads_of_agents(names):
        assert re.search(r"reach|told|the registry", text)
    else:
        assert "the registry" in text or names == {"ALERTS"}


def units_of(asked: Asked) -> frozenset[str]:
    """Those that the catalogue has for what a query reads."""
    names = {PART.sub("", name) for name in asked.result.series}
    return frozenset(metric.unit for metric in AGENT_METRICS if metric.name in names)


@pytest.mark.parametrize("shown", [each for each in PANELS if len(each.targets) > 1], ids=str)
def test_the_lines_of_a_panel_are_of_one_unit(shown: Shown):
    units = {units_of(asked) for asked in OF_PANELS if asked.shown is shown}

    assert len(units) == 1 or shown.panel["type"] == "table"


def palette() -> set[str]:
    named = [value for name, value in vars(colours).items() if name.isupper()]
    return {
        each for value in named for each in ([value] if isinstance(value, str) else flat(value))
    }


# Any: a constant of the palette.
def flat(value: Any) -> Iterator[str]:
    yield from value.values() if isinstance(value, dict) else value


def colours_of(shown: Shown) -> set[str]:
    """Those of thresholds, texts and single series; a heatmap has a scale of many."""
    configured = shown.panel["fieldConfig"]
    given = [*all_under(configured, "color"), *all_under(configured, "fixedColor")]
    return {each for each in given if isinstance(each, str)}


@pytest.mark.parametrize("shown", PANELS, ids=str)
def test_a_panel_has_no_colour_that_is_not_of_the_palette(shown: Shown):
    assert colours_of(shown) - palette() == set()


OF_NUMBERS = [each for each in PANELS if each.panel["type"] in ("stat", "table")]
VERDICTS = [each for each in OF_NUMBERS if each.panel["options"].get("justifyMode") == "center"]
ON_A_COLOUR = {"type": "color-background", "mode": "basic"}


def fields_of(shown: Shown) -> Iterator[Json]:
    """What holds for a value that has no field of its own, and for each that has one."""
    configured = shown.panel["fieldConfig"]
    for override in [{"properties": []}, *configured["overrides"]]:
        own = {each["id"]: each["value"] for each in override["properties"]}
        yield {**configured["defaults"], **own}


def of_none(field: Json) -> Json:
    """What the field's mappings make of no value."""
    mappings = [each["options"] for each in field.get("mappings", [])]
    return next((each["result"] for each in mappings if each.get("match") == "null"), {})


@pytest.mark.parametrize("shown", OF_NUMBERS, ids=str)
def test_a_colour_is_behind_a_text_and_never_its_own(shown: Shown):
    assert set(all_under(shown.panel, "colorMode")) <= {"none", "background_solid"}
    for field in fields_of(shown):
        cell = field.get("custom.cellOptions", {"type": "auto"})
        assert cell in ({"type": "auto"}, ON_A_COLOUR)
    assert colours_of(shown) <= set(colours.FILLS.values())


@pytest.mark.parametrize("shown", [each for each in OF_NUMBERS if each not in VERDICTS], ids=str)
def test_what_is_not_there_is_not_judged(shown: Shown):
    transparent = colours.FILLS[colours.NEUTRAL]

    for field in fields_of(shown):
        first = field["thresholds"]["steps"][0]["color"]
        assert of_none(field).get("color", first) == transparent, "Grafana takes the first step"
        assert shown.panel["type"] != "table" or of_none(field)["text"] == ""


def test_a_verdict_without_a_value_is_bad():
    assert [each.page.name for each in VERDICTS] == ["fleet", "monitor"]
    for shown in VERDICTS:
        (field,) = fields_of(shown)
        assert of_none(field) == {}
        assert field["thresholds"]["steps"][0]["color"] == colours.FILLS[colours.BAD]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_rows_and_texts_have_something_to_say(page):
    for each in everything_on(DASHBOARDS[page.name]):
        assert each["title"] or each["type"] == "text"
        assert each["type"] != "text" or len(each["options"]["content"]) > 20


def test_the_palette_is_read_whole():
    assert {colours.GOOD, colours.BAD, *colours.STATUSES.values()} <= palette()
