"""Dashboards of a few panels, made by the builders of those that ship."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulseguard_grafana.assembly import dashboard_json
from pulseguard_grafana.page import Page
from pulseguard_grafana.panels import Panel


def dashboard_of(*panels: Panel) -> dict[str, Any]:
    """An agent's page with these panels, as Grafana reads it."""
    page = Page("trial", "Trial", "Does it work?", top=panels, rows=[], of_agents=True)
    return dashboard_json(page)


# Any: JSON.
def panel_of(document: Mapping[str, Any], title: str) -> dict[str, Any]:
    """The evaluated panel of this title, the first where there are several."""
    found: dict[str, Any] = next(each for each in document["panels"] if each["title"] == title)
    return found
