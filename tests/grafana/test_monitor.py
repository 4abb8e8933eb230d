"""What the page about the monitor says of it, by promtool over the series of each case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pulseguard_grafana.pages.monitor import ANSWERS, SAID, VERDICT
from pulseguard_grafana.scope import variables
from tests.grafana.evaluated import objections

NOW = 600.0
GONE = None
REGISTRY = 'up{job="registry",instance="r:8000"}'
AGENTS = 'up{job="registry-agents",instance="r:8000"}'
PROMETHEUS = 'up{job="prometheus",instance="p:9090"}'
ALERTMANAGER = 'up{job="alertmanager",instance="a:9093"}'
DATABASE = 'pulseguard_registry_database_up{job="registry",instance="r:8000"}'
EVALUATED = (
    "prometheus_rule_group_last_evaluation_timestamp_seconds"
    '{job="prometheus",rule_group="/etc/rules/watchdog.yml;watchdog"}'
)
TOLD = 'pulseguard_registry_disagreements{job="registry-agents",kind="registered_not_scraped"}'
HEARD = 'pulseguard_registry_watchdog_heard_timestamp_seconds{job="registry"}'
TAKEN = 'prometheus_config_last_reload_successful{job="prometheus"}'
ALSO_TAKEN = 'alertmanager_config_last_reload_successful{job="alertmanager"}'
AGE = 'pulseguard_registry_sd_snapshot_age_seconds{job="registry"}'
WELL = {
    REGISTRY: 1.0,
    AGENTS: 1.0,
    PROMETHEUS: 1.0,
    ALERTMANAGER: 1.0,
    DATABASE: 1.0,
    EVALUATED: NOW - 5,
    TOLD: 0.0,
    HEARD: NOW - 30,
    TAKEN: 1.0,
    ALSO_TAKEN: 1.0,
    AGE: 0.5,
    'ALERTS{alertname="Watchdog",alertstate="firing",severity="none"}': 1.0,
}


def alert(name: str, labels: str, state: str = "firing") -> str:
    """The series of an alert."""
    return f'ALERTS{{alertname="{name}",alertstate="{state}",{labels}}}'


FIRST = alert("RegistryDatabaseDown", 'severity="critical",job="registry"')
SECOND = alert("RegistryRulesRejected", 'severity="warning",job="registry-agents"')
Changes = Mapping[str, float | None]
CASES: list[tuple[float, Changes]] = [
    (-1, {REGISTRY: 0, DATABASE: GONE, HEARD: GONE, AGE: GONE}),
    (-1, {REGISTRY: GONE, DATABASE: GONE, HEARD: GONE, AGE: GONE}),
    # What the registry tells of agents it reads from PostgreSQL, and discovery is not confirmed.
    (-2, {DATABASE: 0, AGENTS: 0, TOLD: GONE, AGE: 500}),
    (-3, {EVALUATED: NOW - 61}),
    (-3, {EVALUATED: GONE, TAKEN: GONE}),
    (-4, {ALERTMANAGER: 0, ALSO_TAKEN: GONE}),
    (-4, {ALERTMANAGER: GONE, ALSO_TAKEN: GONE}),
    (-5, {TOLD: GONE}),
    (-6, {HEARD: 0}),
    (-7, {HEARD: NOW - 301}),
    (-8, {TAKEN: 0}),
    (-8, {ALSO_TAKEN: 0}),
    (-9, {AGE: 61}),
    (0, {}),
    (0, {EVALUATED: NOW - 59, HEARD: NOW - 299, AGE: 59}),
    (0, {alert("RegistryDown", 'severity="critical",job="registry"', "pending"): 1}),
    (0, {alert("RegistryViewsDisagree", 'severity="info",job="registry-agents"'): 1}),
    (0, {alert("AgentDown", 'severity="critical",job="agents",agent_id="7"'): 1}),
    (
        0,
        {alert("AgentIdentityShared", 'severity="warning",job="registry-agents",agent_id="7"'): 1},
    ),
    (1, {FIRST: 1}),
    (2, {FIRST: 1, SECOND: 1}),
]


def promtool_objects(
    folder: Path, expression: str, expected: Mapping[str, float], changes: Changes
) -> str:
    """What promtool says against the expression having these values, by labels, where the monitor
    is well but for these changes; nothing where it has them."""
    series = {
        name: f"{value}x10" for name, value in {**WELL, **changes}.items() if value is not GONE
    }
    return objections(folder, expression, expected, series, at=f"{NOW:.0f}s")


@pytest.mark.parametrize(("said", "changes"), CASES)
def test_the_verdict_says_what_is_the_matter(tmp_path, said, changes):
    assert not promtool_objects(tmp_path, VERDICT, {"{}": said}, changes)


def test_every_sentence_of_the_verdict_has_a_case():
    assert {said for said, _ in CASES if said < 2} == set(SAID)


ALL_ANSWER = {
    '{job="registry",instance="r:8000"}': 1.0,
    '{job="PostgreSQL of registry",instance="r:8000"}': 1.0,
    '{job="prometheus",instance="p:9090"}': 1.0,
    '{job="alertmanager",instance="a:9093"}': 1.0,
    '{job="sync"}': 1.0,
}


@pytest.mark.parametrize(
    ("changes", "answers"),
    [
        ({}, {}),
        ({TOLD: GONE}, {'{job="sync"}': 0}),
        # Without PostgreSQL the registry does not know whether a sync tells.
        (
            {DATABASE: 0, AGENTS: 0, TOLD: GONE},
            {'{job="PostgreSQL of registry",instance="r:8000"}': 0, '{job="sync"}': GONE},
        ),
    ],
)
def test_the_timeline_has_a_bar_for_each_part_of_which_something_is_known(
    tmp_path, changes, answers
):
    known = {part: value for part, value in {**ALL_ANSWER, **answers}.items() if value is not GONE}

    assert not promtool_objects(tmp_path, ANSWERS, known, changes)


def test_a_page_of_the_monitor_offers_the_data_source_and_keeps_what_links_carry_on():
    offered = {each["name"]: each["hide"] for each in variables(of_agents=False, of_monitor=True)}

    assert list(offered) == [each["name"] for each in variables(of_agents=False)]
    assert [name for name, hide in offered.items() if not hide] == ["datasource"]
