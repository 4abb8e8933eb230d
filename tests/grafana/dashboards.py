"""All pages as Grafana reads them, and what the tests look for in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulseguard_grafana.assembly import dashboard_json
from pulseguard_grafana.page import Page
from pulseguard_grafana.pages import all_pages

# Any: Grafana's dashboard model, as JSON.
Json = Mapping[str, Any]

PAGES = list(all_pages())
DASHBOARDS: Mapping[str, Json] = {page.name: dashboard_json(page) for page in PAGES}
OF_UID: Mapping[str, Json] = {each["uid"]: each for each in DASHBOARDS.values()}


@dataclass(frozen=True)
class Shown:
    """A panel and the page that it is on."""

    page: Page
    panel: Json

    @property
    def dashboard(self) -> Json:
        return DASHBOARDS[self.page.name]

    @property
    def targets(self) -> list[Json]:
        return list(self.panel.get("targets", []))

    @property
    def columns(self) -> Mapping[str, str]:
        """The titles of a table's columns, by the labels and values that they show."""
        organized = [
            each["options"]["renameByName"]
            for each in self.panel.get("transformations", [])
            if each["id"] == "organize"
        ]
        return organized[0] if organized else {}

    def __str__(self) -> str:
        return f"{self.page.name}: {self.panel['title']}"


def everything_on(dashboard: Json) -> Iterator[Json]:
    """The panels and the headings of rows, those under a closed row as well."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


PANELS = [
    Shown(page, panel)
    for page in PAGES
    for panel in everything_on(DASHBOARDS[page.name])
    if panel["type"] not in ("row", "text")
]


def variables(dashboard: Json) -> Mapping[str, Json]:
    return {each["name"]: each for each in dashboard["templating"]["list"]}


def all_under(value: object, name: str) -> Iterator[Any]:
    """Everything that has this name, at any depth."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key == name:
                yield each
            yield from all_under(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from all_under(each, name)
