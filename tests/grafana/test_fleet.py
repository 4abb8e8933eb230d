"""What the fleet's page says of a fleet that is known, by promtool over the series of each case."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pulseguard_grafana.fleet_rows.tables import COST_TODAY, DISAGREE
from pulseguard_grafana.fleet_rows.verdict import SAID, SHIPPED_GROUPS, VERDICT
from pulseguard_grafana.panels.colours import BAD, FILLS, NEUTRAL, WARNING
from pulseguard_grafana.preview.fields import field_of
from tests.grafana.dashboards import PANELS
from tests.grafana.evaluated import objections
from tests.grafana.known_series import RULES

NOW = 600
GONE = None
SLOW = ("cost", "quality")
REGISTRY = 'up{job="registry",instance="r:8000"}'
AGENTS = 'up{job="registry-agents",instance="r:8000"}'
DATABASE = 'pulseguard_registry_database_up{job="registry",instance="r:8000"}'
STARTED = 'process_start_time_seconds{job="prometheus",instance="p:9090"}'
COUNT = 'pulseguard_registry_agents{job="registry-agents",status="ONLINE"}'
Changes = Mapping[str, float | None]


def of_group(name: str, what: str, folder: str = "rules/") -> str:
    labels = f'job="prometheus",rule_group="{folder}{name}.yml;{name}"'
    return f"prometheus_rule_group_{what}{{{labels}}}"


def evaluated(name: str, folder: str = "rules/") -> str:
    return of_group(name, "last_evaluation_timestamp_seconds", folder)


def every(name: str) -> str:
    return of_group(name, "interval_seconds")


def rank(agent: str) -> str:
    """The series of the trouble that an agent is in."""
    labels = f'agent_id="{agent}",agent="{agent}",environment="production",team="x"'
    return f"pulseguard:agent_trouble:rank{{{labels}}}"


WELL: Changes = {
    REGISTRY: 1,
    AGENTS: 1,
    DATABASE: 1,
    STARTED: 0,
    COUNT: 2,
    **{evaluated(name): NOW - 5 for name in SHIPPED_GROUPS},
    **{every(name): 60 if name in SLOW else 10 for name in SHIPPED_GROUPS},
    rank("first"): 0,
    rank("second"): 1,
}
CASES: list[tuple[float, Changes]] = [
    # What the registry tells of agents it reads from PostgreSQL.
    (-4, {DATABASE: 0, AGENTS: 0, COUNT: GONE, rank("first"): GONE, rank("second"): GONE}),
    (-1, {REGISTRY: 0, AGENTS: 0, DATABASE: GONE, COUNT: GONE}),
    (-1, {REGISTRY: GONE, AGENTS: GONE, DATABASE: GONE, COUNT: GONE}),
    (-1, {AGENTS: 0, COUNT: GONE}),
    *((-3, {evaluated(name): GONE, every(name): GONE}) for name in SHIPPED_GROUPS),
    (-3, {evaluated("errors"): NOW - 61}),
    (-3, {evaluated("cost"): NOW - 161}),
    # A user's group of this name does not do the work of the one that is shipped.
    (
        -3,
        {
            evaluated("fleet"): GONE,
            evaluated("7").replace(";7", ";fleet"): NOW - 5,
            every("7").replace(";7", ";fleet"): 10,
        },
    ),
    (-3, {evaluated("cost"): 0}),
    (-3, {evaluated("cost"): 0, STARTED: NOW - 91}),
    (-2, {COUNT: 0, rank("first"): GONE, rank("second"): GONE}),
    (0, {}),
    (0, {evaluated("errors"): NOW - 59, evaluated("cost"): NOW - 159}),
    # Prometheus has just been started, and its turn has not come.
    (0, {evaluated("cost"): 0, STARTED: NOW - 30}),
    (0, {evaluated("mine", "user-rules/"): NOW - 5, evaluated("cost"): NOW - 100}),
    (1, {rank("first"): 3}),
    (2, {rank("first"): 3, rank("second"): 2}),
]


def steady(changes: Changes) -> dict[str, str]:
    """The series of a fleet that is well but for these changes."""
    values = {**WELL, **changes}
    return {name: f"{value}x10" for name, value in values.items() if value is not GONE}


@pytest.mark.parametrize(("said", "changes"), CASES)
def test_the_verdict_says_what_is_the_matter(tmp_path, said, changes):
    assert not objections(tmp_path, VERDICT, {"{}": said}, steady(changes), at=f"{NOW}s")


def test_every_sentence_of_the_verdict_has_a_case():
    assert {said for said, _ in CASES if said < 2} == set(SAID)


def test_the_verdict_knows_every_group_of_rules_that_is_shipped():
    assert sorted(SHIPPED_GROUPS) == sorted(file.stem for file in RULES.glob("*.yml"))
    for name in SHIPPED_GROUPS:
        assert f"  - name: {name}\n" in (RULES / f"{name}.yml").read_text(encoding="utf-8")


COUNTS = 'pulseguard_registry_disagreements{job="registry-agents",kind="%s"}'
TOLD = COUNTS % "registered_not_scraped"


@pytest.mark.parametrize(
    ("counts", "rows"),
    [
        ({TOLD: 0, COUNTS % "two_processes": 0}, {}),
        ({TOLD: 2, COUNTS % "two_processes": 0}, {'{kind="registered_not_scraped"}': 2}),
        ({}, {'{kind="any: the registry does not tell"}': -1}),
        (
            {COUNTS % "two_processes": 1, COUNTS % "retired_but_heard": 0},
            {'{kind="two_processes"}': 1, '{kind="of scrapes: sync does not tell"}': -1},
        ),
    ],
)
def test_views_are_said_to_agree_only_where_somebody_tells(tmp_path, counts, rows):
    series = {name: f"{value}x10" for name, value in counts.items()}

    assert not objections(tmp_path, DISAGREE, rows, series, at=f"{NOW}s")


def test_what_is_not_known_is_no_number():
    (shown,) = [each for each in PANELS if each.panel["title"] == "Disagreements"]

    assert field_of(shown.panel, "Agents").shown(-1).text == "not known"


def test_cost_of_today_is_one_row_for_each_agent_under_its_name_of_now(tmp_path):
    agent = 'agent_id="%s",agent="%s",instance="h",environment="production",team="%s"'
    moved = {team: agent % ("1", "moved", team) for team in ("old", "new")}
    retired = agent % ("2", "retired", "old")
    cost, status = "pulseguard:agent_cost_usd:sum", "pulseguard_registry_agent_status"
    series = {
        f"{cost}{{{moved['old']}}}": "0+0.5x30 stale",
        f"{cost}{{{moved['new']}}}": "_x30 0+0.25x30",
        f"{cost}{{{retired}}}": "0+1x30 stale",
        f'{status}{{job="registry-agents",status="ONLINE",{moved["old"]}}}': "1x30 stale",
        f'{status}{{job="registry-agents",status="ONLINE",{moved["new"]}}}': "_x30 1x30",
        f'{status}{{job="registry-agents",status="ONLINE",{retired}}}': "1x30 stale",
    }

    rounded = f"round({COST_TODAY}, 1)"
    assert not objections(tmp_path, rounded, {f"{{{moved['new']}}}": 23}, series, at="60m")


def test_an_alert_that_fires_is_as_red_as_it_is_bad():
    (shown,) = [each for each in PANELS if each.panel["title"] == "Firing alerts"]
    (target,) = shown.targets
    colours = {
        severity: field_of(shown.panel, severity).shown(1).colour
        for severity in ("critical", "warning", "info")
    }

    assert target["legendFormat"] == "{{severity}}"
    assert colours == {
        "critical": FILLS[BAD],
        "warning": FILLS[WARNING],
        "info": FILLS[NEUTRAL],
    }


def test_alerts_are_counted_by_how_bad_they_are(tmp_path):
    (shown,) = [each for each in PANELS if each.panel["title"] == "Firing alerts"]
    alert = 'ALERTS{alertname="%s",alertstate="firing",severity="%s"}'
    series = {
        alert % ("Watchdog", "none"): "1x10",
        **{alert % (name, "warning"): "1x10" for name in ("AgentSlow", "AgentDear")},
        alert % ("AgentDown", "critical"): "1x10",
    }
    counts = {'{severity="critical"}': 1, '{severity="warning"}': 2}

    assert not objections(tmp_path, shown.targets[0]["expr"], counts, series, at=f"{NOW}s")
