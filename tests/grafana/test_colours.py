"""Colours are seen on the panel, read under a text and told apart, in both themes and by the
colour-blind as well."""

from __future__ import annotations

from itertools import combinations

import pytest

from pulseguard_grafana.panels import colours
from tests.grafana.seeing import (
    PANEL,
    SIGHTS,
    THEMES,
    ciede2000,
    contrast,
    distance,
    shown,
    text_on,
)

JUDGED = ("GOOD", "WARNING", "BAD", "NEUTRAL", "UNKNOWN", "PAUSED")
# Those that are beside one another on a panel.
FAMILIES = {
    "judged": {name: getattr(colours, name) for name in JUDGED},
    "statuses": colours.STATUSES,
    "states": colours.STATES,
    "kinds of tokens": colours.TOKEN_KINDS,
    "quantiles": colours.QUANTILES,
    "fills": colours.FILLS,
}
# By WCAG 2 for what is no text, and for text. An area has an edge of its full colour around it.
LEAST_CONTRAST = 3
LEAST_CONTRAST_OF_TEXT = 4.5
LEAST_DISTANCE = 10
# Of one hue, and so less far from one another; but p99 is never below p95, and this not below p50.
LEAST_DISTANCE_OF_QUANTILES = 6


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("family", [each for each in FAMILIES if each != "fills"])
def test_lines_and_bars_stand_out_from_the_panel(family: str, theme: str):
    panel = shown(PANEL, theme)

    assert {
        name: colour
        for name, colour in FAMILIES[family].items()
        if contrast(shown(colour, theme), panel) < LEAST_CONTRAST
    } == {}


@pytest.mark.parametrize("theme", THEMES)
def test_what_stands_on_a_colour_can_be_read(theme: str):
    fills = {shown(fill, theme) for fill in colours.FILLS.values() if fill != PANEL}

    assert {
        fill for fill in fills if contrast(text_on(fill), fill) < LEAST_CONTRAST_OF_TEXT
    } == set()
    assert contrast(shown("text", theme), shown(PANEL, theme)) >= LEAST_CONTRAST_OF_TEXT


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_colours_of_a_family_are_told_apart(family: str, theme: str, sight: str):
    least = LEAST_DISTANCE_OF_QUANTILES if family == "quantiles" else LEAST_DISTANCE
    seen = {name: shown(colour, theme) for name, colour in FAMILIES[family].items()}

    assert {
        (one, other)
        for one, other in combinations(seen, 2)
        if distance(seen[one], seen[other], sight) < least
    } == set()


def test_what_has_a_colour_can_have_it_behind_a_text():
    judged = set(FAMILIES["judged"].values()) | set(colours.STATUSES.values())

    assert judged == set(colours.FILLS)


def test_the_measures_are_those_that_are_published():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert ciede2000((50, 2.5, 0), (58, 24, 15)) == pytest.approx(19.4535, abs=1e-4)
    assert ciede2000((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619)) == pytest.approx(
        2.0373, abs=1e-4
    )
    assert ciede2000((50, 2.49, -0.001), (50, -2.49, 0.0011)) == pytest.approx(7.2195, abs=1e-4)
    assert distance("#808080", "#808080", "no cones for red") == 0


@pytest.mark.parametrize("sight", [each for each in SIGHTS if each != "all cones"])
def test_blue_and_purple_of_one_lightness_are_one_to_the_colour_blind(sight: str):
    blue, purple = shown("blue", "light"), shown("purple", "light")

    assert distance(blue, purple, sight) < LEAST_DISTANCE < distance(blue, purple, "all cones")
