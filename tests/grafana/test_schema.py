"""Every page is what Grafana's own types say, those of the oldest and newest that we know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest

from tests.grafana.dashboards import DASHBOARDS, Json, everything_on

SCHEMAS = Path(__file__).parent / "schema"
VERSIONS = ("12.3.0", "13.2.2")
# Typed elsewhere, or by the data source.
WITHOUT_TYPE_HERE = {"panels", "templating", "annotations"}
# Of a panel of any type these are open, and its own type's are held against those of its options.
OPEN = {"options", "targets"}
OF_ROWS = {"collapsed", "panels"}


# Any: a schema, as JSON.
@cache
def schemas(version: str) -> dict[str, Any]:
    return dict(json.loads((SCHEMAS / f"{version}.json").read_text(encoding="utf-8")))


@cache
def validator(version: str, name: str) -> Any:
    """None where the types say nothing of this."""
    found = schemas(version).get(name)
    return found and jsonschema_rs.Draft7Validator(usable(found))


# Any: see above.
def usable(schema: Any) -> Any:
    """Without what must be there, since Grafana fills it in; its references are proper addresses,
    which names of types such as Record<string,unknown> are not."""
    if isinstance(schema, list):
        return [usable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: usable(each) for name, each in schema.items() if name != "required"}
    return {**kept, "$ref": quote(kept["$ref"], safe="#/")} if "$ref" in kept else kept


def misfits(version: str, name: str, value: Json) -> Iterator[str]:
    judge = validator(version, name)
    for error in judge.iter_errors(value) if judge else ():
        yield f"{name} {'/'.join(map(str, error.instance_path))}: {error.message[:200]}"


def misfits_of_a_panel(version: str, panel: Json) -> Iterator[str]:
    open_here = OPEN | (OF_ROWS if panel["type"] == "row" else set())
    body = {name: each for name, each in panel.items() if name not in open_here}
    configured = body.get("fieldConfig", {})
    defaults = dict(configured.get("defaults", {}))
    custom = defaults.pop("custom", {})
    if configured:
        body["fieldConfig"] = {**configured, "defaults": defaults}
    yield from misfits(version, "PANEL", body)
    kind = panel["type"].replace("-", "").lower()
    yield from misfits(version, f"PO_{kind}", panel.get("options", {}))
    yield from misfits(version, f"PF_{kind}", custom)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_page_is_what_the_types_of_grafana_say(name: str, version: str):
    dashboard = DASHBOARDS[name]
    body = {key: each for key, each in dashboard.items() if key not in WITHOUT_TYPE_HERE}

    assert list(misfits(version, "DASH", body)) == []
    for panel in everything_on(dashboard):
        assert list(misfits_of_a_panel(version, panel)) == [], panel["title"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_types_of_the_panels_that_we_use_are_known(version: str):
    used = {panel["type"] for each in DASHBOARDS.values() for panel in everything_on(each)}

    for kind in used - {"row"}:
        assert validator(version, f"PO_{kind.replace('-', '')}"), kind
