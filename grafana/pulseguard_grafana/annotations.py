"""What happened, on every graph: alerts that fired, agents that changed their version."""

from __future__ import annotations

from pulseguard_grafana.panels.panel import Json
from pulseguard_grafana.scope import AGENT, FLEET, MONITOR, SOURCE


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
    return [
        _alerts(f'agent_id!="",{scope}'),
        _annotation(
            "Version changes",
            version_changes(scope),
            colour="blue",
            title="version {{agent_version}}",
            text="{{agent}}, {{environment}}",
        ),
    ]


def version_changes(scope: str) -> str:
    """The versions that an agent has had for less than 2 minutes, of all its instances together.

    New instances may take over from old ones after minutes without any. An agent that was not there
    within the hour before changes nothing, and neither does one that comes back after a gap with a
    version of that hour.
    """
    info = f"pulseguard_agent_info{{{scope}}}"
    now = f"max by (environment, agent, agent_version) ({info})"
    before, lately = f"{info} offset 2m", f"last_over_time({info}[1h] offset 2m)"
    known = f"{before} or ({lately} unless on (environment, agent) {before})"
    return (
        f"{now} unless on (environment, agent, agent_version) ({known})"
        f" and on (environment, agent) {lately}"
    )


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
