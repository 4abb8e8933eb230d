"""How much of what a page shows is of the simulated fleet."""

from __future__ import annotations

from pulseguard_grafana.panels import Panel, stat
from pulseguard_grafana.panels.colours import WARNING

_STATUS = "pulseguard_registry_agent_status"


def simulated(scope: str) -> Panel:
    """The share of the agents that are of the simulation; `scope` are the matchers of the page."""
    return stat(
        "Simulated",
        "Share of the agents that are of the simulated fleet, environment `demo`. They measure"
        f" what a model server without a model serves. Reads `{_STATUS}`.",
        f'count({_STATUS}{{{scope},environment="demo"}}) / count({_STATUS}{{{scope}}})',
        unit="percentunit",
        decimals=0,
        texts={1.0: ("Simulated fleet", WARNING)},
        no_data="None, or the registry does not answer",
    ).well_empty()


def simulated_line(scope: str) -> Panel:
    """The same as a line of its own, over the whole width."""
    return simulated(scope).sized(24, 2)
