"""What a page asks Prometheus, with its variables filled in as Grafana does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pulseguard_grafana.page import Page
from pulseguard_registry.rules.checking.expressions import Reading, read
from tests.grafana.dashboards import DASHBOARDS, PAGES, PANELS, Json, Shown, variables
from tests.grafana.known_series import labels_of
from tests.grafana.results import Result

# As seconds that nobody writes, by which the windows are known again in what was parsed.
WINDOWS = {"__rate_interval": 257, "__range": 3607, "__interval": 61}
# A number is none: `$1` is what a regular expression has found.
VARIABLE = re.compile(r"\$((?!\d)\w+)|\$\{(\w+)(?:[:.][^}]*)?\}|\[\[(\w+)\]\]")


@dataclass(frozen=True)
class Asked:
    """One expression; `where` is said of it. `shown` is the panel that it is for, if it is."""

    page: Page
    where: str
    expr: str
    target: Json | None = None
    shown: Shown | None = None

    @cached_property
    def reading(self) -> Reading:
        return read(VARIABLE.sub(self._filled, self.expr))

    @cached_property
    def result(self) -> Result:
        return Result.of(self.reading.tree, labels_of)

    @property
    def unknown_variables(self) -> list[str]:
        known = {*WINDOWS, *variables(DASHBOARDS[self.page.name])}
        return [name for name in names_of_variables(self.expr) if name not in known]

    def _filled(self, found: re.Match[str]) -> str:
        name = next(filter(None, found.groups()))
        if name in WINDOWS:
            return f"{WINDOWS[name]}s"
        variable = variables(DASHBOARDS[self.page.name]).get(name)
        if variable is None or variable["type"] == "query":
            return ".+"
        return str(variable["current"]["value"])

    def __str__(self) -> str:
        return f"{self.page.name}: {self.where}"


def names_of_variables(text: str) -> list[str]:
    return [next(filter(None, found.groups())) for found in VARIABLE.finditer(text)]


def of_panels() -> Iterator[Asked]:
    for shown in PANELS:
        for target in shown.targets:
            where = f"{shown.panel['title']} {target['refId']}"
            yield Asked(shown.page, where, target["expr"], target, shown)


def of_annotations(page: Page) -> Iterator[Asked]:
    for each in DASHBOARDS[page.name]["annotations"]["list"]:
        if "expr" in each:
            yield Asked(page, f"annotation {each['name']}", each["expr"])


def of_variables(page: Page) -> Iterator[tuple[Asked, str]]:
    """With the label whose values are offered."""
    for each in variables(DASHBOARDS[page.name]).values():
        if each["type"] == "query":
            expression, label = offered(each)
            yield Asked(page, f"variable {each['name']}", expression), label


def offered(variable: Json) -> tuple[str, str]:
    """The expression that is asked and the label that is taken of its result."""
    query = variable["query"]["query"]
    if values := re.fullmatch(r"label_values\((.+),\s*(\w+)\)", query):
        return values[1], values[2]
    (expression,) = re.findall(r"^query_result\((.+)\)$", query, re.S)
    (label,) = re.findall(r'(\w+)="', variable["regex"])
    return expression, label


OF_PANELS = list(of_panels())
ASKED = [
    *OF_PANELS,
    *(each for page in PAGES for each in of_annotations(page)),
    *(each for page in PAGES for each, _ in of_variables(page)),
]
