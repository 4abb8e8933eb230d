"""How a value is shown: what is said of single series goes before what holds for all."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pulseguard_grafana.panels.panel import Judgement, override, said
from pulseguard_grafana.preview.colours import style_of
from pulseguard_grafana.preview.fields import Shown, field_of


# Any: Grafana's dashboard model.
def a_panel(*overrides: Any, **defaults: Any) -> dict[str, Any]:
    return {"fieldConfig": {"defaults": defaults, "overrides": list(overrides)}}


@pytest.mark.parametrize(("value", "colour"), [(0.5, "red"), (0.8, "yellow"), (0.95, "text")])
def test_a_number_has_the_colour_of_the_last_threshold_that_it_reaches(value, colour):
    judged = Judgement([(None, "red"), (0.8, "yellow"), (0.95, "text")])

    assert field_of(a_panel(thresholds=judged.thresholds()), "x").shown(value).colour == colour


def test_a_text_for_a_value_goes_before_its_unit_and_its_colour():
    field = field_of(
        a_panel(
            unit="s",
            mappings=[*said({2.0: ("two", "red")}), *said({"ONLINE": ("here", "blue")})],
        ),
        "x",
    )

    assert field.shown(2.0) == Shown("two", "red")
    assert field.shown("ONLINE") == Shown("here", "blue")
    assert field.shown(3.0) == Shown("3 s")
    assert field.shown("OFFLINE") == Shown("OFFLINE")


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        ({"type": "range", "options": {"from": 3, "to": None}}, 4.0),
        ({"type": "regex", "options": {"pattern": "^O"}}, "OFFLINE"),
        ({"type": "special", "options": {"match": "nan"}}, math.nan),
        ({"type": "special", "options": {"match": "null+nan"}}, None),
    ],
)
def test_each_kind_of_mapping_is_known(mapping, value):
    mapping["options"]["result"] = {"text": "so"}
    field = field_of(a_panel(mappings=[mapping]), "x")

    assert field.shown(value).text == "so"
    assert field.shown(1.0).text == "1"


def test_an_override_is_about_those_that_it_names():
    panel = a_panel(
        override("byName", "p95", unit="ms", color={"mode": "fixed", "fixedColor": "blue"}),
        override("byRegexp", "/^p9/", custom__hidden=True),
        unit="s",
    )

    assert field_of(panel, "p95").shown(2.0) == Shown("2 ms", "blue")
    assert field_of(panel, "p50").shown(2.0) == Shown("2 s")
    assert [bool(field_of(panel, n).custom.get("hidden")) for n in ("p99", "p50")] == [True, False]


def test_shades_of_a_colour_are_told_apart_and_the_colour_of_text_is_none():
    assert len({style_of(f"{shade}blue") for shade in ("light-", "", "dark-")}) == 3
    assert style_of("#8e8e8e") == "#8e8e8e"
    assert {style_of(colour) for colour in ("text", "", "nobody-knows")} == {""}
