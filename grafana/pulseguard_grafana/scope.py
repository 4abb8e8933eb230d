"""What a page is about: its variables, the matchers that they fill, and links that keep them."""

from __future__ import annotations

from collections.abc import Sequence

from pulseguard_grafana.panels.panel import Json

SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
TAG = "pulseguard"
# Of every agent that the registry has or that is scraped: each goes on without the other.
_AGENTS = '{__name__=~"pulseguard_registry_agent_status|up",agent_id!="",%s}'
_ENVIRONMENT = 'environment=~"$environment"'
_TEAM = f'{_ENVIRONMENT},team=~"$team"'
# The matchers of a page: of a fleet, and of an agent.
FLEET = _TEAM
AGENT = f'{_TEAM},agent=~"$agent",instance=~"$instance"'
# Of an alert about the monitor itself: it comes from what tells of it, and names no agent.
MONITOR = 'job=~"registry|registry-agents|prometheus|alertmanager",agent_id=""'
# Grafana's word for a variable that has a value and is not shown.
_HIDDEN = 2


def variables(*, of_agents: bool, of_monitor: bool = False) -> list[Json]:
    """Data source, simulation, environment, team, and on an agent's page agent and instance.

    Each offers what is there under the choice above it. The simulated fleet is left out where there
    is another environment, until it is asked for; where it is all there is, it is shown. A page of
    the monitor offers the data source only, and hides the others: they choose nothing there, and
    links carry them on to the next page.
    """
    chosen = [_source(), _simulation(), _environment(), _label("team", _ENVIRONMENT, "Team", ".*")]
    if of_agents:
        chosen.append(_label("agent", _TEAM, "Agent", ".+"))
        chosen.append(_label("instance", f'{_TEAM},agent=~"$agent"', "Instance", ".+"))
    if of_monitor:
        return [chosen[0], *({**variable, "hide": _HIDDEN} for variable in chosen[1:])]
    return chosen


def choice(name: str, title: str, series: str, label: str) -> Json:
    """A variable of a page's own: the values of a label of these series, one, some or all.

    All are also series without that label.
    """
    return _query(name, f"label_values({series}, {label})", title, all_value=".*")


def typed(name: str, title: str, description: str) -> Json:
    """A variable of a page's own: a number that is typed, and nothing at first."""
    empty = {"text": "", "value": ""}
    return {
        "name": name,
        "label": title,
        "description": description,
        "type": "textbox",
        "query": "",
        "current": empty,
        "options": [{**empty, "selected": True}],
        "hide": 0,
        "skipUrlSync": False,
    }


def page_link(
    uid: str, *, title: str, variables: Sequence[tuple[str, str]], kept: Sequence[str] = ()
) -> Json:
    """A data link to another page, which keeps the time and sets these variables.

    The value of a variable is one of Grafana's, such as `${__data.fields.agent:percentencode}`:
    else `&`, `#` and `+` in it would end it. Those that are `kept` have the value that they have
    here, all of it where several are chosen; without `simulation` the simulated fleet may not be
    on offer there.
    """
    given = "".join(f"&${{{name}:queryparam}}" for name in kept)
    given += "".join(f"&var-{name}={value}" for name, value in variables)
    return {
        "title": title,
        "url": f"/d/{uid}?${{datasource:queryparam}}{given}&${{__url_time_range}}",
        "targetBlank": False,
    }


def agent_link() -> Json:
    """To an agent's page, from a table with the columns Environment, Agent and Instance."""
    columns = ("environment", "agent", "instance")
    return page_link(
        "pulseguard-agent",
        title="Metrics",
        variables=[(name, _data(f"__data.fields.{name.capitalize()}")) for name in columns],
        kept=["simulation"],
    )


def model_link(provider: str, model: str) -> Json:
    """To the page of models with one of them alone; both are Grafana's variables."""
    return page_link(
        "pulseguard-models",
        title="This model alone",
        variables=[("provider", _data(provider)), ("model", _data(model))],
        kept=["simulation", "environment", "team"],
    )


def _data(name: str) -> str:
    """One of Grafana's variables of the data, as it stands in an address."""
    return f"${{{name}:percentencode}}"


def _source() -> Json:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {"text": "Prometheus", "value": "prometheus"},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "refresh": 1,
        "regex": "",
        "options": [],
    }


def _simulation() -> Json:
    options = [("left out", "demo"), ("shown", "-")]
    return {
        "name": "simulation",
        "label": "Simulated fleet",
        "description": "Whether the environment demo is among All where there are others.",
        "type": "custom",
        "query": ", ".join(f"{text} : {value}" for text, value in options),
        "current": {"text": "left out", "value": "demo"},
        "options": [
            {"text": text, "value": value, "selected": value == "demo"} for text, value in options
        ],
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "skipUrlSync": False,
    }


def _environment() -> Json:
    # `or on ()` adds the second to nothing only: all of them, where there is no other.
    others, all_of_them = (
        f"count by (environment) ({_AGENTS % matcher})"
        for matcher in ('environment!="$simulation"', 'environment!=""')
    )
    expression = f"{others} or on () {all_of_them}"
    # Without a value of its own, All is the list of what is offered here.
    return _query(
        "environment", f"query_result({expression})", "Environment", regex='/environment="([^"]+)"/'
    )


def _label(name: str, matchers: str, title: str, all_value: str) -> Json:
    query = f"label_values({_AGENTS % matchers}, {name})"
    return _query(name, query, title, all_value=all_value)


def _query(name: str, query: str, label: str, *, regex: str = "", all_value: str = "") -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name, "qryType": 5 if regex else 1},
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "includeAll": True,
        "multi": True,
        "refresh": 2,
        "regex": regex,
        "sort": 1,
        "options": [],
        **({"allValue": all_value} if all_value else {}),
    }
