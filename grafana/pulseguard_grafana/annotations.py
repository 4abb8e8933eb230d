"""What happened, on every graph: alerts that fired, agents that changed their version."""

from __future__ import annotations

from pulseguard_grafana.panels.panel import Json
from pulseguard_grafana.scope import AGENT, FLEET, MONITOR, SOURCE

_VERSIONS = "max by (agent_id, agent, instance, agent_version) (pulseguard_agent_info{%s}%s)"


def page_annotations(*, of_agents: bool, of_monitor: bool = False) -> list[Json]:
    """Alerts about what the page shows, and changes of agents' versions, which can be switched off.

    A page of the monitor has the alerts about the monitor, and no versions.
    """
    scope = AGENT if of_agents else FLEET
    return [
        {
            "builtIn": 1,
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "enable": True,
            "hide": True,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        },
        *([_alerts(MONITOR)] if of_monitor else _of_agents(scope)),
    ]


def _of_agents(scope: str) -> list[Json]:
    now, before = _VERSIONS % (scope, ""), _VERSIONS % (scope, " offset 2m")
    return [
        _alerts(f'agent_id!="",{scope}'),
        # Those that were there before under another one: a new agent changes nothing.
        _annotation(
            "Version changes",
            f"({now} unless {before}) and on (agent_id) {before}",
            colour="blue",
            title="version {{agent_version}}",
            text="{{agent}} {{instance}}",
        ),
    ]


def _alerts(matchers: str) -> Json:
    return _annotation(
        "Alerts",
        f'ALERTS{{alertstate="firing",{matchers}}}',
        colour="red",
        title="{{alertname}}",
        text="{{agent}} {{instance}}",
    )


def _annotation(name: str, expr: str, *, colour: str, title: str, text: str) -> Json:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "60s",
        "titleFormat": title,
        "textFormat": text,
        "useValueForTime": "false",
    }
